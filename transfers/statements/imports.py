"""Import a file as a statement, once, and match it; match open differences again with what was booked since."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.utils.timezone import localdate

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.auditing import chunks
from sunusav.core.bulk import insert
from sunusav.core.calendar import DAKAR
from sunusav.core.locks import lock
from sunusav.core.models import User
from transfers.models import ClosingBalance, StatementFormat, StatementImport, StatementLine
from transfers.statement_errors import StatementDaysDiffer
from transfers.statements.matching import STATEMENTS_LOCK, match_source
from transfers.statements.queries import exact, format_of, import_of, open_counts
from transfers.statements.reading import ReadLine, read_statement
from transfers.statements.sources import require_source

STATEMENT_IMPORT: Final = "statement_import"
NAME_LENGTH: Final = 200


@dataclass(frozen=True)
class Imported:
    """The import of a file, and how many groups were matched or differ; `is_new` is false for a file read before."""

    row: StatementImport
    is_new: bool
    found: Counter[str] = field(default_factory=Counter)


def import_statement(
    *,
    source: str,
    file_name: str,
    content: bytes,
    importer: User,
    now: datetime,
    since: date | None = None,
    through: date | None = None,
    closing_xof: int | None = None,
) -> Imported:
    """Read a file as a statement of a source and match it; the same file again changes nothing.

    It covers the days from its first line to its last, unless others around them are given. `closing_xof` is what the
    account had at the end of the last one, where the statement says so.
    Raises: StatementSourceUnknown, StatementFormatMissing, StatementDaysDiffer; and as `read_statement`.
    """
    require_source(source)
    digest = hashlib.sha256(content).hexdigest()
    if (before := import_of(source, sha256=digest)) is not None:
        return Imported(before, is_new=False)
    form = format_of(source)
    lines = read_statement(content, form)
    days = _days(lines, since, through, today=localdate(now, DAKAR))
    with transaction.atomic():
        lock(STATEMENTS_LOCK)
        if (before := import_of(source, sha256=digest)) is not None:
            return Imported(before, is_new=False)
        row = _store(form, lines, days, name=file_name, digest=digest, importer=importer, now=now)
        found = match_source(source, now=now, statement=row)
        _record(row, found, now=now)
        if closing_xof is not None:
            record_closing_balance(
                statement=row, closing_xof=closing_xof, reason="", recorder=importer, now=now
            )
    return Imported(row, is_new=True, found=found)


def record_closing_balance(
    *, statement: StatementImport, closing_xof: int, reason: str, recorder: User, now: datetime
) -> ClosingBalance:
    """Record what an account had at the end of a statement's last day; the last record of a statement holds."""
    with transaction.atomic():
        row = ClosingBalance.objects.create(
            statement=statement, closing_xof=closing_xof, reason=reason.strip(), recorded_by=recorder, recorded_at=now,
        )  # fmt: skip
        trail.record(
            subject=f"{STATEMENT_IMPORT}:{statement.pk}", action="record_closing_balance", actor=Actor.of(recorder),
            at=now, reason=row.reason, facts={"closing_xof": closing_xof},
        )  # fmt: skip
    return row


def match_again(*, now: datetime) -> int:
    """Match the open differences of all sources with what was booked since; return how many are still open."""
    for source in sorted(open_counts()):
        with transaction.atomic():
            lock(STATEMENTS_LOCK)
            match_source(source, now=now)
    return sum(count for count, _ in open_counts().values())


def _days(
    lines: Sequence[ReadLine], since: date | None, through: date | None, *, today: date
) -> tuple[date, date]:
    days = [line.happened_at.date() for line in lines]
    first, last = min(days), max(days)
    covered = since or first, through or last
    if not covered[0] <= first <= last <= covered[1] <= today:
        raise StatementDaysDiffer(first_day=first.isoformat(), last_day=last.isoformat())
    return covered


def _store(
    form: StatementFormat,
    lines: Sequence[ReadLine],
    days: tuple[date, date],
    *,
    name: str,
    digest: str,
    importer: User,
    now: datetime,
) -> StatementImport:
    new = _new_lines(form.source, lines)
    row = StatementImport.objects.create(
        source=form.source, format=form, file_name=_printable(name), sha256=digest, since=days[0], through=days[1],
        lines_read=len(lines), lines_new=len(new), imported_by=importer, imported_at=now,
    )  # fmt: skip
    insert([
        StatementLine(
            statement=row, source=form.source, row_number=line.row_number, reference=line.reference,
            amount_xof=line.amount_xof, cost_xof=line.cost_xof, happened_at=line.happened_at, text=line.text,
            line_key=key,
        )
        for key, line in new.items()
    ])  # fmt: skip
    return row


def _new_lines(source: str, lines: Iterable[ReadLine]) -> dict[str, ReadLine]:
    """Return the lines that no statement has had, by their keys."""
    keyed = dict(_keyed(source, lines))
    for some in chunks(sorted(keyed)):
        stored = StatementLine.objects.filter(line_key__in=some)
        for key in stored.values_list("line_key", flat=True):
            del keyed[key]
    return keyed


def _keyed(source: str, lines: Iterable[ReadLine]) -> Iterator[tuple[str, ReadLine]]:
    """Yield each line with its key: equal lines of one file are told apart by their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        cost = "" if line.cost_xof is None else exact(line.cost_xof)
        content = (line.reference, exact(line.amount_xof), cost, line.happened_at.isoformat(), line.text)
        seen[content] += 1
        parts = "\x1f".join([source, *content, str(seen[content])])
        yield hashlib.sha256(parts.encode()).hexdigest(), line


def _printable(name: str) -> str:
    """Return a file's name as it can be shown: a browser sends what it likes."""
    return "".join(one for one in name if one.isprintable())[:NAME_LENGTH]


def _record(row: StatementImport, found: Counter[str], *, now: datetime) -> None:
    trail.record(
        subject=f"{STATEMENT_IMPORT}:{row.pk}", action="import_statement", actor=Actor.of(row.imported_by), at=now,
        facts={
            "statement_source": row.source, "lines_read": row.lines_read, "lines_new": row.lines_new,
            "file_sha256": row.sha256, **{name: found[name] for name in sorted(found)},
        },
    )  # fmt: skip
