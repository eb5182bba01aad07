"""What proves that the money of a payment came back: each proof fits its payment, and counts once."""

import re
from datetime import date, datetime

from django.utils.timezone import localdate

from ledger.enums import AccountRole, Currency
from ledger.queries import owed, transaction_for
from ledger.types import AccountRef
from sunusav.core.approvals import open_proposal
from sunusav.core.calendar import DAKAR
from transfers.enums import PAYMENT_REVERSAL, CollectionState, ReturnKind
from transfers.errors import (
    ReturnDateOutOfRange,
    ReturnReferenceBooked,
    ReturnReferenceClaimed,
    ReturnReferenceMalformed,
    ReturnReferenceUsed,
    ReturnRequested,
    ReturnUnproven,
)
from transfers.models import Attempt, BookedMovement, Collection, Disbursement, ReturnClaim, Reversal
from transfers.return_queries import live_return_of, return_subject
from transfers.treasury_booking import ONCHAIN, bank_line
from transfers.treasury_errors import BankLineBooked
from transfers.types.accounts import BANK

# A transaction on the blockchain may have many outputs, and each may be another return.
TRANSACTION_OUTPUT = re.compile(r"[0-9a-f]{64}:\d+")


def returns_account(disbursement_id: int) -> AccountRef:
    """Return the account into which a recipient pays money back over Lightning. Units: msat."""
    return AccountRef(AccountRole.CONTRIBUTION_CLEARING, Currency.MSAT, return_subject(disbursement_id))


def account_of_return(attempt: Attempt, kind: ReturnKind, reference: str) -> AccountRef:
    """Return the account in which money of this kind of return arrives. Raises: ReturnUnproven."""
    order, disbursement_id = attempt.order, attempt.disbursement_id
    if kind is not ReturnKind.INBOUND_PAYMENT:
        return BANK if order.currency == Currency.XOF else ONCHAIN
    settled, account = settled_return(disbursement_id, reference), returns_account(disbursement_id)
    if order.currency != Currency.MSAT or settled is None or owed(account) < order.amount:
        raise ReturnUnproven(disbursement_id=disbursement_id, reference=reference)
    return account


def settled_return(disbursement_id: int, reference: str) -> Collection | None:
    return Collection.objects.filter(
        subject=return_subject(disbursement_id), state=CollectionState.SETTLED, reference=reference
    ).first()


def require_well_formed(attempt: Attempt, kind: ReturnKind, reference: str) -> None:
    """Refuse what can be no line of our on-chain wallet, the only place where msat come back beside an invoice."""
    is_onchain = kind is ReturnKind.BANK_LINE and attempt.order.currency == Currency.MSAT
    if is_onchain and not TRANSACTION_OUTPUT.fullmatch(reference):
        raise ReturnReferenceMalformed(disbursement_id=attempt.disbursement_id, reference=reference)


def require_day_possible(row: Disbursement, returned_on: date | None, now: datetime) -> None:
    if returned_on is None:
        return
    assert row.completed_at is not None, "it was paid"  # noqa: S101  (a programmer's mistake)
    earliest, today = localdate(row.completed_at, DAKAR), localdate(now, DAKAR)
    if not earliest <= returned_on <= today:
        raise ReturnDateOutOfRange(
            disbursement_id=row.pk, returned_on=returned_on.isoformat(), paid_on=earliest.isoformat(),
            today=today.isoformat(),
        )  # fmt: skip


def require_reference_free(kind: ReturnKind, reference: str) -> None:
    used = Reversal.objects.filter(kind=kind, reference=reference).select_related("attempt").first()
    if used is not None:
        raise ReturnReferenceUsed(reference=reference, disbursement_id=used.attempt.disbursement_id)
    if kind is not ReturnKind.BANK_LINE:
        return
    # A movement by a transaction's id alone stands for all its outputs.
    movement = BookedMovement.objects.filter(reference__in={reference, reference.partition(":")[0]}).first()
    if movement is not None:
        raise ReturnReferenceBooked(reference=reference, movement_id=movement.movement_id)
    transaction_id = transaction_for(bank_line(reference))
    if transaction_id is not None:
        raise BankLineBooked(reference=reference, transaction_id=transaction_id)


def require_not_claimed(row: Disbursement, kind: ReturnKind, reference: str) -> None:
    """Refuse a reference by which the reversal of another payment waits for its approval."""
    same = ReturnClaim.objects.filter(kind=kind, reference=reference)
    for claim in same.exclude(attempt__disbursement=row).select_related("attempt"):
        disbursement_id = claim.attempt.disbursement_id
        waiting = open_proposal(PAYMENT_REVERSAL, str(disbursement_id))
        if waiting is not None and waiting.facts["claim"] == claim.pk:
            raise ReturnReferenceClaimed(
                reference=reference, disbursement_id=disbursement_id, proposal_id=str(waiting.pk)
            )


def require_not_requested(row: Disbursement, kind: ReturnKind) -> None:
    """Refuse another proof while the invoice by which the money was requested back may be paid, or is paid."""
    if kind is not ReturnKind.BANK_LINE:
        return
    requested = live_return_of(row.pk)
    if requested is not None:
        raise ReturnRequested(
            disbursement_id=row.pk, collection_id=requested.pk, collection_state=requested.state
        )
