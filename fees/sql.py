"""The raw SQL of this app, beside its ORM twin; a test shows on every engine that both agree."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fees.models import FeeAssessment, FeeRecord, FeeSchedule
from sunusav.core.sql import placeholders

# Every payout reads this; through `select_related` it costs as much as all other statements of its booking.
_ASSESSMENTS: Final = (
    "SELECT a.*, s.version AS schedule_version, r.id AS record_id, r.disbursement_ref AS recorded_for"  # noqa: S608
    f" FROM {FeeAssessment._meta.db_table} a JOIN {FeeSchedule._meta.db_table} s ON s.id = a.schedule_id"
    f" LEFT JOIN {FeeRecord._meta.db_table} r ON r.assessment_id = a.id WHERE a.id IN "
)


@dataclass(frozen=True)
class Assessed:
    """A fixed fee, the version of its schedule, and its record, if it has one."""

    row: FeeAssessment
    schedule_version: int
    record_id: int | None
    recorded_for: str | None


def assessments(ids: Collection[int]) -> list[Assessed]:
    """Return those of these fixed fees that exist, in one statement."""
    rows = FeeAssessment.objects.raw(f"{_ASSESSMENTS}({placeholders(ids)})", list(ids)) if ids else ()
    return [
        Assessed(row, row.schedule_version, row.record_id, row.recorded_for)  # type: ignore[attr-defined]
        for row in rows
    ]


def assessments_by_orm(ids: Collection[int]) -> list[Assessed]:
    rows = FeeAssessment.objects.select_related("schedule", "record").filter(pk__in=ids)
    return [_assessed(row, getattr(row, "record", None)) for row in rows]


def _assessed(row: FeeAssessment, record: FeeRecord | None) -> Assessed:
    return Assessed(
        row,
        schedule_version=row.schedule.version,
        record_id=record.pk if record else None,
        recorded_for=record.disbursement_ref if record else None,
    )
