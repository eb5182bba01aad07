"""How a request waits for a payment that a worker makes: briefly, by looking, never by paying."""

import time
from collections.abc import Callable

from django.conf import settings

from transfers.enums import DisbursementState
from transfers.queries import state_of

LOOK_EVERY_SECONDS = 0.05
UNDECIDED = (DisbursementState.SCHEDULED, DisbursementState.PROCESSING)


def wait_for_outcome(payout_id: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
    """Return as soon as the payout is decided, or when the time a request may wait is over."""
    ends = seconds() + settings.PAYOUT_WAIT_SECONDS
    while state_of(payout_id) in UNDECIDED and seconds() < ends:
        time.sleep(LOOK_EVERY_SECONDS)
