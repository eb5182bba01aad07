"""Delivery of the outbox to the platform as signed webhooks, each at least once.

Source: the Standard Webhooks specification (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`).
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta

import requests
from django.conf import settings
from django.db import transaction

from sunusav.api.serializers import utc_text
from sunusav.core.models import OutboxMessage
from sunusav.core.transactions import retried_on_deadlock

BATCH = 50
TIMEOUT_SECONDS = (3, 10)
# Longer than a batch can take, so that no message is sent twice while its sender runs.
LEASE = timedelta(seconds=BATCH * sum(TIMEOUT_SECONDS))
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
ERROR_LENGTH = 200
SECRET_PREFIX = "whsec_"  # noqa: S105  (the specification's prefix, not a secret)


def deliver_outbox(*, now: datetime) -> int:
    """Send the messages that are due; return how many the platform accepted.

    A message is claimed by postponing its next try. When its sender is killed, it is sent again at that time.
    """
    return sum(_deliver(message, now=now) for message in _claim(now=now))


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def body_of(message: OutboxMessage) -> bytes:
    """Return the request body of a message, the same bytes at each try."""
    document = {
        "type": message.topic,
        "timestamp": utc_text(message.created_at),
        "data": {"subject": message.subject, **message.payload},
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@retried_on_deadlock
def _claim(*, now: datetime) -> list[OutboxMessage]:
    """Claim due messages in two steps: read ids, then lock by primary key those that are not locked."""
    due = OutboxMessage.objects.filter(delivered_at=None, next_try_at__lte=now)
    ids = list(due.order_by("next_try_at").values_list("pk", flat=True)[:BATCH])
    with transaction.atomic():
        claimed = list(due.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("pk"))
        for message in claimed:
            message.tries += 1
            message.next_try_at = now + LEASE
        OutboxMessage.objects.bulk_update(claimed, ["tries", "next_try_at"])
    return claimed


def _deliver(message: OutboxMessage, *, now: datetime) -> bool:
    refusal = _send(message, now=now)
    if refusal:
        message.next_try_at, message.last_error = now + _pause(message.tries), refusal[:ERROR_LENGTH]
    else:
        message.delivered_at, message.last_error = now, ""
    message.save(update_fields=["delivered_at", "next_try_at", "last_error"])
    return not refusal


def _send(message: OutboxMessage, *, now: datetime) -> str:
    """Send one message; return why it was not accepted, or an empty text."""
    body, message_id, timestamp = body_of(message), f"msg_{message.pk}", int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(
            settings.PLATFORM_WEBHOOK_SECRET, message_id=message_id, timestamp=timestamp, body=body
        ),
    }
    try:
        with requests.post(
            settings.PLATFORM_WEBHOOK_URL, data=body, headers=headers, timeout=TIMEOUT_SECONDS,
            allow_redirects=False, stream=True,
        ) as response:  # fmt: skip
            return "" if response.ok and not response.is_redirect else f"status {response.status_code}"
    except requests.RequestException as error:
        return type(error).__name__


def _pause(tries: int) -> timedelta:
    """Return how long to wait after a number of tries: four times as long each time, up to an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * int(4 ** min(tries - 1, 10)))


def _key(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return secret.encode()
