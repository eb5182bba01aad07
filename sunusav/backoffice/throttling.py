"""Failed logins, counted per name and address. The names of people who do not exist count alike."""

import hashlib
import logging

from django.core.cache import cache
from django.http import HttpRequest
from redis import RedisError
from rest_framework.throttling import BaseThrottle

FAILURES_ALLOWED = 5
LOCKED_SECONDS = 15 * 60

logger = logging.getLogger(__name__)


def is_locked(request: HttpRequest, username: str) -> bool:
    """Tell whether this name may not be tried from this address for now.

    Without its cache the desk stays usable: a person must be able to pause money then too.
    """
    try:
        return int(cache.get(_key(request, username), 0)) >= FAILURES_ALLOWED
    except RedisError as away:
        logger.warning("failed logins are not counted, the cache is away: %s", away)
        return False


def count_failure(request: HttpRequest, username: str) -> None:
    """Count a failed login; the lock lasts a quarter of an hour from the first failure."""
    key = _key(request, username)
    try:
        if not cache.add(key, 1, LOCKED_SECONDS):
            cache.incr(key)
    except (RedisError, ValueError) as away:
        logger.warning("a failed login was not counted: %s", away)


def forget_failures(request: HttpRequest, username: str) -> None:
    """Start anew after a login that succeeded."""
    try:
        cache.delete(_key(request, username))
    except RedisError as away:
        logger.warning("failed logins were not forgotten: %s", away)


def _key(request: HttpRequest, username: str) -> str:
    # The address as the API's throttles see it: behind as many proxies as NUM_PROXIES says.
    address = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    digest = hashlib.sha256(f"{username.casefold()}\n{address}".encode()).hexdigest()
    return f"desk:failed-logins:{digest}"
