"""How many deliveries were refused, counted in the cache: a flood of forged ones costs no write to the database.

Without a shared cache each process counts for itself; a count that cannot be stored is left out.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.core.cache import cache
from redis.exceptions import RedisError

CACHE_ERRORS = (RedisError, OSError)
HOUR_SECONDS = 3_600
# The total of a partner, for the metric, starts anew when nothing was refused for so long.
TOTAL_KEPT_SECONDS = 90 * 24 * HOUR_SECONDS

logger = logging.getLogger(__name__)


def count_refused(partner: str, *, now: datetime) -> None:
    """Count one refused delivery of a partner that we use."""
    try:
        _increment(_total_key(partner), TOTAL_KEPT_SECONDS)
        _increment(_hour_key(partner, _hour(now)), 2 * HOUR_SECONDS)
    except CACHE_ERRORS as error:
        logger.warning("a refused webhook was not counted: %s", type(error).__name__)


def refused_in_all(partner: str) -> int:
    """Return how many deliveries were refused."""
    return _read(_total_key(partner))


def refused_lately(partner: str, *, now: datetime) -> int:
    """Return how many deliveries were refused in this hour and the one before."""
    return sum(_read(_hour_key(partner, hour)) for hour in (_hour(now), _hour(now) - 1))


def _increment(key: str, keep_seconds: int) -> None:
    if not cache.add(key, 1, keep_seconds):
        try:
            cache.incr(key)
        except ValueError:  # it ended between the two
            cache.add(key, 1, keep_seconds)


def _read(key: str) -> int:
    try:
        return int(cache.get(key) or 0)
    except CACHE_ERRORS:
        return 0


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // HOUR_SECONDS


def _total_key(partner: str) -> str:
    return f"refused-webhooks:{partner}"


def _hour_key(partner: str, hour: int) -> str:
    return f"refused-webhooks:{partner}:{hour}"
