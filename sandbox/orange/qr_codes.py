"""QR codes and deep links by which a phone pays our merchant code; unpaid ones are not in the search."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import segno

from sandbox.orange.answers import Refusal
from sandbox.orange.callbacks import Callbacks
from sandbox.orange.transactions import COUNTRY_CODE, MERCHANT_PAYMENT, Transactions
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.script import Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import Wallets

DEFAULTS: Final[dict[str, Any]] = {
    # Our merchant code, the least that a phone can pay, and the key of the contract (empty: none is wanted).
    "merchant_code": "123456", "merchant_name": "SUNUSAV", "least_payment": 10, "x_api_key": "",
}  # fmt: skip
TABLES: Final = """
CREATE TABLE IF NOT EXISTS qr_codes (
    id INTEGER PRIMARY KEY, qr_id TEXT NOT NULL UNIQUE, reference TEXT NOT NULL, amount INTEGER NOT NULL,
    name TEXT NOT NULL, payer TEXT NOT NULL, is_single_use INTEGER NOT NULL, callback_url TEXT NOT NULL,
    metadata TEXT NOT NULL, step TEXT NOT NULL, made_at TEXT NOT NULL, ends_at TEXT NOT NULL,
    times_paid INTEGER NOT NULL DEFAULT 0
);
"""
SIX_DIGITS: Final = re.compile(r"\d{6}")
PAYER: Final = re.compile(r"\d{9,12}")
LONGEST_VALIDITY_SECONDS: Final = 86_400


class QrCodes:
    """Requests for money. A phone has nine digits."""

    def __init__(
        self, store: Store, wallets: Wallets, transactions: Transactions, callbacks: Callbacks
    ) -> None:
        self._store, self._wallets = store, wallets
        self._transactions, self._callbacks = transactions, callbacks

    def make(self, request: Request, step: Step) -> Response:
        """Make a code; the same reference again is another code. Raises: Refusal."""
        wanted_key = self._store.setting("x_api_key")
        if wanted_key and request.headers.get("x-api-key") != wanted_key:
            raise Refusal(403, "11", "wrong X-Api-Key")
        body = request.json()
        if not SIX_DIGITS.fullmatch(str(body.get("code"))) or not body.get("name"):
            raise Refusal(400, "24", "code of six digits and name are required", field="code")
        if body["code"] != self._store.setting("merchant_code"):
            raise Refusal(403, "11", "not your code")
        validity = int(body.get("validity", LONGEST_VALIDITY_SECONDS))
        if not 0 < validity <= LONGEST_VALIDITY_SECONDS:
            raise Refusal(400, "24", "at most 86400", field="validity")
        restrictions = body.get("restrictions", {})
        payer = str(restrictions.get("payerMsisdn", ""))
        if payer and not PAYER.fullmatch(payer):
            raise Refusal(400, "24", "nine to twelve digits", field="restrictions.payerMsisdn")
        qr_id = uuid4().hex
        self._store.insert(
            "qr_codes", qr_id=qr_id, reference=body.get("reference", ""), amount=int(body["amount"]["value"]),
            name=body["name"], payer=payer[-9:], is_single_use=int(bool(restrictions.get("isSingleUse"))),
            callback_url=request.headers.get("x-callback-url", ""), metadata=json.dumps(body.get("metadata", {})),
            step=json.dumps({"amount": step.amount, "currency": step.currency}), made_at=self._store.now(),
            ends_at=self._store.now(later=timedelta(seconds=validity)),
        )  # fmt: skip
        return Response.of(
            200, self._shown(qr_id, f"http://{request.headers.get('host', '127.0.0.1')}", validity)
        )

    def row(self, qr_id: str) -> Row | None:
        return self._store.row("SELECT * FROM qr_codes WHERE qr_id = ?", qr_id)

    def pay(self, qr_id: str, phone: str) -> Row:
        """Pay a code as a customer does; return the transaction. Raises: Refusal, KeyError."""
        code = self.row(qr_id)
        if code is None:
            raise KeyError(qr_id)
        with self._store.transaction():
            if self._store.now() >= code["ends_at"]:
                raise Refusal(400, "4004", "This code has ended.")
            if code["is_single_use"] and code["times_paid"]:
                raise Refusal(400, "2041", "This code was paid already.")
            if code["payer"] and code["payer"] != phone:
                raise Refusal(400, "2042", "This code is for another phone.")
            if code["amount"] < self._store.setting("least_payment"):
                raise Refusal(400, "2041", "The amount is too small.")
            if self._wallets.open(f"{COUNTRY_CODE}{phone}")["state"]:
                raise Refusal(400, "2042", "This phone cannot pay.")
            if self._wallets.balance(f"{COUNTRY_CODE}{phone}") < code["amount"]:
                raise Refusal(400, "2021", "This phone has too little money.")
            return self._paid(code, phone, code["amount"], Step(**json.loads(code["step"])))

    def pay_by_reference(
        self, reference: str, phone: str, amount: int | None, currency: str, hidden_seconds: float
    ) -> str:
        """Pay the newest code of a reference, whatever its rules; return the id of the transaction."""
        found = self._store.rows("SELECT * FROM qr_codes WHERE reference = ? ORDER BY id DESC", reference)
        code = found[0]
        scripted = json.loads(code["step"])
        step = Step(
            amount=scripted["amount"],
            currency=currency or scripted["currency"],
            hidden_seconds=hidden_seconds,
        )
        paid = self._paid(code, phone or code["payer"], code["amount"] if amount is None else amount, step)
        return str(paid["transaction_id"])

    def _paid(self, code: Row, phone: str, amount: int, step: Step) -> Row:
        with self._store.transaction():
            self._store.execute("UPDATE qr_codes SET times_paid = times_paid + 1 WHERE id = ?", code["id"])
            partner = {
                "id": self._store.setting("merchant_code"),
                "idType": "CODE",
                "walletType": "PRINCIPAL",
            }
            row = self._transactions.add(
                MERCHANT_PAYMENT, reference=code["reference"], phone=phone, amount=amount, partner=partner,
                status="SUCCESS", step=step, channel="MAXIT", metadata=json.loads(code["metadata"]),
            )  # fmt: skip
            self._callbacks.report(row, url=code["callback_url"])
        return row

    def _shown(self, qr_id: str, own_url: str, validity: int) -> Row:
        code = self.row(qr_id)
        assert code is not None, "it was stored above"  # noqa: S101  (a programmer's mistake)
        link = f"{own_url}/pay/{qr_id}"
        image = io.BytesIO()
        segno.make(link).save(image, kind="png")
        return {
            "deepLink": link, "deepLinks": {"MAXIT": f"{link}?app=maxit", "OM": f"{link}?app=om"},
            "qrCode": base64.b64encode(image.getvalue()).decode(), "validity": validity,
            "metadata": json.loads(code["metadata"]), "shortLink": "", "qrId": qr_id,
            "validFor": {"startDateTime": _millis(code["made_at"]), "endDateTime": _millis(code["ends_at"])},
        }  # fmt: skip


def _millis(at: str) -> str:
    return f"{at[:23]}Z"
