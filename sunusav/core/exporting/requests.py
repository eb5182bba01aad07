"""What people do with exports: ask for one, cancel it, download it; and their deletion when they expire."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.db import transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.exporting import files
from sunusav.core.exporting.errors import ExportLimitReached, ExportNotReady, ExportTooLarge
from sunusav.core.exporting.types import Source
from sunusav.core.exporting.writers import WRITERS
from sunusav.core.locks import lock
from sunusav.core.models import Export, ExportState, User
from sunusav.core.transitions import Transitions, move

LOCK: Final = "exports"
LIFETIME: Final = timedelta(hours=24)
# Exports of one person that are being prepared.
MOST_AT_ONCE: Final = 5
FOLDER_BYTES: Final = 32
LINK_SALT: Final = "sunusav.core.exporting.link"
SYSTEM: Final = Actor.system("core.exports")
EXPORT_TRANSITIONS: Transitions = {
    ExportState.PREPARING: frozenset({ExportState.READY, ExportState.CANCELLED, ExportState.FAILED}),
}


def export_subject(export_id: int) -> str:
    return f"export:{export_id}"


def request_export(
    *,
    list_name: str,
    filters: Mapping[str, Sequence[str]],
    file_format: str,
    language: str,
    source: Source,
    requester: User,
    now: datetime,
) -> Export:
    """Ask for a file of the rows that a list shows now.

    The trail keeps the names of the filters alone: their values may be a person's identifier.
    Raises: ExportTooLarge, ExportLimitReached.
    """
    first, last = _ends(source)
    require_size(source, file_format, first=first, last=last)
    with transaction.atomic():
        lock(LOCK)
        if _preparing(requester) >= MOST_AT_ONCE:
            raise ExportLimitReached(most_exports=MOST_AT_ONCE)
        export = Export.objects.create(
            requester=requester, list_name=list_name, filters=dict(filters), file_format=file_format,
            language=language, lower_key=first, upper_key=last, folder=secrets.token_urlsafe(FOLDER_BYTES),
            requested_at=now, worked_at=now, expires_at=now + LIFETIME,
        )  # fmt: skip
        trail.record(
            subject=export_subject(export.pk), action="request_export", actor=Actor.of(requester), at=now,
            to_state=ExportState.PREPARING, facts=_facts(export),
        )  # fmt: skip
    return export


def require_size(source: Source, file_format: str, *, first: str, last: str) -> None:
    """Refuse rows that no file of this format can hold. It counts no further than to the limit.

    Raises: ExportTooLarge.
    """
    most_rows = WRITERS[file_format].most_rows
    if most_rows is None or (_number(last) - _number(first) < most_rows and first.isdecimal()):
        return
    if source.keys.order_by("pk").values_list("pk", flat=True)[most_rows : most_rows + 1]:
        raise ExportTooLarge(file_format=file_format, most_rows=most_rows)


def cancel_export(*, export_id: int, requester: User, now: datetime) -> None:
    """Cancel an export that is being prepared, and delete what there is of it.

    Raises: ExportNotReady for another person's, TransitionNotAllowed.
    """
    with transaction.atomic():
        export = _own(export_id, requester)
        move(
            export, ExportState.CANCELLED, allowed=EXPORT_TRANSITIONS, subject=export_subject(export_id),
            action="cancel_export", actor=Actor.of(requester), at=now, leased_until=None,
        )  # fmt: skip
        transaction.on_commit(lambda: files.delete_files(export.folder))


def link_of(export: Export) -> str:
    """Return the signed part of the address under which its requester downloads a file."""
    return signing.dumps([export.pk, export.requester_id], salt=LINK_SALT)


def export_behind(link: str, *, requester: User, now: datetime) -> Export:
    """Return the ready export of a link. Raises: ExportNotReady for everybody but its requester, and once expired."""
    try:
        export_id, requester_id = signing.loads(link, salt=LINK_SALT, max_age=LIFETIME)
    except signing.BadSignature as error:
        raise ExportNotReady(export_id=0) from error
    rows = Export.objects.filter(pk=export_id, requester_id=requester_id, state=ExportState.READY)
    export = rows.filter(expires_at__gt=now).first()
    if export is None or requester_id != requester.pk or not files.finished_path(export).exists():
        raise ExportNotReady(export_id=export_id)
    return export


def record_download(*, export: Export, requester: User, now: datetime) -> None:
    """Append to the trail that a person downloads a file."""
    trail.record(
        subject=export_subject(export.pk), action="download_export", actor=Actor.of(requester), at=now,
        facts=_facts(export) | {"rows": export.rows_done},
    )  # fmt: skip


def delete_expired(*, now: datetime, limit: int = 1_000) -> int:
    """Delete exports that have expired, with their files, and folders that no row names; return how many expired."""
    expired = list(Export.objects.filter(expires_at__lte=now).order_by("expires_at")[:limit])
    for export in expired:
        files.delete_files(export.folder)
        _delete(export, now=now)
    _delete_orphans()
    return len(expired)


def _delete(export: Export, *, now: datetime) -> None:
    with transaction.atomic():
        deleted, _rows = Export.objects.filter(pk=export.pk).delete()
        if deleted:
            trail.record(
                subject=export_subject(export.pk), action="delete_expired_export", actor=SYSTEM, at=now,
                from_state=export.state,
            )  # fmt: skip


def _delete_orphans() -> None:
    """Delete folders without a row: a worker that was frozen may have made one again after the deletion.

    The folders are listed first: one that is made later has its row already.
    """
    stored = files.stored_folders()
    known = set(Export.objects.values_list("folder", flat=True))
    for folder in stored:
        if folder not in known:
            files.delete_files(folder)


def _preparing(requester: User) -> int:
    return Export.objects.filter(requester=requester, state=ExportState.PREPARING).count()


def _own(export_id: int, requester: User) -> Export:
    rows = Export.objects.select_for_update().filter(pk=export_id, requester=requester)
    export = rows.first()
    if export is None:
        raise ExportNotReady(export_id=export_id)
    return export


def _ends(source: Source) -> tuple[str, str]:
    """Return the first and the last key of the table: what is inserted later is not in the file."""
    keys = source.keys.model._default_manager.values_list("pk", flat=True)
    first, last = keys.order_by("pk").first(), keys.order_by("-pk").first()
    return ("" if first is None else str(first)), ("" if last is None else str(last))


def _number(key: str) -> int:
    return int(key) if key.isdecimal() else 0


def _facts(export: Export) -> dict[str, Any]:
    return {
        "list": export.list_name,
        "file_format": export.file_format,
        "filters": sorted(export.filters),
    }
