"""Movements of the treasury: one person proposes one with its evidence, a second person has it booked."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate

from ledger.enums import KIND_OF_ROLE, AccountKind, Currency
from ledger.queries import balances, transaction_for
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.calendar import DAKAR
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, ProposalState, User
from transfers.enums import ReturnKind, TreasuryKind
from transfers.models import BookedMovement, Reversal, TreasuryMovement
from transfers.treasury import last_look_at, treasury_accounts
from transfers.treasury_booking import (
    TREASURY_TRANSACTIONS,
    bank_line,
    movement_lines,
    other_account,
    require_fitting,
)
from transfers.treasury_errors import (
    BankLineBooked,
    TreasuryAccountOpened,
    TreasuryAccountShort,
    TreasuryDateInFuture,
    TreasuryEvidenceMissing,
    TreasuryKindNotForAccount,
    TreasuryMovementMissing,
    TreasuryReferenceReversed,
    TreasuryReferenceUsed,
)
from transfers.types import Movement, MovementEvidence

TREASURY_MOVEMENT: Final = "treasury_movement"
# Taken before anything is booked by a reference of a bank or a blockchain: each reference is booked once.
TREASURY_LOCK: Final = "treasury"
UNITS: Final = {Currency.MSAT: "msat", Currency.XOF: "xof"}
# A transaction's id, alone or with its output: the same in capitals.
TRANSACTION_ID = re.compile(r"[0-9a-f]{64}(:\d+)?", re.IGNORECASE)


def propose_movement(
    *, movement: Movement, evidence: MovementEvidence, proposer: User, now: datetime
) -> Proposal:
    """Propose to a second person to book a change of a balance.

    Raises: as `require_proposable`; TreasuryReferenceUsed, TreasuryReferenceReversed, TreasuryAccountOpened,
    TreasuryAccountShort, NotAllowedToDecide.
    """
    require_proposable(movement, evidence, now=now)
    with transaction.atomic():
        _lock()
        _require_new(movement, exact_reference(evidence.reference))
        _require_covered(movement_lines(movement))
        row = _stored(movement, evidence, proposer, now)
        return approvals.propose(
            kind=TREASURY_MOVEMENT, subject_id=str(row.pk), proposer=proposer, now=now, reason=row.explanation
        )


def require_proposable(movement: Movement, evidence: MovementEvidence, *, now: datetime) -> None:
    """Refuse what nobody could approve, before other movements are read.

    Raises: as `require_fitting`; TreasuryKindNotForAccount, TreasuryDateInFuture, TreasuryEvidenceMissing.
    """
    if movement.account not in treasury_accounts().values():
        raise TreasuryKindNotForAccount(kind=movement.kind.value, treasury_account=movement.account.code)
    require_fitting(movement)
    happened_on, today = evidence.happened_on, localdate(now, DAKAR)
    if happened_on > today:
        raise TreasuryDateInFuture(happened_on=happened_on.isoformat(), today=today.isoformat())
    for name in ("reference", "explanation"):
        if not getattr(evidence, name).strip():
            raise TreasuryEvidenceMissing(missing=name)


def exact_reference(text: str) -> str:
    """Return a reference without surplus blanks; the id of a transaction in lower case, as it means the same."""
    joined = " ".join(text.split())
    return joined.lower() if TRANSACTION_ID.fullmatch(joined) else joined


def describe_movement(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to, as they were when it was proposed.

    Balances of the node change with every payout: the page shows those of now beside these.
    Raises: TreasuryMovementMissing.
    """
    row = movement_of(subject_id)
    amounts = _with_unit(row.account.currency, {"amount": row.amount, "charges": row.cost})
    return {
        "kind": row.kind, "treasury_account": row.account.code, "other_account": other_account(row.value).code,
        **amounts, "exchanged_xof": row.exchanged_xof, "happened_on": row.happened_on.isoformat(),
        "reference": row.reference, "explanation": row.explanation, **row.balances,
    }  # fmt: skip


def movement_of(subject_id: str) -> TreasuryMovement:
    """Return the movement that a proposal is about. Raises: TreasuryMovementMissing."""
    found = TreasuryMovement.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if found is None:
        raise TreasuryMovementMissing(movement_id=subject_id)
    return found


