"""The calls of the simulated Wave: their paths, keys, signatures and errors."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.simulator import wallets as wallet_tables
from sandbox.simulator import webhooks as webhook_tables
from sandbox.simulator.dialect import Call, Request, Response
from sandbox.simulator.script import Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets
from sandbox.simulator.webhooks import Webhooks
from sandbox.wave import checkout, pages, payouts, transactions
from sandbox.wave.checkout import SESSION_PATH, Checkout
from sandbox.wave.errors import CODES, Refusal, error_response
from sandbox.wave.payouts import Payouts
from sandbox.wave.transactions import Transactions

TABLES = "\n".join(
    module.TABLES for module in (wallet_tables, webhook_tables, payouts, checkout, transactions)
)
# `error_shape`: code, error, error_code, or payout for a refusal inside a payout with status 200. Secrets separated by
# commas are all used to sign a webhook, as while one is replaced by the next.
DEFAULTS: Row = {
    **payouts.DEFAULTS, **checkout.DEFAULTS,
    "api_key": "wave_sn_prod_pays", "checkout_api_key": "wave_sn_prod_collects", "signing_secret": "",
    "checkout_signing_secret": "", "webhook_secrets": "wave_sn_WHS_demo", "webhook_bearer": "",
    "error_shape": "code", "page_size": 100, "revoked_keys": [],
}  # fmt: skip
SIGNED_WITHIN_SECONDS = 300
PAYING = {"payout", "get_payout", "search", "reverse", "verify"}
EXACT: Mapping[tuple[str, str], str] = {
    ("POST", "/v1/payout"): "payout",
    ("GET", "/v1/payouts/search"): "search",
    ("POST", "/v1/verify_recipient"): "verify",
    ("POST", "/v1/verify_recipient/"): "verify",
    ("GET", "/v1/balance"): "balance",
    ("GET", "/v1/transactions"): "transactions",
    ("POST", "/v1/checkout/sessions"): "open",
    ("GET", "/v1/checkout/sessions"): "session_of_transaction",
    ("GET", "/v1/checkout/sessions/search"): "search_sessions",
}


class WaveDialect:
    """Wave, as the server of simulated partners needs it."""

    title = pages.TITLE

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "wave.sqlite3", tables=TABLES, defaults=DEFAULTS)
        self._wallets = Wallets(self.store)
        listed = Transactions(self.store, self._wallets)
        self._webhooks = Webhooks(self.store, self._sign)
        self._payouts = Payouts(self.store, self._wallets, listed)
        self._checkout = Checkout(self.store, self._wallets, listed, self._webhooks)
        self._transactions = listed
        self.controls: Mapping[str, Callable[..., Any]] = {
            "now": self.store.now,
            "top_up": self._wallets.top_up, "open_wallet": self._wallets.open, "set_state": self._wallets.set_state,
            "wallets": self._wallets.all, "balance": self._wallets.balance,
            "payouts": self._payouts.rows, "complete": self._payouts.complete, "reverse": self._payouts.reverse,
            "plant": self._payouts.plant, "sessions": self._checkout.all_rows,
            "pay_session": self._checkout.pay_reference, "fail_session": self._checkout.fail_reference,
            "webhooks": self._webhooks.sent, "send_webhooks_again": self._webhooks.send_again,
        }  # fmt: skip

    def call_of(self, request: Request) -> Call | None:
        """Return which call a request is, with the answer to a caller whose key or signature is wrong."""
        name = EXACT.get((request.method, request.path)) or _name_by_path(request)
        if name is None:
            return None
        return Call(name, _reference_in(request), self._refusal_of_caller(request, name))

    def perform(self, call: Call, request: Request, step: Step) -> Response:
        """Do a call in one transaction; a refusal changes nothing."""
        try:
            with self.store.transaction():
                return self._calls()[call.name](request, step)
        except Refusal as refusal:
            return error_response(refusal, self.store.setting("error_shape"))

    def error(self, status: int) -> Response:
        code = CODES.get(status, "internal-server-error")
        return error_response(Refusal(code), self.store.setting("error_shape"), status=status)

    def page(self, request: Request) -> Response | None:
        return pages.page(request, self._wallets, self._checkout)

    def _calls(self) -> Mapping[str, Callable[[Request, Step], Response]]:
        """Return what each call does; an id is a part of its path."""
        payouts, checkout = self._payouts, self._checkout
        return {
            "payout": payouts.pay,
            "search": lambda request, _: payouts.search(request.query.get("client_reference", "")),
            "get_payout": lambda request, _: payouts.read(request.path.split("/")[3]),
            "reverse": lambda request, _: payouts.reverse_by_api(request.path.split("/")[3]),
            "verify": lambda request, _: payouts.verify_recipient(request),
            "balance": lambda *_: self._balance(),
            "transactions": lambda request, _: self._transactions.page(request),
            "open": checkout.create,
            "search_sessions": lambda request, _: checkout.search(request.query.get("client_reference", "")),
            "session_of_transaction": lambda request, _: checkout.of_transaction(
                request.query.get("transaction_id", "")
            ),
            "expire_session": lambda request, _: checkout.expire(request.path.split("/")[4]),
            "get_session": lambda request, _: checkout.read(request.path.split("/")[4]),
        }

    def _balance(self) -> Response:
        return Response.of(200, {"amount": str(self._wallets.balance(OURS)), "currency": "XOF"})

    def _refusal_of_caller(self, request: Request, name: str) -> Response | None:
        try:
            self._require_key(request, name)
        except Refusal as refusal:
            return error_response(refusal, self.store.setting("error_shape"))
        return None

    def _require_key(self, request: Request, name: str) -> None:
        """Refuse a caller without a key for this call, or without its signature. Raises: Refusal."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise Refusal("missing-auth-header")
        if scheme != "Bearer" or not key:
            raise Refusal("invalid-auth")
        if key in self.store.setting("revoked_keys"):
            raise Refusal("api-key-revoked")
        if key == self.store.setting("api_key"):
            secret, is_allowed = (
                self.store.setting("signing_secret"),
                "session" not in name and name != "open",
            )
        elif key == self.store.setting("checkout_api_key"):
            secret, is_allowed = self.store.setting("checkout_signing_secret"), name not in PAYING
        else:
            raise Refusal("no-matching-api-key")
        if secret:
            self._require_signature(request, secret)
        if not is_allowed:
            raise Refusal("authorization-error")

    def _require_signature(self, request: Request, secret: str) -> None:
        header = request.headers.get("wave-signature", "")
        if not header:
            raise Refusal("missing-signature")
        parts = dict(part.partition("=")[::2] for part in header.split(","))
        timestamp = parts.get("t", "")
        digest = hmac.digest(secret.encode(), timestamp.encode() + request.body, "sha256").hex()
        is_fresh = (
            timestamp.isdigit()
            and abs(int(timestamp) - self.store.moment().timestamp()) <= SIGNED_WITHIN_SECONDS
        )
        if not is_fresh or not hmac.compare_digest(digest, parts.get("v1", "")):
            raise Refusal("invalid-auth")

    def _sign(self, body: bytes) -> Mapping[str, str]:
        """Return the headers of a webhook: signed with every secret, or the shared secret alone."""
        if bearer := self.store.setting("webhook_bearer"):
            return {"Authorization": f"Bearer {bearer}"}
        timestamp = str(int(self.store.moment().timestamp()))
        secrets = [one for one in self.store.setting("webhook_secrets").split(",") if one]
        digests = [hmac.digest(one.encode(), timestamp.encode() + body, "sha256").hex() for one in secrets]
        return {"Wave-Signature": ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])}


def _name_by_path(request: Request) -> str | None:
    """Return the name of a call whose path has an id."""
    parts = request.path.split("/")
    if request.path.startswith("/v1/payout/pt-"):
        names = {("GET", 4): "get_payout", ("POST", 5): "reverse"}
        return names.get((request.method, len(parts)))
    found = SESSION_PATH.fullmatch(request.path)
    if found is None:
        return None
    return {("GET", None): "get_session", ("POST", "/expire"): "expire_session"}.get(
        (request.method, found[2])
    )


def _reference_in(request: Request) -> str:
    """Return our reference in a call, by which it can be scripted; "" if it has none."""
    if "client_reference" in request.query:
        return request.query["client_reference"]
    try:
        body = request.json() if request.body else {}
    except ValueError:
        return ""
    return str(body.get("client_reference") or "") if isinstance(body, dict) else ""
