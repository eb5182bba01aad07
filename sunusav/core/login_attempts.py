"""Attempts to give a password or a code that count: rows, so that a restart of the cache unlocks nothing.

An attempt is inserted before it is checked and deleted when it succeeds: attempts at the same moment see each other.
One that is refused because of the limit is not counted, so a limit is a rate: it ends by itself.
"""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from sunusav.core.auditing import CHUNK
from sunusav.core.models import LoginAttempt
from sunusav.core.transactions import retried_on_deadlock

WINDOW, DAY = timedelta(minutes=15), timedelta(days=1)


class TooManyAttempts(Exception):
    """One of the limits is reached."""


@dataclass(frozen=True)
class Limit:
    """How many attempts may fail in a window of time."""

    times: int
    window: timedelta = WINDOW


@dataclass(frozen=True)
class Attempt:
    """An attempt whose outcome is not known yet."""

    row_ids: tuple[int, ...]


def begin_attempt(limits: Mapping[str, Limit], *, now: datetime) -> Attempt:
    """Count an attempt under each of these names, of which each has its limit. Raises: TooManyAttempts."""
    rows = [LoginAttempt.objects.create(key=_key(name), at=now) for name in limits]
    attempt = Attempt(tuple(row.pk for row in rows))
    if any(_count(name, since=now - limit.window) > limit.times for name, limit in limits.items()):
        forget_attempt(attempt)
        raise TooManyAttempts
    return attempt


@contextmanager
def failures_counted(limits: Mapping[str, Limit], *, now: datetime) -> Iterator[None]:
    """Count an attempt, and take it back when what is inside does not raise. Raises: TooManyAttempts."""
    attempt = begin_attempt(limits, now=now)
    yield
    forget_attempt(attempt)


def forget_attempt(attempt: Attempt) -> None:
    """Take back an attempt that did not fail."""
    LoginAttempt.objects.filter(pk__in=attempt.row_ids).delete()


def forget_attempts_of(name: str) -> None:
    """Reset the count of a name after a successful login."""
    LoginAttempt.objects.filter(key=_key(name)).delete()


def failures_of(name: str, *, window: timedelta, now: datetime) -> int:
    """Return how many attempts under a name failed in a window of time, or have not ended yet."""
    return _count(name, since=now - window)


def clean_up_attempts(*, now: datetime) -> int:
    """Delete attempts that no longer count; return how many."""
    old = LoginAttempt.objects.filter(at__lt=now - DAY).order_by("at").values_list("pk", flat=True)
    deleted = 0
    while ids := list(old[:CHUNK]):
        deleted += _delete(ids)
    return deleted


@retried_on_deadlock
def _delete(ids: list[int]) -> int:
    return LoginAttempt.objects.filter(pk__in=ids).delete()[0]


def _count(name: str, *, since: datetime) -> int:
    return LoginAttempt.objects.filter(key=_key(name), at__gt=since).count()


def _key(name: str) -> str:
    """Return a keyed hash: a plain one of an IP address would reveal it to anyone who hashes all of them."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"login attempt\n{name}".encode(), "sha256").hex()
