"""States of money in and out, the transitions that are allowed, and reasons as codes."""

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices

PAYMENT_REVERSAL: Final = "payment_reversal"
PROVIDER_SWITCH_ON: Final = "provider_switch_on"


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


class HoldFrom(TextChoices):
    """When a disbursement's amount is held: when it begins, or already when it is requested."""

    BEGINNING = "beginning"
    REQUEST = "request"


class CollectionState(TextChoices):
    PENDING = "pending"
    OPEN = "open"
    PARTIAL = "partial"
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    # Its subject has ended: what is still paid becomes the payer's credit. The collector is asked to cancel afterwards.
    WITHDRAWN = "withdrawn"


class CollectionProblem(TextChoices):
    """Why a person should look at a collection."""

    ANSWERED_ELSEWHERE = "answered_elsewhere"


class ReceiptUse(TextChoices):
    """What a payment did for its collection: a part of what was asked, the last part or all of it, or nothing."""

    PART = "part"
    COMPLETE = "complete"
    # The request was settled or closed already: the payment became the payer's credit.
    EXTRA = "extra"


class WithdrawalState(TextChoices):
    OPEN = "open"
    # Somebody presented the secret and named a destination; the app that opened the link has not ordered it yet.
    REDEEMED = "redeemed"
    TAKEN = "taken"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TransactionKind(TextChoices):
    """Why this app moved money in the books."""

    HOLD = "hold"
    HOLD_VOID = "hold_void"
    PAYMENT = "payment"
    RECEIPT = "receipt"
    PARTS_CREDITED = "parts_credited"
    CREDIT_USED = "credit_used"
    CREDIT_RETURNED = "credit_returned"
    CREDIT_TRANSFERRED = "credit_transferred"
    REVERSAL = "payment_reversal"
    # A payment that no disbursement has a place for: two people booked it as a loss.
    WRITE_OFF = "write_off"


class TreasuryKind(TextChoices):
    """Why the balance of the node, a float or the bank changed without a payout or a collection."""

    OPENING_BALANCE = "opening_balance"
    CAPITAL_DEPOSIT = "capital_deposit"
    CAPITAL_WITHDRAWAL = "capital_withdrawal"
    BITCOIN_PURCHASE = "bitcoin_purchase"
    BITCOIN_SALE = "bitcoin_sale"
    CHANNEL_FUNDING = "channel_funding"
    CHANNEL_CLOSING = "channel_closing"
    SWAP_IN = "swap_in"
    SWAP_OUT = "swap_out"
    ROUTING_INCOME = "routing_income"
    FLOAT_TOP_UP = "float_top_up"
    FLOAT_WITHDRAWAL = "float_withdrawal"
    PROVIDER_CHARGE = "provider_charge"
    # Differences from the books that two people accept with an explanation.
    SURPLUS = "surplus"
    SHORTFALL = "shortfall"


class LimitKind(TextChoices):
    """What a limit bounds: one payout, one payee's day in Dakar, any 60 minutes, one replaced destination."""

    PER_PAYOUT = "per_payout"
    PER_PAYEE_DAY = "per_payee_day"
    TOTAL_HOUR = "total_hour"
    REPLACED_DESTINATION = "replaced_destination"


class DeferralCode(TextChoices):
    """Why a payment that may be made is deferred."""

    PAYOUT_ABOVE_LIMIT = "payout-above-limit"
    PAYEE_DAY_LIMIT = "payee-day-limit"
    HOUR_LIMIT = "hour-limit"
    COOLING_OFF = "destination-cooling-off"
    RAIL_STOPPED = "rail-stopped"
    RAIL_SWITCHED_OFF = "rail-switched-off"
    RAIL_UNAVAILABLE = "rail-unavailable"
    LIQUIDITY_SHORT = "liquidity-short"
    RATE_NOT_FRESH = "rate-not-fresh"


class ReviewCode(TextChoices):
    """Why a payment is under review, besides a refusal by the provider and a deferral without an end."""

    PAYMENT_VANISHED = "payment-vanished"
    ANSWER_CONTRADICTS_RECORDS = "answer-contradicts-records"
    REFUSED_WHEN_SENT_AGAIN = "refused-when-sent-again"
    LAST_ORDER_IN_DOUBT = "last-order-in-doubt"
    PAID_BEFORE = "paid-before"
    # What would be paid is not what two people approved.
    APPROVAL_DIFFERS = "approval-differs"
    # A provider that may pay one reference twice does not know the order, long after it was sent.
    NEVER_FOUND = "never-found"
    # In flight at the provider long after it expired, while no channel of the node has it.
    LEFT_IN_FLIGHT = "left-in-flight"
    # The provider had begun to pay this order before it was ours: its payment hash is used.
    PAID_BEFORE_ORDERED = "paid-before-ordered"


