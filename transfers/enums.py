"""States of disbursements, attempts and collections, and the edges between them."""

from django.db.models import TextChoices


class DisbursementState(TextChoices):
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_REVIEW = "needs_review"
    REVERSED = "reversed"


class AttemptState(TextChoices):
    PREPARED = "prepared"
    IN_FLIGHT = "in_flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    VOID = "void"


class CollectionState(TextChoices):
    PENDING = "pending"
    OPEN = "open"
    PARTIAL = "partial"
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TransactionKind(TextChoices):
    """Why this room moved money in the books."""

    HOLD = "hold"
    HOLD_VOID = "hold_void"
    PAYMENT = "payment"
    RECEIPT = "receipt"


class FailureClass(TextChoices):
    """What a refusal by the outside means for what comes next.

    `renew`: this order is spent, but its destination may be asked for another.
    """

    RETRY = "retry"
    RENEW = "renew"
    HOLD = "hold"
    FINAL = "final"
    REVIEW = "review"


_D = DisbursementState
DISBURSEMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    _D.SCHEDULED: frozenset({_D.PROCESSING, _D.FAILED, _D.CANCELLED}),
    _D.PROCESSING: frozenset({_D.COMPLETED, _D.FAILED, _D.NEEDS_REVIEW, _D.CANCELLED}),
    # To completed without a new try: the outside revived an order that it had refused.
    _D.FAILED: frozenset({_D.PROCESSING, _D.CANCELLED, _D.COMPLETED}),
    _D.NEEDS_REVIEW: frozenset({_D.PROCESSING, _D.COMPLETED, _D.CANCELLED}),
    _D.COMPLETED: frozenset({_D.REVERSED}),
}

_A = AttemptState
ATTEMPT_TRANSITIONS: dict[str, frozenset[str]] = {
    _A.PREPARED: frozenset({_A.IN_FLIGHT, _A.SUCCEEDED, _A.FAILED, _A.VOID}),
    _A.IN_FLIGHT: frozenset({_A.SUCCEEDED, _A.FAILED}),
}

_C = CollectionState
COLLECTION_TRANSITIONS: dict[str, frozenset[str]] = {
    _C.PENDING: frozenset({_C.OPEN, _C.CANCELLED}),
    _C.OPEN: frozenset({_C.PARTIAL, _C.SETTLED, _C.EXPIRED, _C.CANCELLED}),
    _C.PARTIAL: frozenset({_C.SETTLED}),
}

# An attempt is alive until it closed without payment; one that succeeded stays so for ever.
LIVE_ATTEMPT_STATES = (AttemptState.PREPARED, AttemptState.IN_FLIGHT, AttemptState.SUCCEEDED)
OPEN_ATTEMPT_STATES = (AttemptState.PREPARED, AttemptState.IN_FLIGHT)
# A disbursement holds its subject unless it was cancelled or reversed.
RELEASED_STATES = (DisbursementState.CANCELLED, DisbursementState.REVERSED)
LIVE_COLLECTION_STATES = (
    CollectionState.PENDING,
    CollectionState.OPEN,
    CollectionState.PARTIAL,
    CollectionState.SETTLED,
)
