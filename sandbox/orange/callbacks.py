"""The reports of payments to our address, signed as Sonatel signs them: the moment, a comma, the body."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from sandbox.orange.answers import Refusal
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.store import Row, Store
from sandbox.simulator.webhooks import Webhooks

DEFAULTS: Final[dict[str, Any]] = {
    # Where payments are reported, the key that is sent as it is, and the secret that signs (empty: none).
    "callback_url": "", "callback_api_key": "", "callback_secret": "", "callbacks_since": "",
}  # fmt: skip


class Callbacks:
    """What Orange reports by itself. A payment is reported to the registered address, and to that of its code."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.webhooks = Webhooks(store, self._headers, is_4xx_final=True)

    def register(self, request: Request) -> Response:
        """Register an address. The answer is empty, although the documents promise a body. Raises: Refusal."""
        body = request.json()
        if not str(body.get("callbackUrl", "")).startswith(("https://", "http://127.0.0.1:")):
            raise Refusal(400, "24", "must be https", field="callbackUrl")
        self._store.change_settings({
            "callback_url": body["callbackUrl"], "callback_api_key": body.get("apiKey", ""),
            "callbacks_since": self._store.moment().strftime("%d-%m-%Y %H:%M:%S"),
        })  # fmt: skip
        return Response(201)

    def listed(self, _request: Request) -> Response:
        """Answer what is registered."""
        return Response.of(200, self.registered())

    def registered(self) -> list[Row]:
        """Return what is registered, the key in clear."""
        url = self._store.setting("callback_url")
        return [{
            "code": self._store.setting("merchant_code"), "msisdn": None, "name": self._store.setting("merchant_name"),
            "callbackUrl": url, "apiKey": self._store.setting("callback_api_key"),
            "createdAt": self._store.setting("callbacks_since"),
        }] if url else []  # fmt: skip

    def report(self, row: Row, *, url: str = "") -> None:
        """Report a payment, in the transaction that books it."""
        document = {
            "amount": {"value": row["amount"], "unit": row["currency"]},
            "partner": {"idType": "CODE", "id": self._store.setting("merchant_code")},
            "customer": {"idType": "MSISDN", "id": row["phone"]}, "reference": row["reference"], "type": row["type"],
            "channel": "API", "transactionId": row["transaction_id"], "paymentMethod": "QRCODE",
            "status": row["status"],
        }  # fmt: skip
        for address in {url, self._store.setting("callback_url")} - {""}:
            self.webhooks.announce(address, document)

    def _headers(self, body: bytes) -> Mapping[str, str]:
        headers = {
            "User-Agent": "Sonatel-Client/1.0",
            "X-Sonatel-Idempotency-Key": str(uuid5(NAMESPACE_URL, body.decode())),
        }
        if key := self._store.setting("callback_api_key"):
            headers["Authorization"] = f"Basic {key}"
        if secret := self._store.setting("callback_secret"):
            seconds = int(self._store.moment().timestamp())
            mac = hmac.new(secret.encode(), f"{seconds},".encode() + body, "sha256").hexdigest()
            headers["X-Sonatel-Signature"] = f"t={seconds},v1={mac}"
        return headers
