"""Rate limits in fixed windows, per scope and client, exact over all processes.

A process reserves requests from a shared counter in shares of a hundredth of the rate, each by one atomic increment.
So the rate is never exceeded; a share that a process does not use up is lost at the end of the window. Rates below a
hundred are counted one by one. DRF's own throttles read, append and write back, so that parallel requests can pass
uncounted.
"""

import logging
from functools import cache
from threading import Lock

from django.core.cache import cache as shared_cache
from redis.exceptions import RedisError
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)

WINDOW_SECONDS = {"s": 1, "sec": 1, "min": 60, "hour": 3_600, "day": 86_400}
SHARES = 100
MAX_ENTRIES = 10_000

_left: dict[str, int] = {}
_lock = Lock()


def seconds_to_wait(scope: str, client: str, *, at: float) -> int:
    """Count one request of this client; return 0 while it is within the scope's rate, else the seconds to wait.

    Requests pass while the counter is unavailable: the limit protects our capacity, not money.
    """
    rate = api_settings.DEFAULT_THROTTLE_RATES.get(scope)
    if rate is None:
        return 0
    allowed, seconds = read_rate(rate)
    window = int(at // seconds)
    name = f"rate:{scope}:{client}:{window}"
    if _use_one(name) or _take_share(name, allowed, keep_seconds=2 * seconds):
        return 0
    return max(1, round((window + 1) * seconds - at))


@cache
def read_rate(rate: str) -> tuple[int, int]:
    """Read `60/min` as (60, 60)."""
    number, _, period = rate.partition("/")
    return int(number), WINDOW_SECONDS[period]


def forget_shares() -> None:
    """Forget the shares that this process has not used up."""
    with _lock:
        _left.clear()


def _use_one(name: str) -> bool:
    with _lock:
        left = _left.get(name, 0)
        if left:
            _left[name] = left - 1
        return left > 0


def _take_share(name: str, allowed: int, *, keep_seconds: int) -> bool:
    """Reserve a share from the shared counter and use one request of it; return False when the rate is used up."""
    share = max(1, allowed // SHARES)
    try:
        counted = _increment(name, share, keep_seconds)
    except (RedisError, OSError) as error:
        logger.warning("a request was not counted: %s", type(error).__name__)
        return True
    granted = min(share, allowed - (counted - share))
    if granted > 1:
        _save(name, granted - 1)
    return granted > 0


def _save(name: str, granted: int) -> None:
    with _lock:
        if len(_left) >= MAX_ENTRIES:
            _left.clear()  # mostly of windows that have ended
        _left[name] = _left.get(name, 0) + granted


def _increment(name: str, share: int, keep_seconds: int) -> int:
    """Add to a counter; the first request of a window creates it."""
    try:
        return int(shared_cache.incr(name, share))
    except ValueError:
        return share if shared_cache.add(name, share, keep_seconds) else int(shared_cache.incr(name, share))
