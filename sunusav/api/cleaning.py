"""Removal of rows that are kept for a limited time."""

from datetime import datetime

from sunusav.api.idempotency import clean_up_keys
from sunusav.api.tokens import delete_expired_tokens
from sunusav.core.login_attempts import clean_up_attempts
from sunusav.core.staff_sessions import clean_up_sessions


def clean_up(*, now: datetime) -> dict[str, int]:
    """Remove old idempotency keys, expired tokens and sessions, and old login attempts; return how many of each."""
    return {
        "idempotency_keys": clean_up_keys(now=now),
        "tokens": delete_expired_tokens(now=now),
        "sessions": clean_up_sessions(now=now),
        "login_attempts": clean_up_attempts(now=now),
    }