class ReviewWait(TextChoices):
    """What a payment under review waits for. Outcome: the provider may still pay its order."""

    OUTCOME = "waits-for-outcome"
    PERSON = "waits-for-person"


class FailureCode(TextChoices):
    """Failures that are neither a refusal by a provider nor one of ours."""

    RESOLVED_AS_NOT_PAID = "resolved-as-not-paid"
    # The provider paid it and gave the money back before we had booked the payment.
    GIVEN_BACK = "given-back"
    # Stored since before codes had no blanks.
    NEVER_SENT = "never sent, and the order has expired"
    # A bug of ours stopped the worker; the payment itself goes on.
    WORKER_BROKE = "worker-broke"


class BreakerState(TextChoices):
    """Whether payments are sent by a rail. Closed: yes; open: not now; half open: one payment tries it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class SwitchCause(TextChoices):
    """Why the engine switched a provider off: the code of the refusal."""

    RAIL_CREDENTIALS_REFUSED = "rail-credentials-refused"
    COLLECTOR_CREDENTIALS_REFUSED = "collector-credentials-refused"


class FailureClass(TextChoices):
    """What follows a refusal by a provider."""

    # The same order may be sent again.
    RETRY = "retry"
    # This order can no longer be paid, but its destination can be asked for another.
    RENEW = "renew"
    # Our side cannot pay at the moment; the same order waits without using up a retry.
    HOLD = "hold"
    # Our credentials are refused: the rail is switched off, and the payment waits without using up a retry.
    STOP = "stop"
    FINAL = "final"
    REVIEW = "review"


# Refusals by the payee's side, which prove nothing about the rail.
PAYEES_OWN = (FailureClass.FINAL, FailureClass.RENEW)


class AnswerKind(TextChoices):
    """What an answer about an attempt means."""

    IN_FLIGHT = "in_flight"
    # In flight by the provider's record, and nowhere under way.
    STUCK = "stuck"
    CONTRADICTS = "contradicts"
    PAID_EARLIER = "paid_earlier"
    TOO_LATE = "too_late"
    NOT_SEEN = "not_seen"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    # The stored value and its label are older than the name.
    UNAVAILABLE = "away", "Away"


class AnsweredCall(TextChoices):
    """Which call a provider answered: the payment itself, or a query about it."""

    SEND = "send"
    ASK = "ask"


class MismatchCode(TextChoices):
    """How a provider's statement and our books differ about one payment."""

    PAID_NOT_BOOKED = "paid-not-booked"
    # Paid in the books, and given back to us as the provider's statement says.
    REVERSED_NOT_BOOKED = "reversed-not-booked"
    PAID_TWICE = "paid-twice"
    AMOUNTS_DIFFER = "amounts-differ"
    # Under way at the provider, and no attempt of ours is open.
    OPEN_NOT_BOOKED = "open-not-booked"
    BOOKED_NOT_PAID = "booked-not-paid"
    # Open in our books, and the provider has no record: it was seen before, or it can no longer be paid.
    SEEN_NOT_LISTED = "seen-not-listed"
    NEVER_ANSWERED = "never-answered"


class ReturnKind(TextChoices):
    """What proves that the money of a payment came back. Only the provider's own record needs no people."""

    PROVIDER_REVERSAL = "provider_reversal"
    BANK_LINE = "bank_line"
    INBOUND_PAYMENT = "inbound_payment"


class ResolutionVerdict(TextChoices):
    """How two people resolve an outcome that stays unknown, or a payment that the books have no place for."""

    PAID = "paid"
    NOT_PAID = "not_paid"
    WRITTEN_OFF = "written_off"


_D = DisbursementState
DISBURSEMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    _D.SCHEDULED: frozenset({_D.PROCESSING, _D.FAILED, _D.CANCELLED}),
    _D.PROCESSING: frozenset({_D.COMPLETED, _D.FAILED, _D.NEEDS_REVIEW, _D.CANCELLED}),
    # To completed without a retry: the provider paid an order after it had refused it.
    _D.FAILED: frozenset({_D.PROCESSING, _D.CANCELLED, _D.COMPLETED}),
    # To failed: two people found that an outcome which stayed unknown was not paid.
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
    _C.PENDING: frozenset({_C.OPEN, _C.CANCELLED, _C.WITHDRAWN}),
    _C.OPEN: frozenset({_C.PARTIAL, _C.SETTLED, _C.EXPIRED, _C.CANCELLED, _C.WITHDRAWN}),
    # A request that was paid in part and ends gives what arrived to its payer.
    _C.PARTIAL: frozenset({_C.SETTLED, _C.EXPIRED, _C.CANCELLED, _C.WITHDRAWN}),
}

