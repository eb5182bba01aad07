"""Failed logins, counted per name and IP address, whether or not the name exists."""

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
    """Return whether this name is locked for this IP address.

    Nothing is locked while the cache is unavailable: people must still be able to log in and pause money.
    """
    try:
        return int(cache.get(_key(request, username), 0)) >= FAILURES_ALLOWED
    except RedisError as error:
        logger.warning("failed logins are not counted, the cache is unavailable: %s", error)
        return False


def count_failure(request: HttpRequest, username: str) -> None:
    """Count a failed login. The count ends a quarter of an hour after the first failure."""
    key = _key(request, username)
    try:
        if not cache.add(key, 1, LOCKED_SECONDS):
            cache.incr(key)
    except (RedisError, ValueError) as error:
        logger.warning("a failed login was not counted: %s", error)


def forget_failures(request: HttpRequest, username: str) -> None:
    """Reset the count after a successful login."""
    try:
        cache.delete(_key(request, username))
    except RedisError as error:
        logger.warning("failed logins were not forgotten: %s", error)


def _key(request: HttpRequest, username: str) -> str:
    # The client's IP address as the API's throttles see it, behind NUM_PROXIES proxies.
    address = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    digest = hashlib.sha256(f"{username.casefold()}\n{address}".encode()).hexdigest()
    return f"backoffice:failed-logins:{digest}"
