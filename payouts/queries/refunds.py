from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from payouts.calculations import REFUND, refund_subject
from payouts.enums import RefundStage
from payouts.errors import RefundMissing
from payouts.models import ProposedRefund, Refund
from payouts.queries.credit import require_member
from payouts.types import Position, RefundFacts
from sunusav.core.privacy import ERASED, PersonErased, reveal
from sunusav.core.subjects import key_of
from transfers.destination_queries import mask_destination, masked_destinations
from transfers.enums import DisbursementState
from transfers.queries import disbursements_for, subjects_in
from transfers.types import DisbursementFacts, MaskedDestination, member_ref

STATES_OF: Final = {
    RefundStage.WAITING: (DisbursementState.SCHEDULED, DisbursementState.PROCESSING),
    RefundStage.FAILED: (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW),
}
WAITS_LONG_AFTER: Final = timedelta(days=1)


def refund(user_id: str, refund_id: int) -> RefundFacts:
    """Return one refund of a member. Raises: MemberMissing, RefundMissing."""
    require_member(user_id)
    row = Refund.objects.filter(user_id=user_id, pk=refund_id).first()
    if row is None:
        raise RefundMissing(user_id=user_id, refund_id=refund_id)
    return refund_facts([row])[0]


def refunds_page(after: Position | None, limit: int, *, user_id: str) -> Sequence[RefundFacts]:
    """Return the refunds of a member, the newest first, after a position. Raises: MemberMissing."""
    require_member(user_id)
    rows = Refund.objects.filter(user_id=user_id)
    if after is not None:
        rows = rows.filter(pk__lt=after[0])
    return refund_facts(list(rows.order_by("-pk")[:limit]))


def refund_facts(rows: Sequence[Refund]) -> list[RefundFacts]:
    """Return refunds with the states of their disbursements, in a fixed number of queries."""
    found = disbursements_for(refund_subject(row.pk) for row in rows)
    payments = [found[refund_subject(row.pk)] for row in rows]
    masked = masked_destinations([payment.destination for payment in payments])
    return [_refund(*one) for one in zip(rows, payments, masked, strict=True)]


def refunds_in(stage: RefundStage) -> QuerySet[Refund]:
    """Return the refunds that wait to be paid, or that failed or are under review. There are few at any time."""
    subjects = subjects_in(STATES_OF[stage], prefix=f"{REFUND}:")
    return Refund.objects.filter(pk__in=[int(key_of(subject)) for subject in subjects])


def long_waiting_refunds(now: datetime) -> QuerySet[Refund]:
    """Return the refunds that have waited to be paid for more than a day."""
    return refunds_in(RefundStage.WAITING).filter(requested_at__lt=now - WAITS_LONG_AFTER)


def masked_destination(row: ProposedRefund) -> str:
    """Return where a proposed refund goes, masked; an erased person's destination is an ellipsis."""
    try:
        value = reveal(member_ref(row.user_id), bytes(row.sealed_value))
    except PersonErased:
        return ERASED
    return mask_destination(row.kind, value)


def _refund(row: Refund, payment: DisbursementFacts, destination: MaskedDestination) -> RefundFacts:
    return RefundFacts(
        id=row.pk, user_id=row.user_id, amount_sats=row.amount_sats, reason=row.reason, status=payment.state,
        payout_id=payment.id, destination=destination, paid_xof=payment.pay_xof,
        reference=payment.reference, proof=payment.proof, failure=payment.failure,
        attempts_made=payment.attempts_made, requested_at=row.requested_at, completed_at=payment.completed_at,
    )  # fmt: skip
