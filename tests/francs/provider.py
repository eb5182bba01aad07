"""The franc partner's own rules: payouts, collections, balance and statement. It acts; it knows no HTTP."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.simulator.script import USUAL, Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets
from sandbox.simulator.wallets import TABLES as WALLET_TABLES

API_KEY = "franc-key-0123456789"
BPS = 10_000
# `is_fenced`: a payout that arrives after its `not_after` is refused. `is_idempotent`: one reference is paid once.
DEFAULTS: Row = {
    "account": "franc-1",
    "api_key": API_KEY,
    "is_idempotent": True,
    "is_fenced": True,
    "fee_francs": 0,
    "fee_bps": 0,
    "missing_wallets": [],
}
# `asked` is the amount of the request; another one is shown and paid where that was scripted.
TABLES = f"""
{WALLET_TABLES}
CREATE TABLE IF NOT EXISTS payouts (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, phone TEXT NOT NULL, asked INTEGER NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, fee INTEGER NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL,
    created_at TEXT NOT NULL, visible_at TEXT NOT NULL, paid_at TEXT, reversed_at TEXT,
    returned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS payouts_by_reference ON payouts (reference);
CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, asked INTEGER NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, phone TEXT NOT NULL, expires_at TEXT NOT NULL, cancelled_at TEXT
);
CREATE TABLE IF NOT EXISTS receipts (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, at TEXT NOT NULL,
    visible_at TEXT NOT NULL, listed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_reference ON receipts (reference);
"""
KEY_REVOKED = "key_revoked"
# Payouts of these states have left the account, or will.
TAKEN = ("paid", "pending", "reversed")


class CallRefused(LookupError):
    """The call is refused: an HTTP status, a code, and further facts of the answer."""

    def __init__(self, status: int, code: str, **facts: str) -> None:
        super().__init__(status, code)
        self.status, self.answer = status, {"code": code, **facts}


class Provider:
    """The provider's calls, each in one transaction of its store. Amounts: whole francs."""

    def __init__(self, file: Path) -> None:
        self.store = Store(file, tables=TABLES, defaults=DEFAULTS)
        self.wallets = Wallets(self.store)

    # Payouts

    def pay_out(
        self, *, reference: str, phone: str, amount: int, not_after: str = "", step: Step = USUAL
    ) -> Row:
        """Pay a phone, once per reference if the provider is idempotent; a refused reference may be tried again."""
        _require(type(amount) is int and amount > 0 and bool(reference) and bool(phone), 422, "malformed")
        _require(step.code != KEY_REVOKED, 401, KEY_REVOKED)
        with self.store.transaction():
            is_late = self.store.setting("is_fenced") and not_after and self.store.now() > not_after
            _require(not is_late, 409, "too_late")
            known = self._payouts_of(reference, TAKEN) if self.store.setting("is_idempotent") else []
            if not known:
                return self._new_payout(reference, phone, amount, step)
            is_same = (known[0]["phone"], known[0]["asked"]) == (phone, amount)
            _require(is_same, 409, "reference_used_otherwise")
            return payout_facts(known[0])

    def complete(self, *, reference: str, code: str = "") -> Row:
        """Pay a pending payout, or refuse it with a code."""
        (row,) = self._payouts_of(reference, ("pending",))
        status, paid_at = ("refused", None) if code else ("paid", self.store.now())
        with self.store.transaction():
            self.store.execute(
                "UPDATE payouts SET status = ?, code = ?, paid_at = ? WHERE id = ?",
                status,
                code,
                paid_at,
                row["id"],
            )
            if not code:
                self.wallets.pay_out(row["phone"], row["amount"], fee=row["fee"], reference=reference)
        return payout_facts(self._payout(row["id"]))

    def reverse(self, *, reference: str, returned: int | None = None) -> Row:
        """Give back a paid payout: its amount, without the fee, unless another sum is named."""
        row = self._payouts_of(reference, ("paid",))[0]
        amount = row["amount"] if returned is None else returned
        with self.store.transaction():
            self.store.execute(
                "UPDATE payouts SET status = 'reversed', reversed_at = ?, returned = ? WHERE id = ?",
                self.store.now(), amount, row["id"],
            )  # fmt: skip
            self.wallets.move(row["phone"], -amount, kind="reversal", reference=reference)
            self.wallets.move(OURS, amount, kind="reversal", reference=reference)
        return payout_facts(self._payout(row["id"]))

    def payouts(self, reference: str) -> Row:
        """Return every payout of a reference that can be seen by now."""
        seen = self._visible(self._payouts_of(reference))
        _require(bool(seen), 404, "not_found", account=self.store.setting("account"))
        return {"account": self.store.setting("account"), "payouts": [payout_facts(row) for row in seen]}

    def recipient(self, phone: str) -> Row:
        """Return the name behind a phone."""
        _require(phone not in self.store.setting("missing_wallets"), 404, "no_such_wallet")
        return {"phone": phone, "name": f"Wallet {phone[-4:]}"}

    def fee_of(self, amount: int) -> int:
        """Return what a payout costs on top. Rounding: up."""
        in_proportion = -(-amount * int(self.store.setting("fee_bps")) // BPS)
        return int(self.store.setting("fee_francs")) + in_proportion

    def _new_payout(self, reference: str, phone: str, amount: int, step: Step) -> Row:
        fee, code = self.fee_of(amount), step.code if step.outcome == Outcome.REFUSE else ""
        if phone in self.store.setting("missing_wallets"):
            code = "no_such_wallet"
        elif not code and amount + fee > self.balance()["available"]:
            code = "insufficient_float"
        status = "refused" if code else "pending" if step.outcome == Outcome.ACCEPT else "paid"
        now, shown = self.store.now(), amount if step.amount is None else step.amount
        number = self.store.insert(
            "payouts", reference=reference, phone=phone, asked=amount, amount=shown, currency=step.currency or "XOF",
            fee=fee, status=status, code=code, created_at=now, paid_at=now if status == "paid" else None,
            visible_at=self._visible_from(step),
        )  # fmt: skip
        if status == "paid":
            self.wallets.pay_out(phone, shown, fee=fee, reference=reference)
        return payout_facts(self._payout(number))

    def _payout(self, number: int) -> Row:
        return self.store.rows("SELECT * FROM payouts WHERE id = ?", number)[0]

    def _payouts_of(self, reference: str, states: tuple[str, ...] = ()) -> list[Row]:
        found = self.store.rows("SELECT * FROM payouts WHERE reference = ? ORDER BY id", reference)
        return [row for row in found if not states or row["status"] in states]

    # Collections

    def open_collection(
        self, *, reference: str, amount: int, expires_in_seconds: int, phone: str = "", step: Step = USUAL
    ) -> Row:
        """Open a collection; the same reference returns the one that exists."""
        _require(type(amount) is int and amount > 0 and bool(reference), 422, "malformed")
        with self.store.transaction():
            _require(step.outcome != Outcome.REFUSE, 409, step.code)
            known = self.store.row("SELECT * FROM collections WHERE reference = ?", reference)
            if known is not None:
                _require(known["asked"] == amount, 409, "reference_used_otherwise")
            else:
                self.store.insert(
                    "collections", reference=reference, asked=amount, phone=phone,
                    amount=amount if step.amount is None else step.amount, currency=step.currency or "XOF",
                    expires_at=self.store.now(later=timedelta(seconds=expires_in_seconds)),
                )  # fmt: skip
            return self.collection(reference)

    def collection(self, reference: str) -> Row:
        """Return a collection with what was paid into it, as far as that can be seen by now."""
        row = self._collection(reference)
        paid = self._visible(
            self.store.rows("SELECT * FROM receipts WHERE reference = ? ORDER BY id", reference)
        )
        return {
            "account": self.store.setting("account"),
            "reference": reference,
            "amount": row["amount"],
            "currency": row["currency"],
            "received": sum(receipt["amount"] for receipt in paid),
            "status": self._status_of(row, sum(receipt["amount"] for receipt in paid)),
            "checkout_url": f"https://francs.example/pay/{row['id']}",
            "expires_at": row["expires_at"],
            "receipts": [_receipt_facts(receipt) for receipt in paid for _ in range(receipt["listed"])],
        }

    def cancel_collection(self, reference: str) -> Row:
        """Cancel a collection, unless it was paid in full."""
        with self.store.transaction():
            if self.collection(reference)["status"] == "open":
                self.store.execute(
                    "UPDATE collections SET cancelled_at = ? WHERE reference = ?", self.store.now(), reference
                )
            return self.collection(reference)

    def pay_in(self, *, reference: str, amount: int, listed: int = 1, hidden_seconds: float = 0) -> Row:
        """Have the payer pay any amount, whatever the collection's state; the provider may list it several times."""
        with self.store.transaction():
            asked = self._collection(reference)
            self.store.insert(
                "receipts", reference=reference, amount=amount, currency=asked["currency"], at=self.store.now(),
                listed=listed, visible_at=self._visible_from(Step(hidden_seconds=hidden_seconds)),
            )  # fmt: skip
            self.wallets.pay_in(asked["phone"] or "a payer", amount, reference=reference)
            return _receipt_facts(self.store.rows("SELECT * FROM receipts ORDER BY id DESC LIMIT 1")[0])

    def _collection(self, reference: str) -> Row:
        found = self.store.rows("SELECT * FROM collections WHERE reference = ?", reference)
        _require(bool(found), 404, "not_found", account=self.store.setting("account"))
        return found[0]

    def _status_of(self, row: Row, received: int) -> str:
        if received >= row["amount"]:
            return "paid"
        if row["cancelled_at"]:
            return "cancelled"
        return "expired" if self.store.now() >= row["expires_at"] else "open"

    # The account

    def top_up(self, *, amount: int) -> Row:
        """Add money to the account."""
        self.wallets.top_up(amount)
        return self.balance()

    def balance(self) -> Row:
        """Return what the account holds, and what of it can be paid out: pending payouts are reserved."""
        balance = self.wallets.balance(OURS)
        reserved = self.store.total("SELECT SUM(amount + fee) FROM payouts WHERE status = 'pending'")
        return {
            "account": self.store.setting("account"), "balance": balance, "available": balance - reserved,
        }  # fmt: skip

    def statement(self, *, after: int = 0, limit: int = 100) -> Row:
        """Return a page of payouts in any state, oldest first, and where the next page starts (None: no more)."""
        rows = self.store.rows("SELECT * FROM payouts WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        return {
            "payouts": [payout_facts(row) for row in self._visible(rows)],
            "next": rows[-1]["id"] if len(rows) == limit else None,
        }

    def record(self) -> Row:
        """Return everything, hidden or not: the truth that tests compare with."""
        payouts = self.store.rows("SELECT * FROM payouts ORDER BY id")
        receipts = self.store.rows("SELECT * FROM receipts ORDER BY id")
        return {
            "payouts": [payout_facts(row) for row in payouts],
            "receipts": [_receipt_facts(row) for row in receipts],
        }

    def _visible_from(self, step: Step) -> str:
        return self.store.now(later=timedelta(seconds=step.hidden_seconds))

    def _visible(self, rows: list[Row]) -> list[Row]:
        now = self.store.now()
        return [row for row in rows if row["visible_at"] <= now]


def payout_facts(row: Row) -> Row:
    """Return a payout as the provider shows it."""
    shown = ("reference", "phone", "amount", "currency", "fee", "status", "code", "created_at", "paid_at")
    reversal = {"id": f"FRR-{row['id']}", "amount": row["returned"], "at": row["reversed_at"]}
    return {
        "id": f"FR-{row['id']}",
        **{name: row[name] for name in shown},
        "reversal": reversal if row["reversed_at"] else None,
    }


def _receipt_facts(row: Row) -> Row:
    return {
        "id": f"FRC-{row['id']}",
        **{name: row[name] for name in ("reference", "amount", "currency", "at")},
    }


def _require(is_right: Any, status: int, code: str, **facts: str) -> None:
    if not is_right:
        raise CallRefused(status, code, **facts)
