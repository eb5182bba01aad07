"""The calls of the simulated Orange Money by name, and what a test or the demo controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.orange import callbacks, cash_ins, qr_codes, security, transactions
from sandbox.orange.answers import Refusal, error, money, problem
from sandbox.orange.callbacks import Callbacks
from sandbox.orange.cash_ins import CashIns
from sandbox.orange.pages import TITLE, Pages
from sandbox.orange.qr_codes import QrCodes
from sandbox.orange.security import Security
from sandbox.orange.transactions import COUNTRY_CODE, Transactions
from sandbox.simulator import wallets, webhooks
from sandbox.simulator.dialect import Call, Request, Response
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets

PATHS: Final = {
    ("POST", "/oauth/v1/token"): "token",
    ("GET", "/api/account/v1/publicKeys"): "public_key",
    ("POST", "/api/eWallet/v1/cashins"): "cash_in",
    ("GET", "/api/eWallet/v1/transactions"): "transactions",
    ("POST", "/api/eWallet/v1/account/retailer/balance"): "balance",
    ("GET", "/api/eWallet/v1/account"): "account",
    ("POST", "/api/eWallet/v4/qrcode"): "qr_code",
    ("POST", "/api/notification/v1/merchantcallback"): "register_callback",
    ("GET", "/api/notification/v1/merchantcallback"): "callbacks",
}
STATUS_PREFIX, STATUS_SUFFIX = "/api/eWallet/v1/transactions/", "/status"
ID_LENGTH: Final = 20
BALANCE_WALLETS: Final = ("principal", "salaire", "PRINCIPAL", "SALAIRE")
# Whom a newcomer sees on the page before anything was paid.
DEMO_PHONES: Final = {
    "+221771234567": "Awa Diop", "+221772345678": "Moussa Ndiaye", "+221783456789": "Fatou Sow",
    "+221774567890": "Ibrahima Fall",
}  # fmt: skip
DEMO_FLOAT_XOF: Final = 1_000_000


class OrangeDialect:
    """Orange Money Senegal with one application, one retailer account and one merchant code."""

    title = TITLE

    def __init__(self, folder: Path) -> None:
        parts = (security, cash_ins, qr_codes, callbacks)
        defaults = {name: value for part in parts for name, value in part.DEFAULTS.items()}
        tables = f"{wallets.TABLES}{webhooks.TABLES}{transactions.TABLES}{qr_codes.TABLES}"
        self.store = Store(folder / "orange.sqlite", tables=tables, defaults=defaults)
        self._wallets = Wallets(self.store)
        self._security = Security(folder, self.store)
        self._transactions = Transactions(self.store, self._wallets)
        self._callbacks = Callbacks(self.store)
        self._cash_ins = CashIns(self.store, self._wallets, self._transactions, self._security)
        self._codes = QrCodes(self.store, self._wallets, self._transactions, self._callbacks)
        self._pages = Pages(self._wallets, self._codes)
        self._scripted: Mapping[str, Callable[[Request, Step], Response]] = {
            "cash_in": self._cash_ins.pay, "qr_code": self._codes.make,
        }  # fmt: skip
        self._plain: Mapping[str, Callable[[Request], Response]] = {
            "token": self._security.issue_token, "public_key": self._security.public_key,
            "transactions": self._transactions.search, "status": self._status, "balance": self._balance,
            "account": self._account, "register_callback": self._callbacks.register,
            "callbacks": self._callbacks.listed,
        }  # fmt: skip
        self.controls: Mapping[str, Callable[..., Any]] = {
            "top_up": self._wallets.top_up, "open_wallet": self._wallets.open, "set_state": self._wallets.set_state,
            "wallets": self._wallets.all, "balance": self._wallets.balance,
            "paid_out": self._transactions.paid_out, "complete": self._transactions.end,
            "book_again": self._book_again, "pay_in": self._pay_in, "pay_code": self._codes.pay,
            "revoke_key": self._security.revoke_key, "revoke_tokens": self._security.revoke_tokens,
            "callbacks": self._callbacks.registered, "webhooks": self._callbacks.webhooks.sent,
            "send_again": self._callbacks.webhooks.send_again,
        }  # fmt: skip
        self._open_demo_phones()

    def call_of(self, request: Request) -> Call | None:
        name = PATHS.get((request.method, request.path))
        is_status = request.path.startswith(STATUS_PREFIX) and request.path.endswith(STATUS_SUFFIX)
        if name is None and not (is_status and request.method == "GET"):
            return None
        name = name or "status"
        if name == "token":
            return Call(name)
        return Call(name, _reference_in(name, request), self._security.refusal_of(request, name))

    def perform(self, call: Call, request: Request, step: Step) -> Response:
        with self.store.transaction():
            return self._performed(call, request, step)

    def error(self, status: int) -> Response:
        return error(status)

    def page(self, request: Request) -> Response | None:
        return self._pages.page(request)

    def _performed(self, call: Call, request: Request, step: Step) -> Response:
        """Do a call; what a refusal changed (the count of wrong PINs, a pending payment) stays."""
        if step.outcome == Outcome.REFUSE and call.name != "cash_in":
            return problem(
                cash_ins.STATUS_OF_CODE.get(step.code, 400), step.code, "scripted", path=request.path
            )
        try:
            if call.name in self._scripted:
                return self._scripted[call.name](request, step)
            return self._plain[call.name](request)
        except Refusal as refusal:
            return problem(
                refusal.status, refusal.code, refusal.detail, path=request.path, field=refusal.field
            )

    def _status(self, request: Request) -> Response:
        identifier = request.path.removeprefix(STATUS_PREFIX).removesuffix(STATUS_SUFFIX)
        if len(identifier) != ID_LENGTH:
            raise Refusal(400, "28", "must have 20 characters", field="transactionId")
        status = self._transactions.status_of(identifier)
        if status is None:
            raise Refusal(404, "60")
        return Response.of(200, {"status": status})

    def _balance(self, request: Request) -> Response:
        body = request.json()
        self._security.require_pin(body.get("encryptedPinCode"))
        if body.get("wallet", BALANCE_WALLETS[0]) not in BALANCE_WALLETS:
            raise Refusal(400, "24", "unknown wallet", field="wallet")
        if body.get("id") != self.store.setting("msisdn"):
            raise Refusal(403, "11", "not your account")
        return Response.of(200, money(self._wallets.balance(OURS)))

    def _account(self, request: Request) -> Response:
        phone = request.query.get("msisdn", "")
        if not phone:
            raise Refusal(400, "27", "missing", field="msisdn")
        wallet = self._wallets.open(f"{COUNTRY_CODE}{phone}")
        if wallet["state"] == "unknown":
            raise Refusal(400, "2000", f"Customer account {phone} does not exist")
        first, _, last = wallet["name"].partition(" ")
        return Response.of(200, {
            "userId": "PT000000.0000.000000", "firstName": first, "lastName": last, "msisdn": phone,
            "balance": money(self._wallets.balance(f"{COUNTRY_CODE}{phone}")), "frozenBalance": money(0),
            "grade": "Full", "suspended": "Yes" if wallet["state"] == "suspended" else "No",
            "barred": "Receiver" if wallet["state"] == "barred" else "No", "type": "customer",
        })  # fmt: skip

    def _pay_in(
        self, reference: str, phone: str = "", amount: int | None = None, currency: str = "",
        hidden_seconds: float = 0,
    ) -> str:  # fmt: skip
        return self._codes.pay_by_reference(reference, phone, amount, currency, hidden_seconds)

    def _book_again(self, reference: str, kind: str = "") -> None:
        """Book the first transaction of a reference once more, or one of another kind, as if it had been asked for."""
        row = self.store.rows("SELECT * FROM transactions WHERE reference = ?", reference)[0]
        self._transactions.add(
            kind or row["type"], reference=reference, phone=row["phone"], amount=row["amount"], partner={},
            status="SUCCESS", step=Step(), channel="API",
        )  # fmt: skip

    def _open_demo_phones(self) -> None:
        if self._wallets.all():
            return
        self._wallets.top_up(DEMO_FLOAT_XOF)
        for phone, name in DEMO_PHONES.items():
            self._wallets.open(phone, name)


def _reference_in(name: str, request: Request) -> str:
    """Return the reference by which a call can be scripted."""
    if name == "transactions":
        return request.query.get("reference", "")
    if name not in ("cash_in", "qr_code"):
        return ""
    try:
        body: Row = request.json()
        return str(body.get("reference", ""))
    except (ValueError, AttributeError):
        return ""
