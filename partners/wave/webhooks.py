"""Deliveries of Wave: signed, or with a shared secret, whichever a webhook was set up with in Wave's portal.

Source: docs.wave.com/webhook. Nothing is delivered about payouts.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import ClassVar

from partners.config import secrets
from partners.enums import Authenticity
from partners.webhooks.documents import code_in, document_of, event_in, part_of, reference_in, transaction_in
from partners.webhooks.signatures import credential_in, is_one_of, is_signed
from partners.webhooks.types import Delivery, Hint

SIGNATURE = "wave-signature"
# Between the moment and the body: nothing.
SEPARATOR = b""


class WaveWebhooks:
    accepted_status: ClassVar[int] = HTTPStatus.OK
    variables = ("WAVE_WEBHOOK_SECRETS", "WAVE_WEBHOOK_BEARERS")

    def __init__(self) -> None:
        self._secrets, self._bearers = map(secrets, self.variables)

    def authenticity_of(self, delivery: Delivery, *, now: datetime) -> Authenticity | None:
        """Verify the signature where there is one and we have secrets for it, and else the shared secret."""
        signature = delivery.headers.get(SIGNATURE)
        if signature is not None and self._secrets:
            signed = is_signed(signature, delivery.body, separator=SEPARATOR, secrets=self._secrets, now=now)
            return Authenticity.SIGNATURE if signed else None
        given = credential_in(delivery.headers.get("authorization", ""), scheme="bearer")
        return Authenticity.SHARED_SECRET if is_one_of(given, self._bearers) else None

    def hint_in(self, body: bytes) -> Hint:
        document = document_of(body)
        data = part_of(document, "data")
        return Hint(
            event=event_in(document, "id"),
            kind=code_in(document, "type"),
            reference=reference_in(data, "client_reference"),
            transaction_id=transaction_in(data, "transaction_id"),
        )
