"""States of cycles and contributions: those stored, and those derived for clients."""

from typing import Final

from django.db.models import TextChoices

from sunusav.core.transitions import Transitions
from transfers.enums import CollectionState, DisbursementState

GROUP_VERIFICATION: Final = "group_verification"
GROUP_VERIFICATION_REVOCATION: Final = "group_verification_revocation"
CYCLE_REOPENING: Final = "cycle_reopening"
MEMBER_ERASURE: Final = "member_erasure"
# The status of a payout that nobody has requested.
NOT_INITIATED: Final = "not_initiated"


class CycleState(TextChoices):
    """The stored state of a cycle; the rest is read from its payout."""

    COLLECTING = "collecting"
    READY = "ready"


CYCLE_TRANSITIONS: Transitions = {CycleState.COLLECTING: frozenset({CycleState.READY})}


class CycleStatus(TextChoices):
    """The status of a cycle that clients see."""

    COLLECTING = "collecting"
    READY = "ready"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"


# Money of a cycle in one of these may still move: to its winner, or back to its members.
UNFINISHED_CYCLES: Final = (
    CycleStatus.COLLECTING,
    CycleStatus.READY,
    CycleStatus.PAYING,
    CycleStatus.FAILED,
)


class ContributionStatus(TextChoices):
    """The status of a contribution that clients see, read from its collection."""

    PENDING = "pending"
    INVOICED = "invoiced"
    PARTIAL = "partial"
    SETTLED = "settled"
    EXPIRED = "expired"


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
    CollectionState.OPEN: ContributionStatus.INVOICED,
    CollectionState.PARTIAL: ContributionStatus.PARTIAL,
    CollectionState.SETTLED: ContributionStatus.SETTLED,
    CollectionState.EXPIRED: ContributionStatus.EXPIRED,
}
