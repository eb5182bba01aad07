"""Reads of money that is requested back, or has come back, and of the proposals about it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sunusav.core.models import Proposal, ProposalState
from transfers.enums import PAYMENT_REVERSAL, CollectionState, DisbursementState, ReturnKind
from transfers.models import Collection, Disbursement, ReturnClaim, Reversal

RETURN_PREFIX = "return:"


def return_subject(disbursement_id: int) -> str:
    """Return the subject of the collection by which a recipient pays money back."""
    return f"{RETURN_PREFIX}{disbursement_id}"


def live_return_of(disbursement_id: int) -> Collection | None:
    """Return the request by which a payment's money is requested back, while it may be paid or once it is paid."""
    return Collection.objects.filter(live_subject=return_subject(disbursement_id)).first()


def unclaimed_returns(*, settled_before: datetime | None = None) -> list[Collection]:
    """Return the requests by which money came back that is not booked back and whose reversal nobody has proposed."""
    settled = Collection.objects.filter(live_subject__startswith=RETURN_PREFIX, state=CollectionState.SETTLED)
    if settled_before is not None:
        settled = settled.filter(settled_at__lt=settled_before)
    rows = {_disbursement_id(row): row for row in settled.order_by("pk")}
    unbooked = Disbursement.objects.filter(pk__in=rows, state=DisbursementState.COMPLETED)
    waiting = set(unbooked.values_list("pk", flat=True)) - _proposed(rows)
    return [row for key, row in rows.items() if key in waiting]


def reversal_by(row: Collection) -> Reversal | None:
    """Return the reversal that a settled request for money back has proven."""
    return Reversal.objects.filter(kind=ReturnKind.INBOUND_PAYMENT, reference=row.reference).first()


def proposals_of_claims(claims: Sequence[ReturnClaim]) -> dict[int, Proposal]:
    """Return, by claim, the proposal that was made with it."""
    keys = {str(claim.attempt.disbursement_id) for claim in claims}
    made = Proposal.objects.filter(kind=PAYMENT_REVERSAL, subject_id__in=keys)
    return {proposal.facts["claim"]: proposal for proposal in made}


def _disbursement_id(row: Collection) -> int:
    return int(row.subject.removeprefix(RETURN_PREFIX))


def _proposed(disbursement_ids: Iterable[int]) -> set[int]:
    keys = [str(key) for key in disbursement_ids]
    waiting = Proposal.objects.filter(kind=PAYMENT_REVERSAL, subject_id__in=keys, state=ProposalState.OPEN)
    return {int(key) for key in waiting.values_list("subject_id", flat=True)}
