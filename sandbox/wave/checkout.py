"""Checkout sessions of the simulated Wave: each call opens another one, and a person pays it in a browser."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import Wallets
from sandbox.simulator.webhooks import Webhooks
from sandbox.wave.errors import Refusal
from sandbox.wave.payouts import AMOUNT, LONGEST_REFERENCE, MOBILE, read_object, require
from sandbox.wave.transactions import Transactions, new_id, stamp

TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, reference TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, success_url TEXT NOT NULL, error_url TEXT NOT NULL, only_mobile TEXT NOT NULL,
    base_url TEXT NOT NULL, status TEXT NOT NULL, payment TEXT NOT NULL, transaction_id TEXT NOT NULL,
    error_code TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, completed_at TEXT NOT NULL,
    visible_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_by_reference ON sessions (reference);
"""
# Wave's pages name 30 minutes and 24 hours.
DEFAULTS: Row = {
    "session_seconds": 30 * 60,
    "collect_fee_bps": 0,
    "webhook_url": "",
    "business_name": "SunuSàv",
}
ANY_PHONE = "+221770000009"
SESSION_PATH = re.compile(r"/v1/checkout/sessions/(cos-[0-9A-Za-z]+)(/expire|/refund)?")


class PaymentRefused(ValueError):
    """A person's payment did not work; the code is that of `last_payment_error`."""


