"""What was paid, in and out: rows under the caller's reference, which is not unique, and the search for them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sandbox.orange.answers import money
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.script import Step
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import Wallets

TABLES: Final = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, reference TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, phone TEXT NOT NULL, partner TEXT NOT NULL, status TEXT NOT NULL,
    status_reason TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, shown_from TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_by_reference ON transactions (reference);
"""
CASH_IN, MERCHANT_PAYMENT = "CASHIN", "MERCHANT_PAYMENT"
COUNTRY_CODE: Final = "+221"
LONGEST_PAGE: Final = 500


class Transactions:
    """The transactions of our account. A phone has nine digits here, and its country code in its wallet."""

    def __init__(self, store: Store, wallets: Wallets) -> None:
        self._store, self._wallets = store, wallets

    def add(
        self, kind: str, *, reference: str, phone: str, amount: int, partner: Row, status: str, step: Step,
        channel: str, metadata: Row | None = None, reason: str = "",
    ) -> Row:  # fmt: skip
        """Store a transaction; one that succeeded moves the money."""
        now = self._store.now()
        identifier = self._new_id("CI" if kind == CASH_IN else "MP")
        paid = amount if step.amount is None else step.amount
        self._store.insert(
            "transactions", transaction_id=identifier, type=kind, reference=reference, amount=paid,
            currency=step.currency or "XOF", phone=phone, partner=json.dumps(partner), status=status,
            status_reason=reason, channel=channel, metadata=json.dumps(metadata or {}), created_at=now,
            updated_at=now, shown_from=self._store.now(later=timedelta(seconds=step.hidden_seconds)),
        )  # fmt: skip
        row = self.row(identifier)
        if status == "SUCCESS":
            self._move(row)
        return row

    def end(self, reference: str, *, is_paid: bool) -> None:
        """End every pending transaction of a reference."""
        with self._store.transaction():
            for row in self._store.rows(
                "SELECT * FROM transactions WHERE reference = ? AND status = 'PENDING'", reference
            ):
                self._store.execute(
                    "UPDATE transactions SET status = ?, updated_at = ? WHERE id = ?",
                    "SUCCESS" if is_paid else "FAILED", self._store.now(), row["id"],
                )  # fmt: skip
                if is_paid:
                    self._move(row)

    def row(self, transaction_id: str) -> Row:
        return self._store.rows("SELECT * FROM transactions WHERE transaction_id = ?", transaction_id)[0]

    def search(self, request: Request) -> Response:
        """Answer a search as Orange does live: one by type finds nothing, and the bounds of time are exclusive."""
        query = request.query
        if query.get("type"):
            return Response.of(200, [])
        page, size = int(query.get("page", 0)), min(int(query.get("size", 20)), LONGEST_PAGE)
        found = self._store.rows(
            "SELECT * FROM transactions WHERE shown_from <= ? AND (? = '' OR reference = ?)"
            " AND (? = '' OR status = ?) AND (? = '' OR transaction_id = ?)"
            " AND created_at > ? AND created_at < ? ORDER BY id DESC LIMIT ? OFFSET ?",
            self._store.now(), *_twice(query, "reference"), *_twice(query, "status"),
            *_twice(query, "transactionId"), _bound(query.get("fromDateTime"), "0"),
            _bound(query.get("toDateTime"), "9"), size, page * size,
        )  # fmt: skip
        return Response.of(200, [shown(row) for row in found])

    def status_of(self, transaction_id: str) -> str | None:
        """Return the status of a transaction; None for an unknown one."""
        found = self._store.row(
            "SELECT * FROM transactions WHERE transaction_id = ? AND shown_from <= ?",
            transaction_id, self._store.now(),
        )  # fmt: skip
        return found["status"] if found else None

    def paid_out(self) -> list[Row]:
        """Return what left our account."""
        return self._store.rows(
            "SELECT * FROM transactions WHERE type = ? AND status = 'SUCCESS' ORDER BY id", CASH_IN
        )

    def _move(self, row: Row) -> None:
        phone, reference = f"{COUNTRY_CODE}{row['phone']}", row["reference"]
        if row["type"] == CASH_IN:
            self._wallets.pay_out(phone, row["amount"], fee=0, reference=reference)
        else:
            self._wallets.pay_in(phone, row["amount"], reference=reference)

    def _new_id(self, prefix: str) -> str:
        moment = self._store.moment()
        return f"{prefix}{moment:%y%m%d}.{moment:%H%M}.{secrets.token_hex(3).upper()}"


def shown(row: Row) -> Row:
    """Return a transaction as the search lists it; Orange adds members of its own to the metadata."""
    partner = json.loads(row["partner"])
    metadata = {**json.loads(row["metadata"]), "notification.dispatched": "true"}
    listed = {
        "amount": money(row["amount"], row["currency"]), "requestDate": _millis(row["created_at"]),
        "reference": row["reference"], "metadata": metadata, "receiveNotification": True, "partner": partner,
        "customer": {"id": row["phone"], "idType": "MSISDN", "walletType": "PRINCIPAL"}, "type": row["type"],
        "transactionId": row["transaction_id"], "createdAt": _millis(row["created_at"]),
        "updatedAt": _millis(row["updated_at"]), "channel": row["channel"], "status": row["status"],
    }  # fmt: skip
    return listed | ({"statusReason": row["status_reason"]} if row["status_reason"] else {})


def _twice(query: Mapping[str, str], name: str) -> tuple[Any, Any]:
    return query.get(name, ""), query.get(name, "")


def _bound(given: str | None, otherwise: str) -> str:
    if not given:
        return otherwise
    return datetime.fromisoformat(given).astimezone(UTC).isoformat(timespec="microseconds")


def _millis(at: str) -> str:
    return f"{at[:23]}Z"
