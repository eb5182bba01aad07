"""The inbox of partners' webhooks: stored in one statement, followed by a worker, removed after a month."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from partners.enums import Authenticity, WebhookOutcome
from partners.errors import WebhookNotAuthentic
from partners.models import InboundWebhook
from partners.webhooks.loading import webhooks_of
from partners.webhooks.types import Delivery, Hint
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake
from transfers.collection_queries import is_collection_open
from transfers.enums import QuerySoon
from transfers.queries import is_order_open
from transfers.services.reconciliation import query_collection_soon, query_order_soon

FOLLOW_TASK: Final = "partners.follow_webhooks"
# A partner may report a payment before its own query shows it, and before we have recorded what we opened there.
FOLLOWED_FOR, FOLLOWED_EVERY = timedelta(minutes=1), timedelta(seconds=20)
# An unsigned delivery has the payment queried at most this often.
UNSIGNED_EVERY_SECONDS = 10
FOLLOWED_AT_ONCE = 500
RETENTION = timedelta(days=30)


def record_webhook(partner: str, delivery: Delivery, *, now: datetime) -> int:
    """Store an authentic delivery, once; return the HTTP status that its partner expects.

    An unsigned one is stored only if it names an open payment of ours. Raises: PartnerNotInUse, WebhookNotAuthentic.
    """
    dialect = webhooks_of(partner)
    authenticity = dialect.authenticity_of(delivery, now=now)
    if authenticity is None:
        raise WebhookNotAuthentic(partner=partner)
    hint = dialect.hint_in(delivery.body)
    if authenticity is Authenticity.SECRET_PATH:
        if _is_open(partner, hint.reference):
            _store(partner, f"{hint.reference}:{_period(now)}", hint, authenticity, now=now)
    else:
        _store(partner, hint.event or _body_key(partner, delivery.body), hint, authenticity, now=now)
    return dialect.accepted_status


def follow_webhooks(*, now: datetime) -> int:
    """Have the partners queried about what was delivered; return how many deliveries were followed.

    Each is due again before it is followed, so that one which breaks its worker never blocks the others.
    """
    due = InboundWebhook.objects.filter(follow_at__lte=now).order_by("follow_at")
    return sum(_follow(row, now=now) for row in list(due[:FOLLOWED_AT_ONCE]))


@retried_on_deadlock
def clean_up_webhooks(*, now: datetime, limit: int = 10_000) -> int:
    """Remove deliveries that are older than a month; return how many. They prove nothing."""
    old = InboundWebhook.objects.filter(received_at__lt=now - RETENTION).order_by("received_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return InboundWebhook.objects.filter(pk__in=ids).delete()[0]


def _store(partner: str, event_key: str, hint: Hint, authenticity: Authenticity, *, now: datetime) -> None:
    """Insert a delivery and wake the worker that follows it; nothing happens if its event is known."""
    row = InboundWebhook(
        partner=partner, event_key=event_key, kind=hint.kind, reference=hint.reference,
        transaction_id=hint.transaction_id, authenticity=authenticity, received_at=now, follow_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if not InboundWebhook.objects.filter(partner=partner, event_key=event_key).exists():
            raise
        return
    wake(FOLLOW_TASK)


def _follow(row: InboundWebhook, *, now: datetime) -> bool:
    """Have the payment queried that a delivery names; return false if another worker follows it."""
    same = InboundWebhook.objects.filter(pk=row.pk, follow_at=row.follow_at)
    if same.update(follow_at=now + FOLLOWED_EVERY) != 1:
        return False
    outcome, is_decided = _query_soon(row, now=now)
    if is_decided or now >= row.received_at + FOLLOWED_FOR:
        unhandled = InboundWebhook.objects.filter(pk=row.pk, handled_at=None)
        unhandled.update(follow_at=None, handled_at=now, outcome=outcome)
    return True


def _query_soon(row: InboundWebhook, *, now: datetime) -> tuple[WebhookOutcome, bool]:
    """Make what a delivery names due for a query; return also whether a later query could show nothing more."""
    if not row.reference:
        return WebhookOutcome.NO_REFERENCE, True
    found = query_collection_soon(method=row.partner, reference=row.reference, now=now)
    if found is not QuerySoon.UNKNOWN:
        return WebhookOutcome.COLLECTION_QUERIED, found is QuerySoon.ENDED
    found = query_order_soon(rail=row.partner, reference=row.reference, now=now)
    if found is not QuerySoon.UNKNOWN:
        return WebhookOutcome.PAYMENT_QUERIED, found is QuerySoon.ENDED
    return WebhookOutcome.UNKNOWN_REFERENCE, False


def _is_open(partner: str, reference: str) -> bool:
    return bool(reference) and (
        is_collection_open(method=partner, reference=reference)
        or is_order_open(rail=partner, reference=reference)
    )


def _period(now: datetime) -> int:
    return int(now.timestamp()) // UNSIGNED_EVERY_SECONDS


def _body_key(partner: str, body: bytes) -> str:
    """Hash a body with our key: a plain hash would reveal the phone in it to anyone who hashes all of them."""
    return hmac.digest(settings.SECRET_KEY.encode(), partner.encode() + b"\0" + body, "sha256").hex()