class Checkout:
    """Rules about money that comes to our wallet."""

    def __init__(
        self, store: Store, wallets: Wallets, transactions: Transactions, webhooks: Webhooks
    ) -> None:
        self._store, self._wallets = store, wallets
        self._transactions, self._webhooks = transactions, webhooks

    # What the API does

    def create(self, request: Request, step: Step) -> Response:
        """Open a session. Raises: Refusal."""
        wanted = read_object(request)
        require(wanted, "amount", AMOUNT.fullmatch)
        require(wanted, "currency", lambda value: value == "XOF")
        require(wanted, "success_url", self._is_usable_url)
        require(wanted, "error_url", self._is_usable_url)
        require(wanted, "client_reference", lambda value: len(value) <= LONGEST_REFERENCE, is_optional=True)
        require(wanted, "restrict_payer_mobile", MOBILE.fullmatch, is_optional=True)
        if step.outcome == Outcome.REFUSE:
            raise Refusal(step.code)
        base_url = f"http://{request.headers.get('host', '127.0.0.1')}"
        ids = [self._made(wanted, base_url, step) for _ in range(step.times)]
        return Response.of(200, self.shown(self._row(ids[0])))

    def search(self, reference: str) -> Response:
        return self._list("reference", reference)

    def of_transaction(self, transaction_id: str) -> Response:
        found = self._rows("transaction_id", transaction_id) if transaction_id else []
        if not found:
            raise Refusal("checkout-session-not-found")
        return Response.of(200, self.shown(found[0]))

    def read(self, session_id: str) -> Response:
        return Response.of(200, self.shown(self.row(session_id)))

    def expire(self, session_id: str) -> Response:
        """End an open session. Raises: Refusal, with status 409 for one that is complete or expired."""
        row = self.row(session_id)
        if row["status"] != "open":
            raise Refusal("checkout-session-ended")
        self._store.execute(
            "UPDATE sessions SET status = 'expired', payment = 'cancelled', completed_at = ? WHERE id = ?",
            self._store.now(), row["id"],
        )  # fmt: skip
        return Response(200)

    # What people, tests and the demo do

    def row(self, session_id: str) -> Row:
        """Return a session. Raises: Refusal."""
        found = self._rows("session_id", session_id)
        if not found:
            raise Refusal("checkout-session-not-found")
        return found[0]

    def pay(self, session_id: str, phone: str, *, amount: int | None = None) -> Row:
        """Pay a session from a phone, and announce it. Raises: PaymentRefused, also announced."""
        with self._store.transaction():
            row = self.row(session_id)
            code = self._refusal(row, phone, amount)
            if code:
                self._fail(row, code)
            else:
                self._complete(row, phone, row["amount"] if amount is None else amount)
        if code:
            raise PaymentRefused(code)
        return self.row(session_id)

    def pay_reference(self, reference: str, amount: int | None = None, phone: str = "") -> None:
        """Pay a request, once more each time: one that was paid before by another session of the same reference."""
        rows = self._all("reference", reference)
        if not rows:
            raise LookupError(reference)
        open_ones = [row for row in rows if row["status"] == "open"]
        session_id = open_ones[0]["session_id"] if open_ones else self._again(rows[0])
        self.pay(session_id, phone or rows[0]["only_mobile"] or ANY_PHONE, amount=amount)

    def fail_reference(self, reference: str, code: str = "insufficient-funds") -> None:
        """Have a person's payment not work, and announce it."""
        with self._store.transaction():
            rows = [row for row in self._all("reference", reference) if row["status"] == "open"]
            if not rows:
                raise LookupError(reference)
            self._fail(rows[0], code)

    def all_rows(self) -> list[Row]:
        """Return every session, oldest first."""
        return [self._current(row) for row in self._store.rows("SELECT * FROM sessions ORDER BY id")]

    def shown(self, row: Row) -> Row:
        """Return a session as Wave shows it."""
        error = {"code": row["error_code"], "message": "The payment failed."} if row["error_code"] else None
        found: dict[str, Any] = {
            "id": row["session_id"], "amount": str(row["amount"]), "checkout_status": row["status"],
            "client_reference": row["reference"] or None, "currency": row["currency"], "error_url": row["error_url"],
            "success_url": row["success_url"], "last_payment_error": error,
            "business_name": self._store.setting("business_name"), "payment_status": row["payment"],
            "wave_launch_url": f"{row['base_url']}/c/{row['session_id']}",
            "when_completed": stamp(row["completed_at"]) if row["completed_at"] else None,
            "when_created": stamp(row["created_at"]), "when_expires": stamp(row["expires_at"]),
        }  # fmt: skip
        if row["transaction_id"]:
            found["transaction_id"] = row["transaction_id"]
        if row["only_mobile"]:
            found["restrict_payer_mobile"] = row["only_mobile"]
        return found

    # Inside

    def _made(self, wanted: Row, base_url: str, step: Step) -> int:
        seconds = self._store.setting("session_seconds")
        return self._store.insert(
            "sessions", session_id=new_id("cos-"), reference=wanted.get("client_reference") or "",
            amount=int(wanted["amount"]) if step.amount is None else step.amount, currency=step.currency or "XOF",
            success_url=wanted["success_url"], error_url=wanted["error_url"],
            only_mobile=wanted.get("restrict_payer_mobile") or "", base_url=base_url, status="open",
            payment="processing", transaction_id="", error_code="", created_at=self._store.now(),
            expires_at=self._store.now(later=timedelta(seconds=seconds)), completed_at="",
            visible_at=self._store.now(later=timedelta(seconds=step.hidden_seconds)),
        )  # fmt: skip

    def _again(self, row: Row) -> str:
        """Open one more session like another: a payer may have been given two."""
        wanted = {
            "amount": str(row["amount"]), "client_reference": row["reference"], "success_url": row["success_url"],
            "error_url": row["error_url"], "restrict_payer_mobile": row["only_mobile"],
        }  # fmt: skip
        made = self._row(self._made(wanted, row["base_url"], Step(currency=row["currency"])))
        return str(made["session_id"])

    def _refusal(self, row: Row, phone: str, amount: int | None) -> str:
        """Return why a person cannot pay; "" for no reason."""
        if row["status"] != "open":
            return "payment-failure"
        if row["only_mobile"] not in ("", phone):
            return "payer-mobile-mismatch"
        wallet = self._wallets.open(phone)
        if wallet["state"]:
            return "blocked-account"
        wanted = row["amount"] if amount is None else amount
        return "insufficient-funds" if self._wallets.balance(phone) < wanted else ""

    def _complete(self, row: Row, phone: str, amount: int) -> None:
        fee = amount * self._store.setting("collect_fee_bps") // 10_000
        self._wallets.pay_in(phone, amount, reference=row["reference"], fee=fee)
        transaction_id = self._transactions.add(
            "api_checkout", amount - fee, fee=fee, reference=row["reference"], mobile=phone,
            session_id=row["session_id"],
        )  # fmt: skip
        self._store.execute(
            "UPDATE sessions SET status = 'complete', payment = 'succeeded', amount = ?, transaction_id = ?,"
            " error_code = '', completed_at = ? WHERE id = ?",
            amount, transaction_id, self._store.now(), row["id"],
        )  # fmt: skip
        self._announce("checkout.session.completed", self._row(row["id"]))

    def _fail(self, row: Row, code: str) -> None:
        self._store.execute("UPDATE sessions SET error_code = ? WHERE id = ?", code, row["id"])
        self._announce("checkout.session.payment_failed", self._row(row["id"]))

    def _announce(self, kind: str, row: Row) -> None:
        event = {"id": new_id("EV_"), "type": kind, "data": self.shown(row)}
        self._webhooks.announce(self._store.setting("webhook_url"), event)

    def _is_usable_url(self, url: str) -> bool:
        """Return whether payers may be sent there: Wave wants https; the demo's own pages are on this machine."""
        address = urlsplit(url)
        return address.scheme == "https" or address.hostname in ("localhost", "127.0.0.1")

    def _list(self, column: str, value: str) -> Response:
        return Response.of(200, {"result": [self.shown(row) for row in self._rows(column, value)]})

    def _rows(self, column: str, value: str) -> list[Row]:
        return [row for row in self._all(column, value) if row["visible_at"] <= self._store.now()]

    def _all(self, column: str, value: str) -> list[Row]:
        found = self._store.rows(f"SELECT * FROM sessions WHERE {column} = ? ORDER BY id", value)
        return [self._current(row) for row in found]

    def _row(self, row_id: int) -> Row:
        return self._current(self._store.rows("SELECT * FROM sessions WHERE id = ?", row_id)[0])

    def _current(self, row: Row) -> Row:
        """Return a session with what time has made of it."""
        if row["status"] == "open" and row["expires_at"] <= self._store.now():
            return {**row, "status": "expired", "payment": "cancelled"}
        return row
