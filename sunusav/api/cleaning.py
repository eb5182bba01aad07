"""Removal of rows that are kept for a limited time."""

from datetime import datetime

from django.contrib.sessions.models import Session

from sunusav.api.idempotency import clean_up_keys
from sunusav.api.tokens import delete_expired_tokens


def clean_up(*, now: datetime) -> dict[str, int]:
    """Remove old idempotency keys, expired tokens and expired sessions; return how many of each."""
    return {
        "idempotency_keys": clean_up_keys(now=now),
        "tokens": delete_expired_tokens(now=now),
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
    }
