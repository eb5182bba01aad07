"""Deliveries as partners make them, and collectors and a rail of the partners' names that a test controls."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from django.test import Client

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from partners.models import InboundWebhook
from partners.references import collection_reference, new_order_reference
from sunusav.core import clock
from tests.fakes.collector import ScriptedCollector
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.transfers.collecting import opened
from tests.transfers.unchanged import unchanged
from transfers.models import Collection
from transfers.types import CollectionFacts, CollectionRequest, Instruction, OpenedCollection, Order

WAVE_SECRET, NEXT_WAVE_SECRET, WAVE_BEARER = "wave_sn_WHS_one", "wave_sn_WHS_two", "wave-shared"
ORANGE_SECRET, ORANGE_KEY = "sonatel-endpoint-secret", "sonatel-callback-key"
MTN_TOKEN, OLD_MTN_TOKEN = "7e" * 32, "3a" * 32
FLOAT_OF_ORANGE = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "orange")
ENVIRONMENT = {
    "WAVE_WEBHOOK_SECRETS": f"{WAVE_SECRET}, {NEXT_WAVE_SECRET}",
    "WAVE_WEBHOOK_BEARERS": WAVE_BEARER,
    "ORANGE_CALLBACK_SECRETS": ORANGE_SECRET,
    "ORANGE_CALLBACK_API_KEYS": ORANGE_KEY,
    "MTN_WEBHOOK_TOKENS": f"{OLD_MTN_TOKEN},{MTN_TOKEN}",
}


class PartnerCollector(ScriptedCollector):
    """A collector whose references are those of partners."""

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        found = super().open(request, now=now)
        return replace(found, reference=collection_reference(self.name, request.collection_id))

    def reference_of(self, collection_id: int) -> str | None:
        return collection_reference(self.name, collection_id)


class WaveCollector(PartnerCollector):
    name = "wave"


class OrangeCollector(PartnerCollector):
    name = "orange"


class MtnCollector(PartnerCollector):
    name = "mtn"


class OrangeRail(ScriptedFrancRail):
    """A rail under the name of a partner, whose references are those of partners."""

    name = "orange"
    account = FLOAT_OF_ORANGE

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        return replace(super().prepare(instruction, now=now), rail=self.name, reference=new_order_reference())


@dataclass(frozen=True)
class Sent:
    """A request as a partner, or another, makes it."""

    path: str
    body: bytes
    headers: dict[str, str]
    method: str = "POST"
    content_type: str = "application/json"

    base: ClassVar[str] = "/monetization/partners/"

    def deliver(self) -> Any:
        return Client().generic(
            self.method,
            self.base + self.path,
            self.body,
            content_type=self.content_type,
            headers=self.headers,
        )


def signature(secret: str, body: bytes, *, separator: bytes = b"", at: int | None = None) -> str:
    """Return the signature header of a body."""
    moment = str(int(clock.now().timestamp()) if at is None else at)
    digest = hmac.new(secret.encode(), moment.encode() + separator + body, "sha256").hexdigest()
    return f"t={moment},v1={digest}"


def wave_body(reference: str | None, *, event: str = "AE_ijzo7oGgrlM7", **data: Any) -> bytes:
    """Return what Wave delivers about a checkout session."""
    facts = {
        "id": "cos-1b01sghpg100j", "amount": "100", "checkout_status": "complete", "currency": "XOF",
        "client_reference": reference, "payment_status": "succeeded", "transaction_id": "TCN4Y4ZC3FM", **data,
    }  # fmt: skip
    return json.dumps({"id": event, "type": "checkout.session.completed", "data": facts}).encode()


def orange_body(reference: str | None, **facts: Any) -> bytes:
    """Return what Sonatel calls back about a payment of a merchant."""
    document = {
        "amount": {"value": 2.0, "unit": "XOF"}, "reference": reference, "type": "MERCHANT_PAYMENT",
        "customer": {"idType": "MSISDN", "id": "771234567"}, "transactionId": "MP220928.1029.C58502",
        "status": "SUCCESS", **facts,
    }  # fmt: skip
    return json.dumps(document).encode()


def mtn_body(reference: str | None, **facts: Any) -> bytes:
    """Return what MTN calls back about a request to pay."""
    document = {
        "financialTransactionId": "363440463", "externalId": reference, "amount": "100", "currency": "XOF",
        "payer": {"partyIdType": "MSISDN", "partyId": "2250700000000"}, "status": "SUCCESSFUL", **facts,
    }  # fmt: skip
    return json.dumps(document).encode()


def by_wave(body: bytes, *, secret: str = WAVE_SECRET, at: int | None = None) -> Sent:
    return Sent("wave/webhooks", body, {"Wave-Signature": signature(secret, body, at=at)})


def by_orange(body: bytes, *, secret: str = ORANGE_SECRET, key: str = ORANGE_KEY) -> Sent:
    headers = {
        "X-Sonatel-Signature": signature(secret, body, separator=b","),
        "X-Sonatel-Idempotency-Key": "5f0c38b1-5c0f-4f52-8f1e-3c9d7a2b6e11",
        "Authorization": f"Basic {key}",
        "User-Agent": "Sonatel-Client/1.0",
    }
    return Sent("orange/webhooks", body, headers)


def by_mtn(body: bytes, *, token: str = MTN_TOKEN, method: str = "PUT") -> Sent:
    return Sent(f"mtn/webhooks/{token}", body, {}, method)


def awaited(partner: str, subject: str = "") -> CollectionFacts:
    """Open a request for money at a partner; its next periodic query is not due yet."""
    return opened(subject or f"contribution:{partner}", method=partner, now=clock.now())


def ask_at(facts: CollectionFacts) -> Any:
    return Collection.objects.values_list("ask_at", flat=True).get(pk=facts.id)


@contextmanager
def nothing_stored() -> Iterator[None]:
    """Assert that the block stores no delivery and changes nothing else."""
    before = list(InboundWebhook.objects.order_by("pk").values())
    with unchanged():
        yield
    assert list(InboundWebhook.objects.order_by("pk").values()) == before
