"""Callbacks of Orange Money (Sonatel): signed, and with the key that was registered with the address.

Source: Sonatel's OpenAPI 1.1.0. Live, no endpoint secret was issued at registration: a key alone must do at first.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import ClassVar

from partners.config import secrets
from partners.enums import Authenticity
from partners.webhooks.documents import code_in, document_of, reference_in, transaction_in
from partners.webhooks.signatures import credential_in, is_one_of, is_signed
from partners.webhooks.types import Delivery, Hint

SIGNATURE = "x-sonatel-signature"
SEPARATOR = b","


class OrangeWebhooks:
    accepted_status: ClassVar[int] = HTTPStatus.ACCEPTED
    variables = ("ORANGE_CALLBACK_SECRETS", "ORANGE_CALLBACK_API_KEYS")

    def __init__(self) -> None:
        self._secrets, self._api_keys = map(secrets, self.variables)

    def authenticity_of(self, delivery: Delivery, *, now: datetime) -> Authenticity | None:
        """Verify the key and the signature, each where it is configured."""
        if self._api_keys and not self._has_key(delivery):
            return None
        if not self._secrets:
            return Authenticity.SHARED_SECRET if self._api_keys else None
        signature = delivery.headers.get(SIGNATURE, "")
        signed = is_signed(signature, delivery.body, separator=SEPARATOR, secrets=self._secrets, now=now)
        return Authenticity.SIGNATURE if signed else None

    def hint_in(self, body: bytes) -> Hint:
        """Read a callback; it names no event, since the header that names repetitions is not signed."""
        document = document_of(body)
        kind = ".".join(filter(None, (code_in(document, "type"), code_in(document, "status"))))
        return Hint(
            kind=kind[:60],
            reference=reference_in(document, "reference"),
            transaction_id=transaction_in(document, "transactionId"),
        )

    def _has_key(self, delivery: Delivery) -> bool:
        # The key follows as it is, not as base64 of a user and a password.
        given = credential_in(delivery.headers.get("authorization", ""), scheme="basic")
        return is_one_of(given, self._api_keys)
