"""Waiting in a request, for a few seconds, until a worker has made the payment."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from itertools import chain, repeat
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings

from sunusav.core import clock as system_clock
from sunusav.core.clock import Clock
from transfers.enums import DisbursementState
from transfers.queries import state_of

# Most payments take well under a second; a longer wait checks less often.
FIRST_PAUSES: Final = tuple(timedelta(milliseconds=pause) for pause in (50, 100, 200))
PAUSE: Final = timedelta(milliseconds=250)
Sleep = Callable[[float], None]  # for so many seconds
UNDECIDED: Final = (DisbursementState.SCHEDULED, DisbursementState.PROCESSING)


def wait_for_outcome(payout_id: int, *, clock: Clock = system_clock.now, sleep: Sleep = time.sleep) -> None:
    """Return as soon as the payout has an outcome, or when the time a request may wait has passed.

    Return at once when PAYOUT_WAITERS requests of this process wait already, so that threads remain for other calls.
    """
    places = _places(settings.PAYOUT_WAITERS)
    if not places.acquire(blocking=False):
        return
    try:
        for pause in _pauses(clock):
            if state_of(payout_id) not in UNDECIDED:
                return
            sleep(pause.total_seconds())
    finally:
        places.release()


def _pauses(clock: Clock) -> Iterator[timedelta]:
    ends = clock() + timedelta(seconds=settings.PAYOUT_WAIT_SECONDS)
    for pause in chain(FIRST_PAUSES, repeat(PAUSE)):
        left = ends - clock()
        if left <= timedelta(0):
            return
        yield min(pause, left)


@cache
def _places(count: int) -> BoundedSemaphore:
    return BoundedSemaphore(count)
