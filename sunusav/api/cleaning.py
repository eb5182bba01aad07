"""What is kept for a time only: idempotency keys, expired tokens and sessions."""

from datetime import datetime

from django.contrib.sessions.models import Session

from sunusav.api.idempotency import clean_up_keys
from sunusav.api.tokens import forget_expired_tokens


def clean_up(*, now: datetime) -> dict[str, int]:
    """Remove what has outlived its time; return how many of each."""
    return {
        "idempotency_keys": clean_up_keys(now=now),
        "tokens": forget_expired_tokens(now=now),
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
    }
