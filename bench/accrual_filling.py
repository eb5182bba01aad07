"""Fill the fee records of one month: one is charged by the service, and the database makes all others from it."""

from datetime import datetime, timedelta

from django.db import connection

from fees.models import FeeRecord
from tests.factories.settlements import accrue, rate_of

PARTNER = "wave"
# The rate is read every five minutes; each fee keeps the one it was fixed at.
RATE_SECONDS = 300


def charge_first(*, at: datetime) -> FeeRecord:
    """Charge the fee of one payout by the service."""
    rate_of("8000000", at=at)
    return FeeRecord.objects.get(pk=accrue(1_000_000, at=at))


def fill_month(first: FeeRecord, *, start: datetime, end: datetime, through: int) -> None:
    """Make the fee records of a month up to a number, spread evenly over it, each at the rate of its five minutes.

    Call it again with a higher number for more. What they point to is that of the first, but for their assessments,
    which nobody reads and which do not exist.
    """
    made = FeeRecord.objects.count()
    columns = _columns(start, seconds=int((end - start) / timedelta(seconds=1)), through=through)
    names = [str(field.column) for field in FeeRecord._meta.concrete_fields if not field.generated]
    values = [columns.get(name, f"o.`{name}`") for name in names]
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0, SESSION unique_checks = 0")
        cursor.execute(
            f"INSERT INTO {FeeRecord._meta.db_table} ({', '.join(names)}) SELECT {', '.join(values)}"
            f" FROM {FeeRecord._meta.db_table} AS o, seq_{made}_to_{through - 1} AS n WHERE o.id = {first.pk}"
        )
        cursor.execute("SET SESSION foreign_key_checks = 1, SESSION unique_checks = 1")
        cursor.execute(f"ANALYZE TABLE {FeeRecord._meta.db_table}")
        cursor.fetchall()


def _columns(start: datetime, *, seconds: int, through: int) -> dict[str, str]:
    """Return what differs between the records; a second call's lie between those of the first."""
    after = f"(n.seq * {seconds} DIV {through})"
    return {
        "id": "o.id + n.seq",
        "subject": "CONCAT('cycle:bench-', n.seq)",
        "disbursement_ref": "CONCAT('bench:', n.seq)",
        "assessment_id": "o.assessment_id + n.seq",
        "rate_xof_per_btc": f"o.rate_xof_per_btc + {after} DIV {RATE_SECONDS} * 0.01",
        "completed_at": f"TIMESTAMP('{start:%Y-%m-%d %H:%M:%S}') + INTERVAL {after} SECOND",
    }
