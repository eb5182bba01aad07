"""The outbox: facts for the platform, written with the change that made them true."""

from datetime import datetime
from typing import Any

from django.conf import settings

from sunusav.core.doorbells import ring
from sunusav.core.models import OutboxMessage

DELIVER_TASK = "api.deliver_outbox"


def announce(*, topic: str, subject: str, payload: dict[str, Any], at: datetime) -> None:
    """Queue a message to the platform, in the caller's transaction; without an address nothing is queued."""
    if not settings.PLATFORM_WEBHOOK_URL:
        return
    OutboxMessage.objects.create(topic=topic, subject=subject, payload=payload, created_at=at, next_try_at=at)
    ring(DELIVER_TASK)
