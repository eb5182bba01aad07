"""Reads of members' credit."""

from ledger.queries import movements_of, owed
from ledger.types import Movement
from transfers.models import CreditUse
from transfers.types import CreditUseFacts, credit_of


def credit_msat(user_id: str) -> int:
    """Return what a member's credit holds."""
    return owed(credit_of(user_id))


def credit_movements(user_id: str, *, before_id: int | None, limit: int) -> list[Movement]:
    """Return movements of a member's credit, the newest first: those older than this id, where given."""
    return movements_of(credit_of(user_id), before_id=before_id, limit=limit)


def live_credit_use(subject: str) -> CreditUseFacts | None:
    """Return the use of credit that pays for a subject now."""
    row = CreditUse.objects.filter(live_subject=subject).first()
    return credit_use(row) if row else None


def credit_use(row: CreditUse) -> CreditUseFacts:
    """Return a use of credit as a frozen row."""
    return CreditUseFacts(
        id=row.pk, owner=row.owner, subject=row.subject, amount_msat=row.amount_msat, into=row.into,
        used_at=row.used_at, returned_at=row.returned_at,
    )  # fmt: skip
