"""The simulated MTN as the common server needs it: its calls, what they do, its controls."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.mtn import answers, payments, security
from sandbox.mtn.pages import TITLE, Pages
from sandbox.mtn.payments import PARTIES, REQUEST, TRANSFER, UNKNOWN, AlreadyThere, Payments
from sandbox.mtn.security import Security, is_version_4
from sandbox.simulator import wallets, webhooks
from sandbox.simulator.dialect import Call, Request, Response
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets
from sandbox.simulator.webhooks import Webhooks

DEFAULTS: Row = {
    "target_environment": "mtnivorycoast", "currency": "XOF", "platform": "legacy", "token_seconds": 3600,
    "is_revoked": False, "callback_host": "", "callback_method": "PUT", "transfer_seconds": 0, "approval_seconds": 300,
    "expired_reason": "EXPIRED", "short_reason": "NOT_ENOUGH_FUNDS", "fee_francs": 0, "is_reason_text": False,
    "is_active_text": False, "is_balance_number": False,
}  # fmt: skip
POLL_SECONDS = 0.1
NOTE = re.compile(r"[A-Za-z0-9 ]{0,160}")
# Names of the calls, by product, method and what follows /v1_0/.
PATHS = {
    ("disbursement", "POST", "transfer"): TRANSFER,
    ("disbursement", "GET", "transfer/*"): "transfer_status",
    ("collection", "POST", "requesttopay"): REQUEST,
    ("collection", "GET", "requesttopay/*"): "requesttopay_status",
}
DEMO_PHONES = {
    "2250707000001": "Awa Kouassi", "2250707000002": "Moussa Traore", "2250707000003": "Fatou Diabate",
    "2250707000004": "Koffi Yao",
}  # fmt: skip


class MtnDialect:
    """MTN MoMo, one country. Amounts are whole francs, or whole euros in sandbox mode."""

    title = TITLE

    def __init__(self, folder: Path) -> None:
        tables = wallets.TABLES + webhooks.TABLES + security.TABLES + payments.TABLES
        self.store = Store(folder / "mtn.sqlite3", tables=tables, defaults=DEFAULTS)
        self._wallets, self._security = Wallets(self.store), Security(self.store)
        # MTN signs nothing, and tries once.
        self._webhooks = Webhooks(self.store, _unsigned, is_retried=False)
        self._payments = Payments(self.store, self._wallets, self._report)
        self._pages = Pages(self._payments, self._wallets)
        self.controls: Mapping[str, Callable[..., Any]] = {
            "top_up": self._wallets.top_up, "balance": self._balance_of, "complete": self._payments.decide,
            "paid": self._payments.paid_out, "pay_in": self._pay_in, "asked": self._asked, "remove": self._remove,
            "set_state": self._wallets.set_state, "webhooks": self._webhooks.sent,
            "webhooks_again": self._webhooks.send_again, "open_demo_phones": self._open_demo_phones,
        }  # fmt: skip
        threading.Thread(target=self._keep_settling, name="settling", daemon=True).start()

    # The interface of the server

    def call_of(self, request: Request) -> Call | None:
        parts = [part for part in request.path.split("/") if part]
        if "//" in request.path:
            return Call("malformed", refusal=answers.malformed("double slashes in the address"))
        if parts[:2] == ["v1_0", "apiuser"]:
            return self._provisioning(request, parts[2:])
        if len(parts) < 2 or parts[0] not in security.SUBSCRIPTIONS:
            return None
        product, *rest = parts
        if (request.method, rest) == ("POST", ["token"]):
            return Call("token", refusal=self._security.gateway_refusal(request, product))
        if rest[0] != "v1_0":
            return None
        return self._product_call(request, product, rest[1:])

    def perform(self, call: Call, request: Request, step: Step) -> Response:
        acts: Mapping[str, Callable[[], Response]] = {
            "token": lambda: self._security.issue_token(request, request.path.split("/")[1]),
            "create_user": lambda: self._security.create_user(request),
            "user": lambda: self._security.describe_user(call.reference),
            "create_key": lambda: self._security.create_key(call.reference),
            "balance": self._balance,
            "active": lambda: self._holder(call, step),
            "basicuserinfo": lambda: self._holder(call, step),
            TRANSFER: lambda: self._create(call, request, step),
            REQUEST: lambda: self._create(call, request, step),
            "transfer_status": lambda: self._status(call),
            "requesttopay_status": lambda: self._status(call),
        }
        return acts[call.name]()

    def error(self, status: int) -> Response:
        return answers.error(status)

    def page(self, request: Request) -> Response | None:
        return self._pages.answer(request)

    # Which call it is

    def _provisioning(self, request: Request, rest: list[str]) -> Call | None:
        refusal = self._security.gateway_refusal(request, "")
        match request.method, rest:
            case "POST", []:
                return Call("create_user", refusal=refusal)
            case "GET", [name]:
                return Call("user", name, refusal)
            case "POST", [name, "apikey"]:
                return Call("create_key", name, refusal)
            case _:
                return None

    def _product_call(self, request: Request, product: str, rest: list[str]) -> Call | None:
        refusal = self._security.refusal(request, product)
        if request.method == "GET" and rest[:2] == ["account", "balance"]:
            return Call("balance", refusal=refusal)
        if request.method == "GET" and rest[:1] == ["accountholder"] and len(rest) == 4:
            return Call(rest[3], rest[2], refusal) if rest[3] in ("active", "basicuserinfo") else None
        shape = "/".join([*rest[:1], *("*" for _ in rest[1:])])
        name = PATHS.get((product, request.method, shape))
        if name is None:
            return None
        reference = rest[1] if len(rest) > 1 else request.headers.get("x-reference-id", "")
        return Call(name, reference, refusal)

    # What it does

    def _create(self, call: Call, request: Request, step: Step) -> Response:
        """Take a payment; the second of two acts finds its reference used."""
        if step.outcome == Outcome.REFUSE and step.code.startswith("call:"):
            return answers.refused(step.code.removeprefix("call:"))
        try:
            body = request.json()
        except ValueError:
            return answers.malformed("the body is not JSON")
        if refused := self._refusal(call, request, body):
            return refused
        callback_url = request.headers.get("x-callback-url", "")
        for _ in range(step.times):
            try:
                self._payments.create(call.name, call.reference, body, callback_url=callback_url, step=step)
            except AlreadyThere:
                return answers.refused("RESOURCE_ALREADY_EXIST")
        return Response(202)

    def _refusal(self, call: Call, request: Request, body: Any) -> Response | None:
        """Return how a payment is refused at once, without being created; None if it is taken."""
        party = body.get(PARTIES[call.name]) if isinstance(body, dict) else None
        if not isinstance(party, dict) or party.get("partyIdType") != "MSISDN":
            return answers.malformed("a party is missing")
        if not is_version_4(call.reference):
            return answers.malformed("X-Reference-Id is not a version 4 UUID")
        texts = [str(body.get(name, "")) for name in ("payerMessage", "payeeNote")]
        if not all(NOTE.fullmatch(text) for text in texts) or not _is_amount(body.get("amount")):
            return answers.malformed("a note or the amount is not allowed")
        if body.get("currency") != self.store.setting("currency"):
            return answers.refused("INVALID_CURRENCY")
        url, host = request.headers.get("x-callback-url"), self.store.setting("callback_host")
        if url == "" or (url and host and urlsplit(url).hostname != host):
            return answers.refused("INVALID_CALLBACK_URL_HOST")
        return None

    def _status(self, call: Call) -> Response:
        found = self._payments.find(call.name.removesuffix("_status"), call.reference)
        return (
            Response.of(200, self._payments.document_of(found))
            if found
            else answers.refused("RESOURCE_NOT_FOUND")
        )

    def _balance(self) -> Response:
        held: Any = self._balance_of()
        shown = held if self.store.setting("is_balance_number") else str(held)
        return Response.of(200, {"availableBalance": shown, "currency": self.store.setting("currency")})

    def _holder(self, call: Call, step: Step) -> Response:
        if step.outcome == Outcome.REFUSE:
            return answers.refused(step.code)
        found = self._wallets.open(call.reference)
        if call.name == "active":
            is_active = found["state"] != UNKNOWN
            as_text = self.store.setting("is_active_text")
            return (
                Response(200, b"true" if is_active else b"false")
                if as_text
                else Response.of(200, {"result": is_active})
            )
        given, _, family = found["name"].partition(" ")
        return Response.of(
            200,
            {"sub": "0", "name": found["name"], "given_name": given, "family_name": family, "gender": "MALE"},
        )

    def _report(self, row: Row) -> None:
        """Announce a final state to the address that came with the payment."""
        document = self._payments.document_of(row) | {"referenceId": row["reference"]}
        self._webhooks.announce(row["callback_url"], document, method=self.store.setting("callback_method"))

    def _keep_settling(self) -> None:
        while True:
            with suppress(Exception):
                self._payments.settle_due()
            threading.Event().wait(POLL_SECONDS)

    # Controls

    def _balance_of(self, phone: str = OURS) -> int:
        return self._wallets.balance(phone)

    def _pay_in(self, reference: str, amount: int | None = None, phone: str = "") -> None:
        """Have a request paid; one that was paid cannot be paid again. Raises: LookupError."""
        row = self._payments.find(REQUEST, reference)
        if row is None:
            raise LookupError(f"no request {reference}")
        if row["status"] == payments.SUCCESSFUL:
            return
        if amount is not None:
            self._payments.set_amount(reference, amount)
        if phone:
            self.store.execute("UPDATE payments SET phone = ? WHERE reference = ?", phone, reference)
        self._payments.decide(reference, "")

    def _asked(self, reference: str) -> int:
        return self.store.total("SELECT amount FROM payments WHERE reference = ?", reference)

    def _remove(self, phone: str) -> None:
        """Have a phone without a wallet."""
        self._wallets.set_state(phone, UNKNOWN)

    def _open_demo_phones(self) -> None:
        for phone, name in DEMO_PHONES.items():
            self._wallets.open(phone, name)


def _unsigned(_body: bytes) -> Mapping[str, str]:
    return {}


def _is_amount(given: object) -> bool:
    return isinstance(given, str) and re.fullmatch(r"[1-9]\d*(\.0+)?", given) is not None
