"""Transfers and requests to pay: taken once by their reference, decided later, reported by their status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.mtn.numbers import REASONS
from sandbox.simulator.script import Outcome, Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets

TRANSFER, REQUEST = "transfer", "requesttopay"
PENDING, SUCCESSFUL, FAILED = "PENDING", "SUCCESSFUL", "FAILED"
# Whose phone it is, as the documents name it.
PARTIES = {TRANSFER: "payee", REQUEST: "payer"}
NOT_FOUND = {TRANSFER: "PAYEE_NOT_FOUND", REQUEST: "PAYER_NOT_FOUND"}
UNKNOWN, BLOCKED = "unknown", "blocked"
TABLES = """
CREATE TABLE IF NOT EXISTS payments (
    reference TEXT PRIMARY KEY, kind TEXT NOT NULL, phone TEXT NOT NULL, amount INTEGER NOT NULL,
    shown_amount TEXT NOT NULL, currency TEXT NOT NULL, external_id TEXT NOT NULL, payer_message TEXT NOT NULL,
    payee_note TEXT NOT NULL, callback_url TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    number INTEGER, planned TEXT NOT NULL, due_at TEXT, visible_at TEXT NOT NULL, created_at TEXT NOT NULL
);
"""
# What is planned for a payment that is to succeed.
SUCCEED = ""


class AlreadyThere(Exception):
    """The reference was used before."""


class Payments:
    """Every transfer and request. `on_final` is called with each that was decided, in its transaction."""

    def __init__(self, store: Store, wallets: Wallets, on_final: Callable[[Row], None]) -> None:
        self._store, self._wallets, self._on_final = store, wallets, on_final

    def create(self, kind: str, reference: str, body: Row, *, callback_url: str, step: Step) -> None:
        """Take a payment. Raises: AlreadyThere."""
        phone, amount = str(body[PARTIES[kind]]["partyId"]), int(Decimal(body["amount"]))
        with self._store.transaction():
            if self._store.row("SELECT reference FROM payments WHERE reference = ?", reference):
                raise AlreadyThere
            planned, wait_seconds = self._plan(kind, phone, step)
            shown = str(step.amount) if step.amount is not None else str(body["amount"])
            if kind == REQUEST and step.amount is not None:
                amount = step.amount
            due_at = None if wait_seconds is None else self._store.now(later=timedelta(seconds=wait_seconds))
            self._store.insert(
                "payments", reference=reference, kind=kind, phone=phone, amount=amount, shown_amount=shown,
                currency=step.currency or body["currency"], external_id=str(body.get("externalId", "")),
                payer_message=str(body.get("payerMessage", "")), payee_note=str(body.get("payeeNote", "")),
                callback_url=callback_url, status=PENDING, planned=planned, due_at=due_at,
                visible_at=self._store.now(later=timedelta(seconds=step.hidden_seconds)), created_at=self._store.now(),
            )  # fmt: skip
        self.settle_due()

    def find(self, kind: str, reference: str) -> Row | None:
        """Return a payment as MTN shows it; None for one that it does not know, or does not show yet."""
        self.settle_due()
        found = self._store.row("SELECT * FROM payments WHERE reference = ? AND kind = ?", reference, kind)
        return found if found and found["visible_at"] <= self._store.now() else None

    def document_of(self, row: Row) -> dict[str, Any]:
        """Return the status of a payment, as it is answered and called back."""
        document: dict[str, Any] = {
            "amount": row["shown_amount"], "currency": row["currency"], "externalId": row["external_id"],
            PARTIES[row["kind"]]: {"partyIdType": "MSISDN", "partyId": row["phone"]},
            "payerMessage": row["payer_message"], "payeeNote": row["payee_note"], "status": row["status"],
        }  # fmt: skip
        if row["number"] is not None:
            document["financialTransactionId"] = str(row["number"])
        if row["reason"]:
            is_text = self._store.setting("is_reason_text")
            message = row["reason"].replace("_", " ").capitalize()
            document["reason"] = row["reason"] if is_text else {"code": row["reason"], "message": message}
        return document

    def settle_due(self) -> None:
        """Decide every payment whose time has come."""
        with self._store.transaction():
            for row in self._store.rows(
                "SELECT * FROM payments WHERE status = ? AND due_at <= ? ORDER BY due_at",
                PENDING,
                self._store.now(),
            ):
                self._decide(row, row["planned"])

    def decide(self, reference: str, reason: str) -> None:
        """Decide an open payment now; an empty reason: it succeeds. Raises: LookupError."""
        with self._store.transaction():
            row = self._store.row(
                "SELECT * FROM payments WHERE reference = ? AND status = ?", reference, PENDING
            )
            if row is None:
                raise LookupError(f"no open payment {reference}")
            self._decide(row, reason)

    def set_amount(self, reference: str, amount: int) -> None:
        """Have a payer pay another amount than was asked for."""
        self._store.execute(
            "UPDATE payments SET amount = ?, shown_amount = ? WHERE reference = ?",
            amount,
            str(amount),
            reference,
        )

    def open_requests(self) -> list[Row]:
        """Return the requests that wait for their payers, oldest first."""
        self.settle_due()
        return self._store.rows(
            "SELECT * FROM payments WHERE kind = ? AND status = ? ORDER BY created_at", REQUEST, PENDING
        )

    def paid_out(self) -> list[Row]:
        """Return every transfer that left our account, oldest first."""
        self.settle_due()
        return self._store.rows(
            "SELECT reference, phone, amount FROM payments WHERE kind = ? AND status = ? ORDER BY number",
            TRANSFER, SUCCESSFUL,
        )  # fmt: skip

    def _plan(self, kind: str, phone: str, step: Step) -> tuple[str, float | None]:
        """Return what becomes of a payment, and after how many seconds; None: when somebody decides."""
        if step.outcome == Outcome.REFUSE:
            return step.code, 0.0
        if step.outcome == Outcome.ACCEPT:
            return SUCCEED, None
        if self._store.setting("target_environment") == "sandbox":
            reason = REASONS[kind].get(phone, SUCCEED)
            return reason, None if phone in REASONS[kind] and not reason else 0.0
        if kind == TRANSFER:
            return SUCCEED, self._store.setting("transfer_seconds")
        return self._store.setting("expired_reason"), self._store.setting("approval_seconds")

    def _decide(self, row: Row, reason: str) -> None:
        reason = reason or self._refusal(row)
        if reason:
            self._store.execute(
                "UPDATE payments SET status = ?, reason = ? WHERE reference = ?",
                FAILED,
                reason,
                row["reference"],
            )
        else:
            self._pay(row)
        self._on_final(self._store.rows("SELECT * FROM payments WHERE reference = ?", row["reference"])[0])

    def _refusal(self, row: Row) -> str:
        """Return why the phone or our account cannot pay or be paid; "" if it can."""
        kind, state = row["kind"], self._wallets.open(row["phone"])["state"]
        if state == UNKNOWN:
            return NOT_FOUND[kind]
        if state == BLOCKED:
            return "PAYEE_NOT_ALLOWED_TO_RECEIVE" if kind == TRANSFER else "NOT_ALLOWED"
        payer = OURS if kind == TRANSFER else row["phone"]
        fee = self._fee() if kind == TRANSFER else 0
        if self._wallets.balance(payer) < row["amount"] + fee:
            return str(self._store.setting("short_reason"))
        return ""

    def _pay(self, row: Row) -> None:
        number = self._store.total("SELECT COALESCE(MAX(number), 363440462) + 1 FROM payments")
        self._store.execute(
            "UPDATE payments SET status = ?, number = ? WHERE reference = ?",
            SUCCESSFUL,
            number,
            row["reference"],
        )
        if row["kind"] == TRANSFER:
            self._wallets.pay_out(row["phone"], row["amount"], fee=self._fee(), reference=row["reference"])
        else:
            self._wallets.pay_in(row["phone"], row["amount"], reference=row["reference"])

    def _fee(self) -> int:
        return int(self._store.setting("fee_francs"))
