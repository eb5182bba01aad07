"""What follows a failure, and how often the provider is queried. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from transfers.enums import DisbursementState, FailureClass

# Leases last 20 s, and so does the time in which an order must be sent; at most 3 retries, about 60/120/240 s apart.
LEASE = timedelta(seconds=20)
MAX_RETRIES = 3
FIRST_RETRY_AFTER = timedelta(seconds=60)
# The successor of an order that its payee refused is asked for after this.
RENEW_AFTER = timedelta(seconds=120)
DEFER_FOR = timedelta(seconds=60)
# Our side could not pay although it seemed to have enough: 60 s, doubled up to 16 min, and then a person looks.
MAX_HOLDS, LONGEST_HOLD = 6, timedelta(minutes=16)
QUERY_AGAIN_AFTER = timedelta(seconds=15)
# A lost answer is looked up after 1, 2, 4, 8 s, then every 15 s, and after about a minute less and less often.
FIRST_QUERY_AFTER = timedelta(seconds=1)
QUICK_QUERIES, STEADY_QUERIES, MOST_DOUBLINGS = 4, 8, 5
LONGEST_QUERY_DELAY = timedelta(minutes=5)
QUERY_REVIEWED_EVERY = timedelta(minutes=10)
# Closed orders are asked about after half a minute, then at doubled intervals up to an hour, until they have expired.
FIRST_WATCH_AFTER, LONGEST_WATCH_DELAY = timedelta(seconds=30), timedelta(hours=1)


@dataclass(frozen=True)
class NextStep:
    """The state of a disbursement after a failed attempt, and when it is due again (None: not by itself).

    Before `not_before` nothing new is sent.
    """

    state: DisbursementState
    due_at: datetime | None
    counts_as_retry: bool = False
    not_before: datetime | None = None


def after_failure(failure: FailureClass, *, retries: int, holds: int = 0, now: datetime) -> NextStep:
    """Decide what follows a refused attempt; `retries` and `holds` count those already used."""
    match failure:
        case FailureClass.HOLD if holds < MAX_HOLDS:
            return NextStep(DisbursementState.PROCESSING, now + min(DEFER_FOR * (1 << holds), LONGEST_HOLD))
        case FailureClass.STOP:
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


def after_unreachable_destination(*, retries: int, now: datetime) -> NextStep:
    """Decide what follows when the destination's host gave no order: as after a refusal that may be retried."""
    return after_failure(FailureClass.RETRY, retries=retries, now=now)


def retry_delay(retries: int) -> timedelta:
    """Return the wait before the next try: 60, 120, 240 seconds."""
    return FIRST_RETRY_AFTER * (1 << retries)


def query_delay(queries: int) -> timedelta:
    """Return the wait before the next query: 1, 2, 4, 8 s, five times 15 s, then doubled up to 5 minutes."""
    if queries < QUICK_QUERIES:
        return FIRST_QUERY_AFTER * (1 << queries)
    doublings = min(max(queries - STEADY_QUERIES, 0), MOST_DOUBLINGS)
    return min(QUERY_AGAIN_AFTER * (1 << doublings), LONGEST_QUERY_DELAY)


def watch_delay(unsent_for: timedelta) -> timedelta:
    """Return the wait before a closed order is asked about again: as long as it could not be sent, within bounds."""
    return min(max(unsent_for, FIRST_WATCH_AFTER), LONGEST_WATCH_DELAY)
