"""Payouts of the simulated Wave: one idempotency key moves money once, without a limit in time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any

from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets
from sandbox.wave.errors import Refusal
from sandbox.wave.transactions import Transactions, new_id, stamp

TABLES = """
CREATE TABLE IF NOT EXISTS payouts (
    id INTEGER PRIMARY KEY, payout_id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, body TEXT NOT NULL,
    reference TEXT NOT NULL, mobile TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    fee INTEGER NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL, at TEXT NOT NULL,
    visible_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payouts_by_key ON payouts (key);
CREATE INDEX IF NOT EXISTS payouts_by_reference ON payouts (reference);
CREATE TABLE IF NOT EXISTS name_checks (mobile TEXT NOT NULL, at TEXT NOT NULL);
"""
DEFAULTS: Row = {"fee_bps": 100, "recipient_limit": 2_000_000, "country_prefix": "+221", "states_fee": True}
AMOUNT, MOBILE = re.compile(r"[1-9][0-9]{0,11}"), re.compile(r"\+[1-9][0-9]{7,14}")
LONGEST_KEY, LONGEST_REFERENCE, LONGEST_REASON = 255, 255, 40
REVERSIBLE_FOR = timedelta(days=3)
NAME_CHECKS, NAME_WINDOW, NAME_BLOCK = 30, timedelta(minutes=5), timedelta(minutes=60)
ALIKE = 0.65
UNKNOWN_NAME = "Wallet "


class Payouts:
    """Rules about money that leaves our wallet."""

    def __init__(self, store: Store, wallets: Wallets, transactions: Transactions) -> None:
        self._store, self._wallets, self._transactions = store, wallets, transactions

    # What the API does

    def pay(self, request: Request, step: Step) -> Response:
        """Pay, or answer what became of the same request before. Raises: Refusal."""
        key = request.headers.get("idempotency-key", "")
        if not 0 < len(key) <= LONGEST_KEY:
            raise Refusal(
                "request-validation-error", "An 'Idempotency-Key' header is required for POST requests"
            )
        wanted, body = read_payout(request), sha256(request.body).hexdigest()
        known = self._store.row("SELECT * FROM payouts WHERE key = ? ORDER BY id LIMIT 1", key)
        if known is not None:
            if known["body"] != body:
                raise Refusal("idempotency-mismatch")
            return Response.of(200, self.shown(known))
        code = step.code if step.outcome == Outcome.REFUSE else self._refusal(wanted)
        if code and self._store.setting("error_shape") != "payout":
            raise Refusal(code)
        ids = [self._made(wanted, key, body, step, code) for _ in range(step.times)]
        return Response.of(200, self.shown(self._row(ids[0])))

    def read(self, payout_id: str) -> Response:
        return Response.of(200, self.shown(self._visible("payout_id", payout_id, must_exist=True)[0]))

    def search(self, reference: str) -> Response:
        found = self._visible("reference", reference, must_exist=False)
        return Response.of(200, {"result": [self.shown(row) for row in found]})

    def reverse_by_api(self, payout_id: str) -> Response:
        """Give a payout back within three days; once more changes nothing. Raises: Refusal."""
        row = self._visible("payout_id", payout_id, must_exist=True)[0]
        if row["status"] == "reversed":
            return Response(200)
        if row["status"] != "succeeded":
            raise Refusal("not-found")
        if self._store.moment() > datetime.fromisoformat(row["at"]) + REVERSIBLE_FOR:
            raise Refusal("payout-reversal-time-limit-exceeded")
        if self._wallets.balance(row["mobile"]) < row["amount"]:
            raise Refusal("insufficient-funds")
        self._give_back(row)
        return Response(200)

    def verify_recipient(self, request: Request) -> Response:
        """Answer whether a wallet may receive an amount, and whether a name is like its owner's. Raises: Refusal."""
        asked = read_object(request)
        mobile = asked.get("mobile")
        if not isinstance(mobile, str) or not MOBILE.fullmatch(mobile):
            raise Refusal("request-validation-error", "Invalid phone number.")
        amount, name = asked.get("amount"), asked.get("name")
        if name:
            self._count_name_check(mobile)
        limit = self._store.setting("recipient_limit")
        return Response.of(200, {
            "within_limits": None if amount is None else int(amount) <= limit,
            "name_match": self._name_match(mobile, name) if name else None,
            "national_id_match": None,
        })  # fmt: skip

    # What tests and the demo do

    def complete(self, reference: str, is_paid: bool, code: str = "recipient-account-inactive") -> None:
        """End a payout that is being processed."""
        row = self._store.row(
            "SELECT * FROM payouts WHERE reference = ? AND status = 'processing'", reference
        )
        if row is None:
            raise LookupError(reference)
        with self._store.transaction():
            if is_paid:
                self._move(row)
            status, because = ("succeeded", "") if is_paid else ("failed", code)
            self._store.execute(
                "UPDATE payouts SET status = ?, code = ? WHERE id = ?", status, because, row["id"]
            )

    def reverse(self, reference: str) -> None:
        """Give a paid payout back, as a person at Wave may do at any time."""
        row = self._store.row("SELECT * FROM payouts WHERE reference = ? AND status = 'succeeded'", reference)
        if row is None:
            raise LookupError(reference)
        with self._store.transaction():
            self._give_back(row)

    def plant(
        self, reference: str, mobile: str, amount: int, key: str = "", status: str = "succeeded"
    ) -> None:
        """Store a payout that nobody asked for: of another amount under our key, or a second one."""
        wanted = {"receive_amount": str(amount), "mobile": mobile, "client_reference": reference}
        with self._store.transaction():
            row_id = self._made(wanted, key or new_id("key-"), "planted", Step(outcome=Outcome.ACCEPT), "")
            if status == "succeeded":
                self._move(self._row(row_id))
            self._store.execute("UPDATE payouts SET status = ? WHERE id = ?", status, row_id)

    def rows(self) -> list[Row]:
        """Return every payout, oldest first."""
        return self._store.rows("SELECT * FROM payouts ORDER BY id")

    def shown(self, row: Row) -> Row:
        """Return a payout as Wave shows it."""
        found: dict[str, Any] = {
            "id": row["payout_id"], "currency": row["currency"], "receive_amount": str(row["amount"]),
            "fee": str(row["fee"]), "mobile": row["mobile"], "client_reference": row["reference"],
            "payment_reason": row["reason"], "status": row["status"], "timestamp": stamp(row["at"]),
        }  # fmt: skip
        if row["status"] == "failed":
            found["payout_error"] = {
                "error_code": row["code"], "error_message": row["code"].replace("-", " ").capitalize() + ".",
            }  # fmt: skip
        if not self._store.setting("states_fee"):
            del found["fee"]
        return found

    # Inside

    def _refusal(self, wanted: Row) -> str:
        """Return why a payout is refused; "" for no reason."""
        amount, mobile = int(wanted["receive_amount"]), wanted["mobile"]
        if not mobile.startswith(self._store.setting("country_prefix")):
            return "country-mismatch"
        state = self._wallets.open(mobile)["state"]
        if state:
            return str(state)
        if amount > self._store.setting("recipient_limit"):
            return "recipient-limit-exceeded"
        return "insufficient-funds" if self._wallets.balance(OURS) < amount + self._fee(amount) else ""

    def _made(self, wanted: Row, key: str, body: str, step: Step, code: str) -> int:
        """Store a payout, and move its money if it is paid; return its row's id."""
        amount = int(wanted["receive_amount"]) if step.amount is None else step.amount
        is_pending = step.outcome == Outcome.ACCEPT
        row_id = self._store.insert(
            "payouts", payout_id=new_id("pt-"), key=key, body=body, reference=wanted.get("client_reference") or "",
            mobile=wanted["mobile"], amount=amount, currency=step.currency or "XOF", fee=self._fee(amount),
            reason=wanted.get("payment_reason") or "",
            status="failed" if code else "processing" if is_pending else "succeeded", code=code,
            at=self._store.now(), visible_at=self._store.now(later=timedelta(seconds=step.hidden_seconds)),
        )  # fmt: skip
        if not code and not is_pending:
            self._move(self._row(row_id))
        return row_id

    def _move(self, row: Row) -> None:
        self._wallets.pay_out(row["mobile"], row["amount"], fee=row["fee"], reference=row["reference"])
        self._transactions.add(
            "api_payout", -row["amount"] - row["fee"], fee=row["fee"], reference=row["reference"],
            mobile=row["mobile"],
        )  # fmt: skip

    def _give_back(self, row: Row) -> None:
        """Take the money from the phone and return it with the fee."""
        self._wallets.move(row["mobile"], -row["amount"], kind="reversal", reference=row["reference"])
        self._wallets.move(OURS, row["amount"] + row["fee"], kind="reversal", reference=row["reference"])
        self._store.execute("UPDATE payouts SET status = 'reversed' WHERE id = ?", row["id"])
        self._transactions.add(
            "api_payout_reversal", row["amount"] + row["fee"], fee=-row["fee"], reference=row["reference"],
            mobile=row["mobile"],
        )  # fmt: skip

    def _fee(self, amount: int) -> int:
        return int(amount * self._store.setting("fee_bps") // 10_000)

    def _row(self, row_id: int) -> Row:
        return self._store.rows("SELECT * FROM payouts WHERE id = ?", row_id)[0]

    def _visible(self, column: str, value: str, *, must_exist: bool) -> list[Row]:
        found = self._store.rows(
            f"SELECT * FROM payouts WHERE {column} = ? AND visible_at <= ? ORDER BY id",
            value, self._store.now(),
        )  # fmt: skip
        if must_exist and not found:
            raise Refusal("not-found")
        return found

    def _count_name_check(self, mobile: str) -> None:
        """Count a check of a name; thirty in five minutes block the number for an hour. Raises: Refusal."""
        since = self._store.now(later=-NAME_BLOCK - NAME_WINDOW)
        rows = self._store.rows(
            "SELECT at FROM name_checks WHERE mobile = ? AND at > ? ORDER BY at", mobile, since
        )
        times = [datetime.fromisoformat(row["at"]) for row in rows]
        for first, last in zip(times, times[NAME_CHECKS - 1 :], strict=False):
            if last - first <= NAME_WINDOW and self._store.moment() - last <= NAME_BLOCK:
                raise Refusal("too-many-requests")
        self._store.insert("name_checks", mobile=mobile, at=self._store.now())

    def _name_match(self, mobile: str, name: str) -> str:
        known = self._store.row("SELECT name FROM wallets WHERE phone = ?", mobile)
        if known is None or known["name"].startswith(UNKNOWN_NAME):
            return "NAME_NOT_KNOWN"
        alike = SequenceMatcher(None, name.casefold(), known["name"].casefold()).ratio()
        return "MATCH" if alike >= ALIKE else "NO_MATCH"


def read_object(request: Request) -> Row:
    """Return the body as an object. Raises: Refusal."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal("request-not-json")
    try:
        found = request.json()
    except ValueError:
        raise Refusal("request-parsing-error") from None
    if not isinstance(found, dict):
        raise Refusal("request-parsing-error")
    return found


def read_payout(request: Request) -> Row:
    """Return the payout that is asked for. Raises: Refusal, which names the field."""
    wanted = read_object(request)
    require(wanted, "currency", lambda value: value == "XOF")
    require(wanted, "receive_amount", AMOUNT.fullmatch)
    require(wanted, "mobile", MOBILE.fullmatch)
    require(wanted, "client_reference", lambda value: len(value) <= LONGEST_REFERENCE, is_optional=True)
    require(wanted, "payment_reason", lambda value: len(value) <= LONGEST_REASON, is_optional=True)
    return wanted


def require(wanted: Row, name: str, is_valid: Any, *, is_optional: bool = False) -> None:
    """Refuse a field that is missing, no text, or not as described. Raises: Refusal."""
    value = wanted.get(name)
    if value is None and is_optional:
        return
    if not isinstance(value, str) or not is_valid(value):
        kind = "field required" if value is None else f"invalid {name}"
        details = [{"loc": [name], "msg": kind, "type": "value_error"}]
        raise Refusal("request-validation-error", "Request invalid", details)
