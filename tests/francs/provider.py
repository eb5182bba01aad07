"""The franc provider's own rules: payouts, collections, balance and statement. It acts; it knows no HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.francs.steps import Outcome, Step
from tests.francs.store import Row, Store

USUAL = Step()
BPS = 10_000
# Payouts of these states have left the account, or will.
TAKEN = ("paid", "pending", "reversed")


class CallRefused(Exception):
    """The call is refused: an HTTP status, a code, and further facts of the answer."""

    def __init__(self, status: int, code: str, **facts: str) -> None:
        super().__init__(status, code)
        self.status, self.answer = status, {"code": code, **facts}


class Provider:
    """The provider's calls, each in one transaction of its store. Amounts: whole francs."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # Payouts

    def pay_out(
        self, *, reference: str, phone: str, amount: int, not_after: str = "", step: Step = USUAL
    ) -> Row:
        """Pay a phone, once per reference if the provider is idempotent; a refused reference may be tried again."""
        _require(type(amount) is int and amount > 0 and bool(reference) and bool(phone), 422, "malformed")
        with self.store.transaction():
            is_late = self.store.setting("is_fenced") and not_after and self.store.now() > not_after
            _require(not is_late, 409, "too_late")
            known = self._payouts_of(reference, TAKEN) if self.store.setting("is_idempotent") else []
            if not known:
                return self._new_payout(reference, phone, amount, step)
            asked = (known[0]["phone"], known[0]["amount"]) == (phone, amount)
            _require(asked, 409, "reference_used_otherwise")
            return payout_facts(known[0])

    def complete(self, *, reference: str, code: str = "") -> Row:
        """Pay a pending payout, or refuse it with a code."""
        (row,) = self._payouts_of(reference, ("pending",))
        status, paid_at = ("refused", None) if code else ("paid", self.store.now())
        self.store.execute(
            "UPDATE payouts SET status = ?, code = ?, paid_at = ? WHERE id = ?",
            status,
            code,
            paid_at,
            row["id"],
        )
        return payout_facts(self._payout(row["id"]))

    def reverse(self, *, reference: str, returned: int | None = None) -> Row:
        """Give back a paid payout: its amount, without the fee, unless another sum is named."""
        row = self._payouts_of(reference, ("paid",))[0]
        self.store.execute(
            "UPDATE payouts SET status = 'reversed', reversed_at = ?, returned = ? WHERE id = ?",
            self.store.now(), row["amount"] if returned is None else returned, row["id"],
        )  # fmt: skip
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
        now = self.store.now()
        number = self.store.insert(
            "payouts", reference=reference, phone=phone, amount=amount, fee=fee, status=status, code=code,
            created_at=now, paid_at=now if status == "paid" else None, visible_at=self._visible_from(step),
        )  # fmt: skip
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
            known = self.store.rows("SELECT * FROM collections WHERE reference = ?", reference)
            if known:
                _require(known[0]["amount"] == amount, 409, "reference_used_otherwise")
            else:
                self.store.insert(
                    "collections", reference=reference, amount=amount, phone=phone,
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
            self._collection(reference)
            self.store.insert(
                "receipts", reference=reference, amount=amount, at=self.store.now(), listed=listed,
                visible_at=self._visible_from(Step(hidden_seconds=hidden_seconds)),
            )  # fmt: skip
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
        self.store.insert("top_ups", amount=amount, at=self.store.now())
        return self.balance()

    def balance(self) -> Row:
        """Return what the account holds, and what of it can be paid out: pending payouts are reserved."""
        balance = self._sum("SELECT SUM(amount) AS total FROM top_ups")
        balance += self._sum("SELECT SUM(amount) AS total FROM receipts")
        balance += self._sum("SELECT SUM(returned) AS total FROM payouts")
        balance -= self._sum("SELECT SUM(amount + fee) AS total FROM payouts WHERE paid_at IS NOT NULL")
        reserved = self._sum("SELECT SUM(amount + fee) AS total FROM payouts WHERE status = 'pending'")
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

    def _sum(self, sql: str) -> int:
        return int(self.store.rows(sql)[0]["total"] or 0)

    def _visible_from(self, step: Step) -> str:
        return self.store.now(later=timedelta(seconds=step.hidden_seconds))

    def _visible(self, rows: list[Row]) -> list[Row]:
        now = self.store.now()
        return [row for row in rows if row["visible_at"] <= now]


def payout_facts(row: Row) -> Row:
    """Return a payout as the provider shows it."""
    shown = ("reference", "phone", "amount", "fee", "status", "code", "created_at", "paid_at")
    reversal = {"id": f"FRR-{row['id']}", "amount": row["returned"], "at": row["reversed_at"]}
    return {
        "id": f"FR-{row['id']}",
        **{name: row[name] for name in shown},
        "reversal": reversal if row["reversed_at"] else None,
    }


def _receipt_facts(row: Row) -> Row:
    return {"id": f"FRC-{row['id']}", **{name: row[name] for name in ("reference", "amount", "at")}}


def _require(is_right: Any, status: int, code: str, **facts: str) -> None:
    if not is_right:
        raise CallRefused(status, code, **facts)
