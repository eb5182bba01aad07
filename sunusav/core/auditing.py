"""Types of the audit (invariant, breach, scope), and how it reads long tables."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

# Rows read at a time, so that neither memory nor the length of a statement grows with the table.
CHUNK: Final = 1_000
# How far primary keys and timestamps may disagree in order: rows are committed late, and clocks are corrected.
OUT_OF_ORDER: Final = 1_000

Row = TypeVar("Row", bound=Model)
Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Breach:
    """One row that breaks an invariant."""

    invariant: str
    subject: str
    detail: str


@dataclass(frozen=True)
class AuditScope:
    """What an audit covers: everything, or only what changed since a moment."""

    now: datetime
    since: datetime | None = None


@dataclass(frozen=True)
class Invariant:
    """A rule that must always hold. `find` yields its breaches; `waiting` marks rules about work left waiting."""

    code: str
    title: str
    find: Callable[[AuditScope], Iterable[Breach]]
    waiting: bool = False


def pages(rows: QuerySet[Row], keys: Collection[int] | None = None) -> Iterator[list[Row]]:
    """Yield rows a page at a time, by key: all of them, or those of the given keys.

    Not `iterator()`: MySQL's client holds the whole result in memory.
    """
    if keys is not None:
        for chunk in chunks(sorted(keys)):
            yield list(rows.filter(pk__in=chunk).order_by("pk"))
        return
    rows = rows.order_by("pk")
    page = list(rows[:CHUNK])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1].pk)[:CHUNK]) if len(page) == CHUNK else []


def chunks(keys: list[Key]) -> Iterator[list[Key]]:
    """Yield keys in lists short enough for one statement."""
    yield from (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))


def rows_since(rows: QuerySet[Row], moment: str, since: datetime | None) -> QuerySet[Row]:
    """Keep, for a fast audit, the rows whose `moment` is at or after `since`, without an index on it.

    `moment` must be when a row was inserted: this reads the table from its end back to the thousandth older row.
    Rows further back are left to the full audit.
    """
    if since is None:
        return rows
    older = rows.filter(**{f"{moment}__lt": since}).order_by("-pk").values_list("pk", flat=True)
    last: list[Any] = list(older[OUT_OF_ORDER : OUT_OF_ORDER + 1])
    recent = rows.filter(**{f"{moment}__gte": since})
    return recent.filter(pk__gt=last[0]) if last else recent
