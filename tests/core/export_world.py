"""Exports of the trail, prepared without a broker and by a clock that the test sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.exporting import files
from sunusav.core.exporting.columns import column_of
from sunusav.core.exporting.preparing import prepare_next
from sunusav.core.exporting.requests import request_export
from sunusav.core.exporting.types import Cell, Column, Source
from sunusav.core.models import Export, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.users import make_user

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
ACTOR = Actor.system("test")


def write_trail(count: int) -> None:
    trail.record_all(
        [
            trail.TrailFact(f"switch:{number:06}", "pause", ACTOR, NOW, reason=f"reason {number}")
            for number in range(count)
        ]
    )


def read_trail(keys: Sequence[int]) -> list[TrailEntry]:
    return list(TrailEntry.objects.filter(pk__in=keys).order_by("pk"))


def source(*, load: Callable[[Sequence[Any]], Sequence[Any]] = read_trail, **filters: Any) -> Source:
    return Source(
        title="Trail",
        about="",
        columns=(column_of(TrailEntry, "subject"), Column("number", number_of), column_of(TrailEntry, "at")),
        keys=TrailEntry.objects.filter(action="pause", **filters),
        load=load,
    )


def number_of(entry: TrailEntry) -> Cell:
    """Return a number that is different in each row, and has a fraction."""
    return Decimal(int(entry.subject.partition(":")[2])) / 4


def requested(
    file_format: str = "csv",
    *,
    by: User | None = None,
    at: datetime = NOW,
    language: str = "en",
    **filters: Any,
) -> Export:
    return request_export(
        list_name="core.trailentry", filters={}, file_format=file_format, language=language,
        source=source(**filters), requester=by or make_user(Role.AUDITOR), now=at,
    )  # fmt: skip


@dataclass
class Ticking:
    """A clock that goes on by a step at each reading."""

    at: datetime = NOW
    step: timedelta = field(default_factory=lambda: timedelta(milliseconds=1))

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


def prepare(*, clock: Callable[[], datetime] | None = None, load: Any = read_trail) -> bool:
    return prepare_next(lambda _: source(load=load), clock=clock or Ticking())


def file_of(export: Export) -> bytes:
    export.refresh_from_db()
    return files.finished_path(export).read_bytes()
