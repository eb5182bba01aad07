"""The receipt of a payout: every figure and journal transaction, for members to check."""

from collections.abc import Iterator

from fees.queries import fixed_fee
from ledger.enums import Currency
from ledger.queries import shown_xof_from_sats
from ledger.types import Money
from payouts.errors import PayoutNotCompleted
from payouts.queries.cycles import stored_cycle
from payouts.queries.payouts import payout
from payouts.types import BookedMovement, Receipt
from transfers.credit_queries import residue_credited_msat
from transfers.enums import PAID_STATES, AttemptState, TransactionKind
from transfers.queries import attempts_of


def receipt_of(payout_id: int) -> Receipt:
    """Return the receipt of a paid payout, as it was fixed and booked.

    Raises: PayoutMissing, PayoutNotCompleted.
    """
    paid = payout(payout_id)
    if paid.status not in PAID_STATES or paid.assessment_id is None or paid.completed_at is None:
        raise PayoutNotCompleted(payout_id=payout_id, payout_status=paid.status)
    cycle, fee = stored_cycle(paid.cycle_id), fixed_fee(paid.assessment_id)
    succeeded = attempts_of(payout_id).get(state=AttemptState.SUCCEEDED)
    return Receipt(
        payout_id=paid.id, status=paid.status, cycle_id=cycle.pk, cycle_index=cycle.cycle_index,
        group_id=cycle.group_id, group_name=cycle.group.name, winner_user_id=cycle.winner_user_id,
        payout_total_sats=fee.payout_sats, contributions_due=cycle.members_count,
        contributions_settled=cycle.settled_count or 0, is_short=cycle.is_short, split=fee.split,
        is_verified_group=fee.discounts.verified_grant_id is not None,
        is_recurring_user=fee.discounts.recurring_grant_id is not None,
        settlement_partner=fee.priced_for.settlement_partner, schedule_version=fee.schedule_version,
        rail=succeeded.order.rail, reference=succeeded.order.reference, proof=succeeded.proof,
        paid_xof=francs_in(succeeded.order.money(succeeded.order.amount)),
        credited_msat=residue_credited_msat(payout_id),
        rate_xof_per_btc=fee.rate_xof_per_btc, is_fallback_rate=fee.is_fallback_rate,
        net_xof=shown_xof_from_sats(fee.split.net_sats, rate_xof_per_btc=fee.rate_xof_per_btc),
        requested_at=paid.created_at, fee_fixed_at=fee.fixed_at, completed_at=paid.completed_at,
        movements=tuple(movements_of(payout_id)),
    )  # fmt: skip


def movements_of(payout_id: int) -> Iterator[BookedMovement]:
    """Yield every journal transaction of a paid payout: its hold, then its payment."""
    paid = attempts_of(payout_id).select_related("disbursement").get(state=AttemptState.SUCCEEDED)
    hold_id, payment_id = paid.disbursement.hold_transaction_id, paid.payment_transaction_id
    assert hold_id is not None and payment_id is not None, "a paid payout is booked"  # noqa: S101, PT018
    yield BookedMovement(hold_id, TransactionKind.HOLD)
    yield BookedMovement(payment_id, TransactionKind.PAYMENT)


def francs_in(paid: Money | None) -> int | None:
    """Return an amount in whole francs; None for one in msat, and for none."""
    return paid.amount if paid is not None and paid.currency is Currency.XOF else None
