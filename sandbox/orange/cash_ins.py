"""The rules of a cash-in. Orange does one as often as it is asked to: the same reference again is another payment."""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.orange.answers import Refusal
from sandbox.orange.security import Security
from sandbox.orange.transactions import CASH_IN, COUNTRY_CODE, Transactions
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets

DEFAULTS: Final[dict[str, Any]] = {
    # The most that a phone's account may hold, and whether a refused cash-in is listed as failed.
    "most_held": 2_000_000, "lists_refused": False,
}  # fmt: skip
NINE_DIGITS: Final = re.compile(r"\d{9}")
LONGEST_REFERENCE: Final = 50
WALLETS: Final = ("PRINCIPAL", "INTERNATIONAL")
# Why a phone's account takes no money, by the state of its wallet.
REFUSED_STATES: Final = {"unknown": "2000", "suspended": "2043", "barred": "2043"}
STATUS_OF_CODE: Final = {
    "10": 401, "11": 403, "60": 404, "61": 405, "9": 429, "50": 500, "51": 500, "1": 500, "2": 502, "5": 503,
}  # fmt: skip


class CashIns:
    """Payments from our retailer account to phones."""

    def __init__(
        self, store: Store, wallets: Wallets, transactions: Transactions, security: Security
    ) -> None:
        self._store, self._wallets = store, wallets
        self._transactions, self._security = transactions, security

    def pay(self, request: Request, step: Step) -> Response:
        """Do a cash-in as its step says. Raises: Refusal."""
        body = _body_of(request)
        facts = _facts_in(body)
        self._require_partner(body["partner"])
        if step.outcome == Outcome.REFUSE:
            self._note_refused(facts, step)
            raise Refusal(STATUS_OF_CODE.get(step.code, 400), step.code, "scripted")
        self._require_payable(facts)
        is_paid = step.outcome == Outcome.DO
        rows = [self._transactions.add(
            CASH_IN, **facts, partner=_public(body["partner"]), status="SUCCESS" if is_paid else "PENDING", step=step,
            channel="API", metadata=body.get("metadata"),
        ) for _ in range(step.times)]  # fmt: skip
        if step.code == "51":
            raise Refusal(500, "51", "the request is pending")
        return Response.of(200, {
            "transactionId": rows[0]["transaction_id"], "status": rows[0]["status"], "reference": facts["reference"],
            "requestId": f"1234.{rows[0]['id']}", "description": "ok",
        })  # fmt: skip

    def _require_partner(self, partner: Row) -> None:
        self._security.require_pin(partner.get("encryptedPinCode"))
        if partner.get("id") != self._store.setting("msisdn"):
            raise Refusal(403, "11", "not your account")

    def _require_payable(self, facts: Row) -> None:
        """Compare the customer's account and our balance with the amount. Raises: Refusal."""
        phone = f"{COUNTRY_CODE}{facts['phone']}"
        state = self._wallets.open(phone)["state"]
        if state in REFUSED_STATES:
            raise Refusal(400, REFUSED_STATES[state], f"the account {facts['phone']} takes no money")
        if self._wallets.balance(phone) + facts["amount"] > self._store.setting("most_held"):
            raise Refusal(400, "2025", "the account would hold too much")
        if self._wallets.balance(OURS) < facts["amount"]:
            raise Refusal(400, "2021", "the balance is too low")

    def _note_refused(self, facts: Row, step: Step) -> None:
        if self._store.setting("lists_refused"):
            self._transactions.add(
                CASH_IN, **facts, partner={}, status="FAILED", step=step, channel="API", reason=step.code
            )


def _body_of(request: Request) -> Row:
    try:
        body = request.json()
    except ValueError as unreadable:
        raise Refusal(400, "22", "invalid body") from unreadable
    if not isinstance(body, dict):
        raise Refusal(400, "22", "invalid body")
    return body


def _facts_in(body: Row) -> Row:
    """Return reference, phone and amount. Raises: Refusal."""
    for name in ("partner", "customer", "amount"):
        if not isinstance(body.get(name), dict):
            raise Refusal(400, "23", "missing", field=name)
    for name in ("partner", "customer"):
        account = body[name]
        if account.get("idType") != "MSISDN" or not NINE_DIGITS.fullmatch(str(account.get("id"))):
            raise Refusal(400, "24", "must be an MSISDN of nine digits", field=f"{name}.id")
        if account.get("walletType", WALLETS[0]) not in WALLETS:
            raise Refusal(400, "24", "unknown wallet", field=f"{name}.walletType")
    value, unit = body["amount"].get("value"), body["amount"].get("unit")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value < 1 or value != int(value) or unit != "XOF":
        raise Refusal(400, "24", "must be at least 1 XOF", field="amount")
    reference = body.get("reference", "")
    if not isinstance(reference, str) or len(reference) > LONGEST_REFERENCE:
        raise Refusal(400, "24", "at most 50 characters", field="reference")
    return {"reference": reference, "phone": body["customer"]["id"], "amount": int(value)}


def _public(partner: Row) -> Row:
    return {
        "id": partner["id"],
        "idType": partner["idType"],
        "walletType": partner.get("walletType", WALLETS[0]),
    }
