"""Workers prepare exports in short calls, each of which claims one, reads some of its rows and records how far it is.

A claim has a number and a lease. What a worker writes counts once it is recorded under the number of its claim, so a
worker that was killed, or frozen until another took over, loses and doubles nothing.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, BinaryIO, Final

from django.db import transaction
from django.db.models import Q
from django.utils import translation

from sunusav.core.clock import Clock
from sunusav.core.errors import DomainError
from sunusav.core.exporting import files
from sunusav.core.exporting.errors import ExportStopped, ExportTooLarge
from sunusav.core.exporting.requests import EXPORT_TRANSITIONS, LOCK, SYSTEM, export_subject
from sunusav.core.exporting.types import Source
from sunusav.core.exporting.writers import WRITERS, Sheet, Writer
from sunusav.core.locks import lock
from sunusav.core.models import Export, ExportState
from sunusav.core.transitions import move

CHUNK: Final = 500
WORK: Final = timedelta(seconds=50)
# The finished file is begun only when this much of the call is left for it; else the next call makes it.
FINISH_WITHIN: Final = timedelta(seconds=20)
LEASE: Final = timedelta(minutes=5)
# How many workers prepare exports at once: others of the queue are left for other tasks.
AT_ONCE: Final = 2
# Claims without progress before an export fails: one whose rows end their worker must not be tried for days.
MOST_TRIES: Final = 5
# How long an export waits after a claim without progress; each further one doubles it.
FIRST_DELAY: Final = timedelta(seconds=30)

logger = logging.getLogger(__name__)

FindSource = Callable[[Export], Source]


class ClaimLost(Exception):
    """The export was claimed again, cancelled or deleted meanwhile."""


def prepare_next(find_source: FindSource, *, clock: Clock, work: timedelta = WORK) -> bool:
    """Claim the export that has waited longest and work on it; return whether there was one.

    A refusal by `find_source` ends the export, with the refusal's code. After any other error it is tried again later,
    each time after a longer delay, and fails once it was tried too often.
    """
    now = clock()
    export = _claim(now=now)
    if export is None:
        return False
    try:
        with translation.override(export.language):
            _work(export, find_source(export), clock=clock, until=now + work)
    except DomainError as refusal:
        _fail(export, refusal, now=clock())
    except ClaimLost:
        pass  # somebody else goes on with it, or nobody has to
    except Exception as error:  # whatever is wrong with one export, the others are prepared
        logger.exception("export %s failed: %s", export.pk, type(error).__name__)
        _defer(export, now=clock())
    return True


def _work(export: Export, source: Source, *, clock: Clock, until: datetime) -> None:
    writer = WRITERS[export.file_format](_sheet(export, source))
    is_complete = False
    with files.open_segment(export) as segment:
        while not is_complete and clock() < until:
            is_complete = _append(export, source, writer, segment, clock=clock)
    if is_complete and clock() < until - FINISH_WITHIN:
        _finish(export, writer, clock=clock)
    else:
        _release(export, now=clock())


def _append(export: Export, source: Source, writer: Writer, segment: BinaryIO, *, clock: Clock) -> bool:
    """Write the next rows and record them; return whether they were the last. Raises: ClaimLost, ExportTooLarge."""
    keys = _next_keys(export, source)
    rows = source.load(keys) if keys else []
    last = export.rows_done + len(rows)
    if writer.most_rows is not None and last > writer.most_rows:
        raise ExportTooLarge(file_format=export.file_format, most_rows=writer.most_rows)
    segment.writelines(
        writer.row(number, [column.value(row) for column in source.columns])
        for number, row in enumerate(rows, start=export.rows_done + 1)
    )
    if keys:
        segments = [*_earlier(export), [export.claim, files.sync(segment)]]
        _record(
            export, cursor=str(keys[-1]), rows_done=last, segments=segments, tries=0,
            leased_until=clock() + LEASE,
        )  # fmt: skip
    return len(keys) < CHUNK


def _next_keys(export: Export, source: Source) -> Sequence[Any]:
    """Return the next keys, each once: a filter by related rows may find one several times."""
    if not export.upper_key:
        return []  # the table was empty at the request
    keys = source.keys.order_by("pk").filter(pk__lte=export.upper_key)
    if export.cursor:
        keys = keys.filter(pk__gt=export.cursor)
    return list(keys.values_list("pk", flat=True).distinct()[:CHUNK])


def _earlier(export: Export) -> list[list[int]]:
    return [segment for segment in export.segments if segment[0] != export.claim]


def _finish(export: Export, writer: Writer, *, clock: Clock) -> None:
    size, now = files.finish(export, writer), clock()
    with transaction.atomic():
        if not _is_held(export):
            raise ClaimLost
        move(
            export, ExportState.READY, allowed=EXPORT_TRANSITIONS, subject=export_subject(export.pk),
            action="finish_export", actor=SYSTEM, at=now, facts={"rows": export.rows_done, "bytes": size},
            file_bytes=size, ready_at=now, expires_at=now + (export.expires_at - export.requested_at),
            leased_until=None,
        )  # fmt: skip
    files.delete_segments(export)


def _fail(export: Export, refusal: DomainError, *, now: datetime) -> None:
    with transaction.atomic():
        if not _is_held(export):
            return
        move(
            export, ExportState.FAILED, allowed=EXPORT_TRANSITIONS, subject=export_subject(export.pk),
            action="fail_export", actor=SYSTEM, at=now, reason=refusal.code, failure_code=refusal.code,
            failure_facts=refusal.stored_facts, leased_until=None,
        )  # fmt: skip
        transaction.on_commit(lambda: files.delete_files(export.folder))


def _claim(*, now: datetime) -> Export | None:
    """Claim the export that was worked on longest ago. One that was claimed in vain too often fails here."""
    with transaction.atomic():
        lock(LOCK)
        preparing = Export.objects.filter(state=ExportState.PREPARING)
        if preparing.filter(leased_until__gt=now).count() >= AT_ONCE:
            return None
        free = preparing.filter(Q(leased_until=None) | Q(leased_until__lte=now))
        for export in free.filter(_is_due(now)).order_by("worked_at", "pk").select_related("requester"):
            if export.tries < MOST_TRIES:
                _record(
                    export, claim=export.claim + 1, tries=export.tries + 1, leased_until=now + LEASE,
                    worked_at=now,
                )  # fmt: skip
                return export
            _fail(export, ExportStopped(tries=export.tries), now=now)
    return None


def _is_due(now: datetime) -> Q:
    delays = {tries: FIRST_DELAY * 2 ** (tries - 1) for tries in range(1, MOST_TRIES)}
    waited = [Q(tries=tries, worked_at__lte=now - delay) for tries, delay in delays.items()]
    return reduce(or_, waited, Q(tries=0) | Q(tries__gte=MOST_TRIES))


def _is_held(export: Export) -> bool:
    """Lock the row; return whether the claim is still this worker's."""
    rows = Export.objects.select_for_update().filter(pk=export.pk)
    held = rows.first()
    return held is not None and (held.claim, held.state) == (export.claim, ExportState.PREPARING)


def _release(export: Export, *, now: datetime) -> None:
    _record(export, leased_until=None, worked_at=now)


def _defer(export: Export, *, now: datetime) -> None:
    """End a claim in vain: the next one is later, or the export fails."""
    if export.tries >= MOST_TRIES:
        _fail(export, ExportStopped(tries=export.tries), now=now)
        return
    with suppress(ClaimLost):
        # The next claim repeats what this one wrote and did not record, and counts as another try.
        _record(export, leased_until=None, worked_at=now, tries=max(export.tries, 1))


def _record(export: Export, **fields: Any) -> None:
    """Change the row while the claim is this worker's. Raises: ClaimLost."""
    held = Export.objects.filter(pk=export.pk, claim=export.claim, state=ExportState.PREPARING)
    if held.update(**fields) != 1:
        raise ClaimLost
    for name, value in fields.items():
        setattr(export, name, value)


def _sheet(export: Export, source: Source) -> Sheet:
    return Sheet(
        title=source.title, about=source.about, heads=[column.header for column in source.columns],
        language=export.language, requester=export.requester.get_username(),
        requested_at=export.requested_at,
    )  # fmt: skip
