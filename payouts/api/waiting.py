"""How a request waits for a payment that a worker makes: briefly, by looking, never by paying."""

import time
from datetime import timedelta
from typing import Final

from django.conf import settings

from sunusav.core import clock as system_clock
from sunusav.core.clock import Clock
from transfers.enums import DisbursementState
from transfers.queries import state_of

LOOK_EVERY: Final = timedelta(milliseconds=50)
UNDECIDED: Final = (DisbursementState.SCHEDULED, DisbursementState.PROCESSING)


def wait_for_outcome(payout_id: int, *, clock: Clock = system_clock.now) -> None:
    """Return as soon as the payout is decided, or when the time a request may wait is over."""
    ends = clock() + timedelta(seconds=settings.PAYOUT_WAIT_SECONDS)
    while state_of(payout_id) in UNDECIDED and clock() < ends:
        time.sleep(LOOK_EVERY.total_seconds())
