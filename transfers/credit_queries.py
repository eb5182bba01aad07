"""Reads of members' credit."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Q

from ledger.enums import AccountRole, Currency
from ledger.queries import balances, lines_of, movements_of, owed, unused_credits
from ledger.types import Movement, UnusedCredit
from sunusav.core.auditing import pages, rows_since
from transfers.enums import PAID_STATES, DisbursementState
from transfers.models import Attempt, CreditUse, Disbursement
from transfers.types import CreditUseFacts, credit_of, member_ref

# While a disbursement is in one of these, its payee may still be paid.
PAYABLE_STATES = [
    state for state in DisbursementState if state not in (*PAID_STATES, DisbursementState.CANCELLED)
]


def credit_msat(user_id: str) -> int:
    """Return what a member's credit holds."""
    return owed(credit_of(user_id))


def credits_msat(user_ids: Iterable[str]) -> dict[str, int]:
    """Return what the credit of each of these members holds, in one statement."""
    accounts = {user_id: credit_of(user_id) for user_id in user_ids}
    found = balances(accounts.values())
    return {user_id: -found[account] for user_id, account in accounts.items()}


def residue_credited_msat(disbursement_id: int) -> int:
    """Return what whole francs left over, as the books credited it to the payee; 0 if nothing was. Units: msat."""
    paid = Attempt.objects.filter(disbursement=disbursement_id, payment_transaction__isnull=False)
    posted = paid.values_list("payment_transaction", flat=True).first()
    lines = lines_of(posted) if posted else []
    return -sum(line.amount for line in lines if line.account.role is AccountRole.MEMBER_CREDIT)


def credit_movements(user_id: str, *, before_id: int | None, limit: int) -> list[Movement]:
    """Return movements of a member's credit, the newest first: those older than this id, where given."""
    return movements_of(credit_of(user_id), before_id=before_id, limit=limit)


def credits_by_age() -> list[UnusedCredit]:
    """Return what is left of members' credits in msat, the oldest first; a member uses the oldest first."""
    return unused_credits(AccountRole.MEMBER_CREDIT, Currency.MSAT)


def live_credit_use(subject: str) -> CreditUseFacts | None:
    """Return the use of credit that pays for a subject now."""
    row = CreditUse.objects.filter(live_subject=subject).first()
    return credit_use(row) if row else None


def credit_used_for(subjects: Iterable[str]) -> dict[str, int]:
    """Return the msat of credit that pay for each of these subjects now; subjects without are left out."""
    return {subject: use.amount_msat for subject, use in credit_uses_for(subjects).items()}


def credit_uses_for(subjects: Iterable[str]) -> dict[str, CreditUseFacts]:
    """Return the uses of credit that pay for these subjects now, in one query."""
    rows = CreditUse.objects.filter(live_subject__in=list(subjects))
    return {row.subject: credit_use(row) for row in rows}


def live_uses_pages(prefix: str, *, since: datetime | None) -> Iterator[list[CreditUseFacts]]:
    """Yield the uses in force for one kind of subject, a page at a time: all, or those of since a moment."""
    rows = CreditUse.objects.filter(live_subject__startswith=prefix)
    for page in pages(rows_since(rows, "used_at", since)):
        yield [credit_use(row) for row in page]


def credit_use(row: CreditUse) -> CreditUseFacts:
    """Return a use of credit as a frozen row."""
    return CreditUseFacts(
        id=row.pk, owner=row.owner, subject=row.subject, amount_msat=row.amount_msat, into=row.into,
        used_at=row.used_at, transaction_id=row.transaction_id, returned_at=row.returned_at,
    )  # fmt: skip


def payments_under_way(user_id: str, *, payee_ref: str) -> int:
    """Count the payments that may still be paid to this payee, or out of this member's credit."""
    theirs = Q(payee_ref=payee_ref) | Q(debit_owner=member_ref(user_id))
    return Disbursement.objects.filter(theirs, state__in=PAYABLE_STATES).count()
