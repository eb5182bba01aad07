"""The outbox: messages to the platform, written in the transaction of the change they report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from sunusav.core.models import OutboxMessage
from sunusav.core.wake_ups import wake

DELIVER_TASK = "api.deliver_outbox"


@dataclass(frozen=True)
class Announcement:
    """One message to the platform."""

    topic: str
    subject: str
    payload: dict[str, Any]


def announce(*, topic: str, subject: str, payload: dict[str, Any], at: datetime) -> None:
    """Queue a message to the platform, in the caller's transaction. Does nothing without `PLATFORM_WEBHOOK_URL`."""
    announce_all([Announcement(topic, subject, payload)], at=at)


def announce_all(announcements: Sequence[Announcement], *, at: datetime) -> None:
    """Queue many messages in one insert; see `announce`."""
    if not settings.PLATFORM_WEBHOOK_URL:
        return
    messages = [
        OutboxMessage(
            topic=one.topic, subject=one.subject, payload=one.payload, created_at=at, next_try_at=at
        )
        for one in announcements
    ]
    OutboxMessage.objects.bulk_create(messages)
    wake(DELIVER_TASK)
