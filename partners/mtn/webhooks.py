"""Callbacks of MTN MoMo: unsigned, so the address has a secret in its path, and what arrives is only a hint.

Source: momodeveloper.mtn.com, callback. The body is like the answer about the state of a payment.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import ClassVar

from partners.config import secrets
from partners.enums import Authenticity
from partners.webhooks.documents import code_in, document_of, reference_in
from partners.webhooks.signatures import is_one_of
from partners.webhooks.types import Delivery, Hint


class MtnWebhooks:
    accepted_status: ClassVar[int] = HTTPStatus.OK
    variables = ("MTN_WEBHOOK_TOKENS",)

    def __init__(self) -> None:
        self._tokens = secrets(*self.variables)

    def authenticity_of(self, delivery: Delivery, *, now: datetime) -> Authenticity | None:
        return Authenticity.SECRET_PATH if is_one_of(delivery.path_token, self._tokens) else None

    def hint_in(self, body: bytes) -> Hint:
        document = document_of(body)
        reference = reference_in(document, "referenceId") or reference_in(document, "externalId")
        return Hint(kind=code_in(document, "status"), reference=reference)
