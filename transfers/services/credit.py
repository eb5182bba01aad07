"""Members' credit: used for one subject at most once at a time, and returned."""

from datetime import datetime
from uuid import uuid4

from django.db import IntegrityError, transaction

from ledger.enums import LIABILITY_ROLES
from ledger.errors import AccountShort
from ledger.queries import owed
from ledger.services import post, require_owed, reverse
from ledger.types import AccountRef, credit, debit
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.money import msat_from_sats, sats_from_msat
from sunusav.core.transactions import retried_on_deadlock
from transfers.credit_queries import credit_use
from transfers.enums import TransactionKind
from transfers.errors import CreditAlreadyUsed, CreditNotUsed, CreditShort
from transfers.models import CreditUse
from transfers.types import CreditUseFacts, credit_of


@retried_on_deadlock
def use_credit(
    *, user_id: str, amount_msat: int, into: AccountRef, subject: str, actor: Actor, now: datetime
) -> CreditUseFacts:
    """Pay for a subject out of a member's credit; asked again, return the use that is stored.

    `into`, an account in msat, is credited. Joins the caller's transaction, which then holds the lock of the member's
    credit until its end.
    Raises: CreditShort, CreditAlreadyUsed when the subject was paid for otherwise.
    """
    owner = credit_of(user_id)
    with transaction.atomic():
        # Nothing is needed yet, but the lock: a second call sees what the first one stored.
        require_owed({owner: 0}, now=now)
        known = _known(owner, amount_msat, into, subject)
        if known is not None:
            return credit_use(known)
        _require_credit(owner, amount_msat, now=now)
        stored = _stored(owner, amount_msat, into, subject, now)
        trail.record(
            subject=f"credit_use:{stored.pk}", action="use_credit", actor=actor, at=now,
            facts={"amount_msat": amount_msat, "subject": subject},
        )  # fmt: skip
    return credit_use(stored)


def use_available_credit(
    *, user_id: str, up_to_msat: int, into: AccountRef, subject: str, actor: Actor, now: datetime
) -> int:
    """Pay for a subject with what a member's credit holds, in the caller's transaction; return the msat used.

    Rounding: down, to whole sats. Raises: CreditAlreadyUsed.
    """
    owner = credit_of(user_id)
    require_owed({owner: 0}, now=now)
    available_msat = msat_from_sats(sats_from_msat(owed(owner)))
    amount_msat = min(up_to_msat, available_msat)
    if amount_msat <= 0:
        return 0
    use_credit(user_id=user_id, amount_msat=amount_msat, into=into, subject=subject, actor=actor, now=now)
    return amount_msat


@retried_on_deadlock
def return_credit(*, subject: str, actor: Actor, reason: str, now: datetime) -> CreditUseFacts:
    """Give back what was used of a member's credit for a subject, which may be paid for again after it.

    Raises: CreditNotUsed when nothing is used for it now; AccountShort when the account that was credited has spent it.
    """
    with transaction.atomic():
        row = CreditUse.objects.select_for_update().filter(live_subject=subject).first()
        if row is None:
            raise CreditNotUsed(subject=subject)
        _return(row, actor=actor, reason=reason, now=now)
    return credit_use(row)


def return_used_credit(*, subject: str, actor: Actor, reason: str, now: datetime) -> None:
    """Give back what is used of a member's credit for a subject, if anything is, in the caller's transaction.

    Raises: AccountShort when the account that was credited has spent it.
    """
    row = CreditUse.objects.select_for_update().filter(live_subject=subject).first()
    if row is not None:
        _return(row, actor=actor, reason=reason, now=now)


def _return(row: CreditUse, *, actor: Actor, reason: str, now: datetime) -> None:
    if row.into.role in LIABILITY_ROLES:
        require_owed({row.into: row.amount_msat}, now=now)
    row.return_transaction_id = reverse(
        transaction_id=row.transaction_id, kind=TransactionKind.CREDIT_RETURNED,
        reference=f"credit_return:{row.pk}", at=now, subject=row.subject,
    )  # fmt: skip
    row.returned_at = now
    row.save(update_fields=["return_transaction", "returned_at"])
    trail.record(
        subject=f"credit_use:{row.pk}", action="return_credit", actor=actor, at=now, reason=reason,
        facts={"amount_msat": row.amount_msat, "subject": row.subject},
    )  # fmt: skip


def _known(owner: AccountRef, amount_msat: int, into: AccountRef, subject: str) -> CreditUse | None:
    """Return the live use of credit for a subject. Raises: CreditAlreadyUsed when it is another one."""
    row = CreditUse.objects.filter(live_subject=subject).first()
    if row is not None and (row.owner, row.amount_msat, row.into) != (owner.owner, amount_msat, into):
        raise CreditAlreadyUsed(subject=subject, amount_msat=row.amount_msat)
    return row


def _require_credit(owner: AccountRef, amount_msat: int, *, now: datetime) -> None:
    """Require that a member's credit holds an amount. Raises: CreditShort."""
    try:
        require_owed({owner: amount_msat}, now=now)
    except AccountShort as short:
        raise CreditShort(needed_msat=short.needed, available_msat=short.available) from short


def _stored(owner: AccountRef, amount_msat: int, into: AccountRef, subject: str, now: datetime) -> CreditUse:
    """Book and store a use. Raises: CreditAlreadyUsed when another member's was stored meanwhile."""
    try:
        with transaction.atomic():
            booked = post(
                kind=TransactionKind.CREDIT_USED, reference=f"credit_use:{uuid4()}", at=now, subject=subject,
                lines=[debit(owner, amount_msat), credit(into, amount_msat)],
            )  # fmt: skip
            return CreditUse.objects.create(
                owner=owner.owner, subject=subject, amount_msat=amount_msat, into_role=into.role,
                into_owner=into.owner, used_at=now, transaction_id=booked,
            )  # fmt: skip
    except IntegrityError:
        _known(owner, amount_msat, into, subject)
        raise
