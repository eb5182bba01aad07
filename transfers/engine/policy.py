"""What follows a failure, and how often the provider is queried. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from transfers.enums import DisbursementState, FailureClass

# Leases last 20 s; at most 3 retries, about 60/120/240 s apart; the provider is queried about
# open attempts after every 15 s.
LEASE = timedelta(seconds=20)
MAX_RETRIES = 3
FIRST_RETRY_AFTER = timedelta(seconds=60)
# The successor of an order is prepared only when no worker can still be sending that order.
RENEW_AFTER = timedelta(seconds=120)
DEFER_FOR = timedelta(seconds=60)
QUERY_AGAIN_AFTER = timedelta(seconds=15)
LONGEST_QUERY_DELAY = timedelta(minutes=5)
QUERIES_BEFORE_DOUBLING, MOST_DOUBLINGS = 4, 5
QUERY_REVIEWED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class NextStep:
    """The state of a disbursement after a failed attempt, and when it is due again (None: not by itself)."""

    state: DisbursementState
    due_at: datetime | None
    counts_as_retry: bool = False


def after_failure(failure: FailureClass, *, retries: int, now: datetime) -> NextStep:
    """Decide what follows a refused attempt; `retries` counts those already used."""
    match failure:
        case FailureClass.HOLD:
            return NextStep(DisbursementState.PROCESSING, now + DEFER_FOR)
        case FailureClass.RETRY if retries < MAX_RETRIES:
            return NextStep(DisbursementState.PROCESSING, now + retry_delay(retries), counts_as_retry=True)
        case FailureClass.RENEW if retries < MAX_RETRIES:
            due_at = now + max(RENEW_AFTER, retry_delay(retries))
            return NextStep(DisbursementState.PROCESSING, due_at, counts_as_retry=True)
        case FailureClass.FINAL:
            return NextStep(DisbursementState.FAILED, None)
        case _:
            return NextStep(DisbursementState.NEEDS_REVIEW, None)


def retry_delay(retries: int) -> timedelta:
    """Return the wait before the next try: 60, 120, 240 seconds."""
    return FIRST_RETRY_AFTER * (1 << retries)


def query_delay(queries: int) -> timedelta:
    """Return the wait before the next query: 15 s, doubling after about a minute, at most 5 minutes."""
    doublings = min(max(queries - QUERIES_BEFORE_DOUBLING, 0), MOST_DOUBLINGS)
    return min(QUERY_AGAIN_AFTER * (1 << doublings), LONGEST_QUERY_DELAY)
