"""What a failure means for what comes next: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from transfers.enums import DisbursementState, FailureClass

# DOMAIN.md section 5: leases last 20 s; at most 3 retries, about 60/120/240 s apart; open attempts are asked after
# every 15 s.
LEASE = timedelta(seconds=20)
MAX_RETRIES = 3
FIRST_RETRY_AFTER = timedelta(seconds=60)
# A spent order's successor is prepared when no worker can still be sending the spent one.
RENEW_AFTER = timedelta(seconds=120)
HOLD_FOR = timedelta(seconds=60)
ASK_AGAIN_AFTER = timedelta(seconds=15)
ASK_AT_MOST_EVERY = timedelta(minutes=5)
ASKS_BEFORE_DOUBLING, MOST_DOUBLINGS = 4, 5
ASK_REVIEWED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class NextStep:
    """The state a failed attempt leaves its disbursement in, and when it is due again (None: never by itself)."""

    state: DisbursementState
    due_at: datetime | None
    burns_retry: bool = False


def after_failure(failure: FailureClass, *, retries: int, now: datetime) -> NextStep:
    """Decide what follows a refused attempt; `retries` counts those already burnt."""
    match failure:
        case FailureClass.HOLD:
            return NextStep(DisbursementState.PROCESSING, now + HOLD_FOR)
        case FailureClass.RETRY if retries < MAX_RETRIES:
            return NextStep(DisbursementState.PROCESSING, now + retry_delay(retries), burns_retry=True)
        case FailureClass.RENEW if retries < MAX_RETRIES:
            due_at = now + max(RENEW_AFTER, retry_delay(retries))
            return NextStep(DisbursementState.PROCESSING, due_at, burns_retry=True)
        case FailureClass.FINAL:
            return NextStep(DisbursementState.FAILED, None)
        case _:
            return NextStep(DisbursementState.NEEDS_REVIEW, None)


def retry_delay(retries: int) -> timedelta:
    """Return the wait before the next try: 60, 120, 240 seconds."""
    return FIRST_RETRY_AFTER * (1 << retries)


def ask_delay(asks: int) -> timedelta:
    """Return the wait before asking the outside again: 15 s, doubling after a minute's worth, at most 5 minutes."""
    doublings = min(max(asks - ASKS_BEFORE_DOUBLING, 0), MOST_DOUBLINGS)
    return min(ASK_AGAIN_AFTER * (1 << doublings), ASK_AT_MOST_EVERY)
