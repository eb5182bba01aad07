"""Login attempts that count: rows, so that a restart of the cache unlocks nothing.

An attempt is inserted before the password is checked and deleted when it succeeds: attempts at the same moment see each
other. One that is refused because of the limit is not counted, so a limit is a rate: it ends by itself.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count

from sunusav.core.auditing import CHUNK
from sunusav.core.models import LoginAttempt
from sunusav.core.transactions import retried_on_deadlock

WINDOW = timedelta(minutes=15)


class TooManyAttempts(Exception):
    """One of the limits is reached."""


@dataclass(frozen=True)
class Attempt:
    """An attempt whose outcome is not known yet."""

    keys: tuple[str, ...]
    row_ids: tuple[int, ...]


def begin_attempt(limits: Mapping[str, int], *, now: datetime) -> Attempt:
    """Count an attempt under each of these names, of which each has its limit per window. Raises: TooManyAttempts."""
    keys = {_key(name): limit for name, limit in limits.items()}
    rows = [LoginAttempt.objects.create(key=key, at=now) for key in keys]
    attempt = Attempt(tuple(keys), tuple(row.pk for row in rows))
    recent = LoginAttempt.objects.filter(key__in=keys, at__gt=now - WINDOW).values("key")
    counts = {row["key"]: row["times"] for row in recent.annotate(times=Count("pk")).order_by()}
    if any(counts.get(key, 0) > limit for key, limit in keys.items()):
        forget_attempt(attempt)
        raise TooManyAttempts
    return attempt


def forget_attempt(attempt: Attempt) -> None:
    """Take back an attempt that did not fail."""
    LoginAttempt.objects.filter(pk__in=attempt.row_ids).delete()


def forget_attempts_of(name: str) -> None:
    """Reset the count of a name after a successful login."""
    LoginAttempt.objects.filter(key=_key(name)).delete()


def clean_up_attempts(*, now: datetime) -> int:
    """Delete attempts that no longer count; return how many."""
    old = LoginAttempt.objects.filter(at__lt=now - WINDOW).order_by("at").values_list("pk", flat=True)
    deleted = 0
    while ids := list(old[:CHUNK]):
        deleted += _delete(ids)
    return deleted


@retried_on_deadlock
def _delete(ids: list[int]) -> int:
    return LoginAttempt.objects.filter(pk__in=ids).delete()[0]


def _key(name: str) -> str:
    """Return a keyed hash: a plain one of an IP address would reveal it to anyone who hashes all of them."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"login attempt\n{name}".encode(), "sha256").hex()