def book_movement(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Book a movement; called when a second person approves it.

    Payments go on meanwhile, so what leaves an account is compared with its balance once more.
    Raises: TreasuryMovementMissing, TreasuryReferenceUsed, TreasuryReferenceReversed, TreasuryAccountOpened,
    TreasuryAccountShort.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    _lock()
    row = movement_of(proposal.subject_id)
    lines = movement_lines(row.value)
    _require_not_booked(row.value, row.reference)
    _require_covered(lines)
    transaction_id = post(
        kind=TREASURY_TRANSACTIONS[TreasuryKind(row.kind)], reference=f"treasury:{row.pk}", lines=lines, at=now,
        subject=subject_of(row.pk),
    )  # fmt: skip
    BookedMovement.objects.create(
        movement=row, reference=row.reference, opened_account=opened_account(row.value), proposal=proposal,
        proposer_id=row.proposer_id, approver_id=actor.user_id, transaction_id=transaction_id, booked_at=now,
    )  # fmt: skip
    trail.record(
        subject=subject_of(row.pk), action="book_movement", actor=actor, at=now,
        facts={"kind": row.kind, "transaction": transaction_id, "proposal": proposal.pk},
    )  # fmt: skip


def book_bank_line(*, kind: str, reference: str, lines: Sequence[Line], subject: str, now: datetime) -> int:
    """Book a line of a bank's statement for an app above, in the caller's transaction; return the transaction.

    Its reference is booked once, by whichever app. Raises: BankLineBooked, TreasuryReferenceUsed,
    TreasuryReferenceReversed, TreasuryAccountShort.
    """
    _lock()
    exact = exact_reference(reference)
    _require_line_free(exact)
    _require_covered(lines)
    return post(kind=kind, reference=bank_line(exact), lines=lines, at=now, subject=subject)


def _require_line_free(reference: str) -> None:
    """Refuse a reference that a movement, a reversal or an app above has booked."""
    same = BookedMovement.objects.filter(reference=reference).first()
    if same is not None:
        raise TreasuryReferenceUsed(reference=reference, movement_id=same.movement_id)
    reversal = Reversal.objects.filter(kind=ReturnKind.BANK_LINE, reference=reference).first()
    if reversal is not None:
        raise TreasuryReferenceReversed(reference=reference, disbursement_id=reversal.attempt.disbursement_id)
    transaction_id = transaction_for(bank_line(reference))
    if transaction_id is not None:
        raise BankLineBooked(reference=reference, transaction_id=transaction_id)


def subject_of(movement_id: int) -> str:
    return f"{TREASURY_MOVEMENT}:{movement_id}"


def opened_account(movement: Movement) -> str | None:
    """Return the code of the account that an opening balance is about; None for all other movements."""
    return movement.account.code if movement.kind is TreasuryKind.OPENING_BALANCE else None


def _lock() -> None:
    """Lock the movements in the caller's transaction: until its end nobody else proposes or books one."""
    lock(TREASURY_LOCK)


def _require_new(movement: Movement, reference: str) -> None:
    """Refuse what is booked already, or waits for its approval."""
    _require_not_booked(movement, reference)
    same = _waiting().filter(reference=reference).first()
    if same is not None:
        raise TreasuryReferenceUsed(reference=reference, movement_id=same.pk)
    code = opened_account(movement)
    for row in _waiting().filter(kind=TreasuryKind.OPENING_BALANCE):
        if opened_account(row.value) == code:
            raise TreasuryAccountOpened(treasury_account=movement.account.code, movement_id=row.pk)


def _require_not_booked(movement: Movement, reference: str) -> None:
    _require_line_free(reference)
    code = opened_account(movement)
    opening = BookedMovement.objects.filter(opened_account=code).first() if code else None
    if opening is not None:
        raise TreasuryAccountOpened(treasury_account=movement.account.code, movement_id=opening.movement_id)


def _waiting() -> QuerySet[TreasuryMovement]:
    open_ones = Proposal.objects.filter(kind=TREASURY_MOVEMENT, state=ProposalState.OPEN)
    return TreasuryMovement.objects.filter(
        pk__in=[int(key) for key in open_ones.values_list("subject_id", flat=True)]
    )


def _require_covered(lines: Sequence[Line]) -> None:
    """Refuse to take from an account of ours more than it holds. Raises: TreasuryAccountShort."""
    taken = {line.account: -line.amount for line in lines if line.amount < 0 and _is_asset(line.account)}
    held = balances(taken)
    for account, needed in taken.items():
        if held[account] < needed:
            raise TreasuryAccountShort(treasury_account=account.code, needed=needed, available=held[account])


def _is_asset(account: AccountRef) -> bool:
    return KIND_OF_ROLE[account.role] is AccountKind.ASSET


def _stored(
    movement: Movement, evidence: MovementEvidence, proposer: User, now: datetime
) -> TreasuryMovement:
    account = movement.account
    return TreasuryMovement.objects.create(
        kind=movement.kind, account_role=account.role, account_currency=account.currency,
        account_owner=account.owner, amount=movement.amount, cost=movement.cost,
        exchanged_xof=movement.exchanged_xof, happened_on=evidence.happened_on,
        reference=exact_reference(evidence.reference), explanation=evidence.explanation.strip(),
        balances=_balances(movement), proposer=proposer, proposed_at=now,
    )  # fmt: skip


def _balances(movement: Movement) -> dict[str, Any]:
    """Return what books and provider have now, and the books afterwards, with the unit in each name."""
    account, look = movement.account, last_look_at(movement.account)
    booked = balances([account])[account]
    amounts = {
        "books_before": booked,
        "books_after": booked + movement.change,
        "provider_balance": look.provider_amount if look else None,
    }
    compared_at = look.balance_at if look else None
    return {
        **_with_unit(account.currency, amounts),
        "provider_balance_at": compared_at.isoformat() if compared_at else None,
    }


def _with_unit(currency: Currency, amounts: dict[str, int | None]) -> dict[str, int | None]:
    return {f"{name}_{UNITS[currency]}": amount for name, amount in amounts.items()}
