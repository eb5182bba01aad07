"""Rate limits that count exactly: one atomic increment per request, in fixed windows, per scope and client.

DRF's own throttles read, append and write back, so parallel requests slip through.
"""

import logging
from functools import cache

from django.core.cache import cache as shared_cache
from redis.exceptions import RedisError
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)

WINDOW_SECONDS = {"s": 1, "sec": 1, "min": 60, "hour": 3_600, "day": 86_400}


def seconds_to_wait(scope: str, client: str, *, at: float) -> int:
    """Count one request of this client; return 0 while it is within the scope's rate, else how long to wait.

    A counter that is away lets requests through: a limit is a comfort, not a guard.
    """
    rate = api_settings.DEFAULT_THROTTLE_RATES.get(scope)
    if rate is None:
        return 0
    allowed, seconds = read_rate(rate)
    window = int(at // seconds)
    if _count(f"rate:{scope}:{client}:{window}", keep_seconds=2 * seconds) <= allowed:
        return 0
    return max(1, round((window + 1) * seconds - at))


@cache
def read_rate(rate: str) -> tuple[int, int]:
    """Read `60/min` as (60, 60)."""
    number, _, period = rate.partition("/")
    return int(number), WINDOW_SECONDS[period]


def _count(name: str, *, keep_seconds: int) -> int:
    try:
        return _increment(name, keep_seconds)
    except (RedisError, OSError) as error:
        logger.warning("a request was not counted: %s", type(error).__name__)
        return 0


def _increment(name: str, keep_seconds: int) -> int:
    """Add one to a counter; only the first of a window has to make it."""
    try:
        return int(shared_cache.incr(name))
    except ValueError:
        return 1 if shared_cache.add(name, 1, keep_seconds) else int(shared_cache.incr(name))
