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


class CollectionTrouble(TextChoices):
    """Why a person should look at a request to be paid."""

    ANSWERED_ELSEWHERE = "answered_elsewhere"
    PAID_IN_PART = "paid_in_part"


class WithdrawalState(TextChoices):
    """What became of a link that pays whoever brings its secret first."""

    OPEN = "open"
    # Somebody brought the secret and said where to pay; the room that opened the link has not asked for it yet.
    REDEEMED = "redeemed"
    TAKEN = "taken"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TransactionKind(TextChoices):
    """Why this room moved money in the books."""

    HOLD = "hold"
    HOLD_VOID = "hold_void"
    PAYMENT = "payment"
    RECEIPT = "receipt"


class LimitKind(TextChoices):
    """What a limit bounds: one payout, one payee's day in Dakar, any 60 minutes, one replaced destination."""

    PER_PAYOUT = "per_payout"
    PER_PAYEE_DAY = "per_payee_day"
    TOTAL_HOUR = "total_hour"
    REPLACED_DESTINATION = "replaced_destination"


class DeferralCode(TextChoices):
    """Why a payment that may be made is not made now."""

    PAYOUT_ABOVE_LIMIT = "payout-above-limit"
    PAYEE_DAY_LIMIT = "payee-day-limit"
    HOUR_LIMIT = "hour-limit"
    COOLING_OFF = "destination-cooling-off"
    RAIL_STOPPED = "rail-stopped"
    RAIL_UNAVAILABLE = "rail-unavailable"
    LIQUIDITY_SHORT = "liquidity-short"


class BreakerState(TextChoices):
    """Whether a rail is sent by: closed, as ever; open, not now; half open, one payment tries it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class FailureClass(TextChoices):
    """What a refusal by the outside means for what comes next.

    `renew`: this order is spent, but its destination may be asked for another.
    """

    RETRY = "retry"
    RENEW = "renew"
    HOLD = "hold"
    FINAL = "final"
    REVIEW = "review"


# Refusals by the payee's own side: they say nothing of the rail.
PAYEES_OWN = (FailureClass.FINAL, FailureClass.RENEW)


class AnswerKind(TextChoices):
    """What an answer about an order that is not closed says of the money."""

    IN_FLIGHT = "in_flight"
    CONTRADICTS = "contradicts"
    NOT_SEEN = "not_seen"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    # The stored value and its label are older than the name.
    UNAVAILABLE = "away", "Away"


class AnsweredCall(TextChoices):
    """Which call the outside answered."""

    SEND = "send"
    ASK = "ask"


class ResolutionVerdict(TextChoices):
    """How two people decide an outcome that stays unknown."""

    PAID = "paid"
    NOT_PAID = "not_paid"


# Why an attempt is closed that two people found unpaid.
RESOLVED_AS_NOT_PAID = "resolved-as-not-paid"

_D = DisbursementState
DISBURSEMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    _D.SCHEDULED: frozenset({_D.PROCESSING, _D.FAILED, _D.CANCELLED}),
    _D.PROCESSING: frozenset({_D.COMPLETED, _D.FAILED, _D.NEEDS_REVIEW, _D.CANCELLED}),
    # To completed without a new try: the outside revived an order that it had refused.
    _D.FAILED: frozenset({_D.PROCESSING, _D.CANCELLED, _D.COMPLETED}),
    # To failed: two people found that an outcome which stayed unknown was no payment.
    _D.NEEDS_REVIEW: frozenset({_D.PROCESSING, _D.COMPLETED, _D.CANCELLED, _D.FAILED}),
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

_W = WithdrawalState
WITHDRAWAL_TRANSITIONS: dict[str, frozenset[str]] = {
    _W.OPEN: frozenset({_W.REDEEMED, _W.EXPIRED, _W.REVOKED}),
    _W.REDEEMED: frozenset({_W.TAKEN, _W.REFUSED}),
}
LIVE_WITHDRAWAL_STATES = (WithdrawalState.OPEN, WithdrawalState.REDEEMED)
UNREDEEMED_STATES = (WithdrawalState.OPEN, WithdrawalState.EXPIRED, WithdrawalState.REVOKED)

# An attempt is alive until it closed without payment; one that succeeded stays so for ever.
LIVE_ATTEMPT_STATES = (AttemptState.PREPARED, AttemptState.IN_FLIGHT, AttemptState.SUCCEEDED)
OPEN_ATTEMPT_STATES = (AttemptState.PREPARED, AttemptState.IN_FLIGHT)
# What an exception by a second person lifts.
LIMIT_DEFERRALS = (
    DeferralCode.PAYOUT_ABOVE_LIMIT,
    DeferralCode.PAYEE_DAY_LIMIT,
    DeferralCode.HOUR_LIMIT,
    DeferralCode.COOLING_OFF,
)
PAID_STATES = (DisbursementState.COMPLETED, DisbursementState.REVERSED)
# A disbursement holds its subject unless it was cancelled or reversed.
RELEASED_STATES = (DisbursementState.CANCELLED, DisbursementState.REVERSED)
LIVE_COLLECTION_STATES = (
    CollectionState.PENDING,
    CollectionState.OPEN,
    CollectionState.PARTIAL,
    CollectionState.SETTLED,
)
# What is written on a disbursement over which a worker broke by a mistake of ours, before a person has it.
WORKER_BROKE = "worker-broke"
UNDER_WORK = (DisbursementState.SCHEDULED, DisbursementState.PROCESSING)
