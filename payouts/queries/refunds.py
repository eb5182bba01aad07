from collections.abc import Sequence

from payouts.calculations import refund_subject
from payouts.errors import RefundMissing
from payouts.models import Refund
from payouts.queries.credit import require_member
from payouts.types import Position, RefundFacts
from transfers.queries import disbursements_for
from transfers.types import DisbursementFacts


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
    payments = disbursements_for(refund_subject(row.pk) for row in rows)
    return [_refund(row, payments[refund_subject(row.pk)]) for row in rows]


def _refund(row: Refund, payment: DisbursementFacts) -> RefundFacts:
    return RefundFacts(
        id=row.pk, user_id=row.user_id, amount_sats=row.amount_sats, reason=row.reason, status=payment.state,
        payout_id=payment.id, destination=payment.destination, paid_xof=payment.pay_xof,
        reference=payment.reference, proof=payment.proof, failure=payment.failure,
        attempts_made=payment.attempts_made, requested_at=row.requested_at, completed_at=payment.completed_at,
    )  # fmt: skip