_W = WithdrawalState
WITHDRAWAL_TRANSITIONS: dict[str, frozenset[str]] = {
    _W.OPEN: frozenset({_W.REDEEMED, _W.EXPIRED, _W.REVOKED}),
    _W.REDEEMED: frozenset({_W.TAKEN, _W.REFUSED}),
}
LIVE_WITHDRAWAL_STATES = (WithdrawalState.OPEN, WithdrawalState.REDEEMED)
UNREDEEMED_STATES = (WithdrawalState.OPEN, WithdrawalState.EXPIRED, WithdrawalState.REVOKED)

# An attempt is open while it can still move.
OPEN_ATTEMPT_STATES = (AttemptState.PREPARED, AttemptState.IN_FLIGHT)
UNPAID_ATTEMPT_STATES = (AttemptState.FAILED, AttemptState.VOID)
# An attempt is live until it is closed as unpaid: one that succeeded stays live. A disbursement has at most one.
LIVE_ATTEMPT_STATES = (*OPEN_ATTEMPT_STATES, AttemptState.SUCCEEDED)
# What a waiver by a second person lifts.
LIMIT_DEFERRALS = (
    DeferralCode.PAYOUT_ABOVE_LIMIT,
    DeferralCode.PAYEE_DAY_LIMIT,
    DeferralCode.HOUR_LIMIT,
    DeferralCode.COOLING_OFF,
)
# What a look at the rail may end.
RAIL_DEFERRALS = (
    DeferralCode.RAIL_STOPPED,
    DeferralCode.RAIL_SWITCHED_OFF,
    DeferralCode.RAIL_UNAVAILABLE,
    DeferralCode.LIQUIDITY_SHORT,
)
# A disbursement occupies its subject unless it was cancelled or reversed.
RELEASED_STATES = (DisbursementState.CANCELLED, DisbursementState.REVERSED)
# From its beginning until it is paid or cancelled, a disbursement has its hold.
HELD_STATES = (DisbursementState.PROCESSING, DisbursementState.NEEDS_REVIEW)
# Money that somebody waits for: it is under way, stopped or failed.
WAITING_STATES = (DisbursementState.PROCESSING, DisbursementState.NEEDS_REVIEW, DisbursementState.FAILED)
PAID_STATES = (DisbursementState.COMPLETED, DisbursementState.REVERSED)
AWAITING_STATES = (CollectionState.OPEN, CollectionState.PARTIAL)
# A request that ended unpaid; the parts of one that was paid in part became credit.
UNPAID_COLLECTION_STATES = (CollectionState.EXPIRED, CollectionState.CANCELLED, CollectionState.WITHDRAWN)
UNOPENED_COLLECTION_STATES = (CollectionState.PENDING, CollectionState.CANCELLED, CollectionState.WITHDRAWN)
LIVE_COLLECTION_STATES = (
    CollectionState.PENDING,
    CollectionState.OPEN,
    CollectionState.PARTIAL,
    CollectionState.SETTLED,
)
_T = TreasuryKind
# The account's balance grows by these movements; by all others it falls.
GAINING_KINDS = (
    _T.OPENING_BALANCE,
    _T.CAPITAL_DEPOSIT,
    _T.BITCOIN_PURCHASE,
    _T.CHANNEL_FUNDING,
    _T.SWAP_IN,
    _T.ROUTING_INCOME,
    _T.FLOAT_TOP_UP,
    _T.SURPLUS,
)
# The kinds that change the balance of one kind of account alone; all others may be about any.
NODE_KINDS = (_T.CHANNEL_FUNDING, _T.CHANNEL_CLOSING, _T.SWAP_IN, _T.SWAP_OUT, _T.ROUTING_INCOME)
FLOAT_KINDS = (_T.FLOAT_TOP_UP, _T.FLOAT_WITHDRAWAL)
# Francs of the bank against bitcoin, at the price that both sides of the receipt give.
EXCHANGE_KINDS = (_T.BITCOIN_PURCHASE, _T.BITCOIN_SALE)
# Moving the money itself may cost something: on-chain fees, a bank's or partner's charge.
KINDS_WITH_COST = (
    *EXCHANGE_KINDS,
    *FLOAT_KINDS,
    _T.CHANNEL_FUNDING,
    _T.CHANNEL_CLOSING,
    _T.SWAP_IN,
    _T.SWAP_OUT,
)
# In these states a payment may still be made, by itself or once a person has it retried.
UNPAID_STATES = (
    DisbursementState.SCHEDULED,
    DisbursementState.PROCESSING,
    DisbursementState.NEEDS_REVIEW,
    DisbursementState.FAILED,
)
# Only in these states is anything new sent.
UNFINISHED_STATES = (DisbursementState.SCHEDULED, DisbursementState.PROCESSING)


class QuerySoon(StrEnum):
    """What is known of a payment that is to be queried soon: none of that reference, one that is open, or has ended."""

    UNKNOWN = "unknown"
    OPEN = "open"
    ENDED = "ended"
