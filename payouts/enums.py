"""States of cycles and contributions: those stored, and those derived for clients."""

from typing import Final

from django.db.models import TextChoices

from sunusav.core.transitions import Transitions
from transfers.enums import CollectionState, DisbursementState

GROUP_VERIFICATION: Final = "group_verification"
GROUP_VERIFICATION_REVOCATION: Final = "group_verification_revocation"
CYCLE_REOPENING: Final = "cycle_reopening"
CYCLE_CANCELLATION: Final = "cycle_cancellation"
CYCLE_SHORT_CLOSING: Final = "cycle_short_closing"
WINNER_EXCHANGE: Final = "winner_exchange"
CYCLE_DESTINATION: Final = "cycle_destination"
REFUND_PAYMENT: Final = "refund_payment"
MEMBER_ERASURE: Final = "member_erasure"
MEMBER_CORRECTION: Final = "member_correction"
# The status of a payout that nobody has requested.
NOT_INITIATED: Final = "not_initiated"


class TransactionKind(TextChoices):
    """Why this app moved money in the books."""

    CONTRIBUTION_RETURNED = "contribution_returned"


class CycleState(TextChoices):
    """The stored state of a cycle; the rest is read from its payout."""

    COLLECTING = "collecting"
    READY = "ready"
    CANCELLED = "cancelled"


CYCLE_TRANSITIONS: Transitions = {
    CycleState.COLLECTING: frozenset({CycleState.READY, CycleState.CANCELLED}),
    CycleState.READY: frozenset({CycleState.CANCELLED}),
}


class CycleStatus(TextChoices):
    """The status of a cycle that clients see."""

    COLLECTING = "collecting"
    READY = "ready"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Money of a cycle in one of these may still move: to its winner, or back to its members.
UNFINISHED_CYCLES: Final = (
    CycleStatus.COLLECTING,
    CycleStatus.READY,
    CycleStatus.PAYING,
    CycleStatus.FAILED,
)


class RefundStage(TextChoices):
    """What finance looks for among refunds: those not paid yet, and those that failed or are under review."""

    WAITING = "waiting"
    FAILED = "failed"


class ContributionStatus(TextChoices):
    """The status of a contribution that clients see, read from its collection."""

    PENDING = "pending"
    INVOICED = "invoiced"
    PARTIAL = "partial"
    SETTLED = "settled"
    EXPIRED = "expired"
    # Not paid in full when the cycle was closed short or cancelled.
    MISSED = "missed"
    # Paid, and the member's credit again since the cycle was cancelled.
    RETURNED = "returned"


# What API clients see of a cycle whose payout has been ordered.
STATUS_OF_PAID_OUT_CYCLE: Final = {
    DisbursementState.SCHEDULED: CycleStatus.READY,
    DisbursementState.CANCELLED: CycleStatus.READY,
    DisbursementState.PROCESSING: CycleStatus.PAYING,
    DisbursementState.NEEDS_REVIEW: CycleStatus.PAYING,
    DisbursementState.COMPLETED: CycleStatus.PAID,
    DisbursementState.FAILED: CycleStatus.FAILED,
    DisbursementState.REVERSED: CycleStatus.FAILED,
}
STATUS_OF_CONTRIBUTION: Final = {
    CollectionState.PENDING: ContributionStatus.PENDING,
    CollectionState.CANCELLED: ContributionStatus.PENDING,
    CollectionState.WITHDRAWN: ContributionStatus.PENDING,
    CollectionState.OPEN: ContributionStatus.INVOICED,
    CollectionState.PARTIAL: ContributionStatus.PARTIAL,
    CollectionState.SETTLED: ContributionStatus.SETTLED,
    CollectionState.EXPIRED: ContributionStatus.EXPIRED,
}
