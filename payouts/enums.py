"""States of cycles and contributions, stored and read, and the words clients see."""

from typing import Final

from django.db.models import TextChoices

from sunusav.core.transitions import Transitions
from transfers.enums import CollectionState, DisbursementState

GROUP_VERIFICATION: Final = "group_verification"
GROUP_VERIFICATION_REVOCATION: Final = "group_verification_revocation"
# The payout of a cycle before anybody asked for it.
NOT_INITIATED: Final = "not_initiated"


class CycleState(TextChoices):
    """What is stored of a cycle; the rest is read from its payout."""

    COLLECTING = "collecting"
    READY = "ready"


CYCLE_TRANSITIONS: Transitions = {CycleState.COLLECTING: frozenset({CycleState.READY})}


class CycleStatus(TextChoices):
    """What clients see of a cycle."""

    COLLECTING = "collecting"
    READY = "ready"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"


class ContributionStatus(TextChoices):
    """What clients see of a contribution: read from its collection."""

    PENDING = "pending"
    INVOICED = "invoiced"
    PARTIAL = "partial"
    SETTLED = "settled"
    EXPIRED = "expired"


# Source: DOMAIN.md section 3, states seen by clients.
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
