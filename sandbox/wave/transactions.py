"""What the simulated Wave lists of our wallet: each change of its balance."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.store import Row, Store
from sandbox.simulator.wallets import OURS, Wallets

TABLES = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL, type TEXT NOT NULL, amount INTEGER NOT NULL,
    fee INTEGER NOT NULL, balance INTEGER NOT NULL, reference TEXT NOT NULL, mobile TEXT NOT NULL,
    session_id TEXT NOT NULL, at TEXT NOT NULL
);
"""


def stamp(moment: str) -> str:
    """Return a stored moment as Wave writes it: UTC, whole seconds."""
    return moment[:19] + "Z"


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(6)}"


class Transactions:
    """The list of one wallet; `amount` is what its balance changed by, charges included."""

    def __init__(self, store: Store, wallets: Wallets) -> None:
        self._store, self._wallets = store, wallets

    def add(
        self, kind: str, change: int, *, fee: int, reference: str, mobile: str, session_id: str = ""
    ) -> str:
        """List a change of our balance that was booked just before; return its id."""
        transaction_id = new_id("T_").upper()
        self._store.insert(
            "transactions", transaction_id=transaction_id, type=kind, amount=change, fee=fee,
            balance=self._wallets.balance(OURS), reference=reference, mobile=mobile, session_id=session_id,
            at=self._store.now(),
        )  # fmt: skip
        return transaction_id

    def page(self, request: Request) -> Response:
        """Answer one page of a day, oldest first, with opaque cursors."""
        day = request.query.get("date") or self._store.now()[:10]
        after = _number(request.query.get("after", ""))
        size = min(int(request.query.get("first") or 1000), self._store.setting("page_size"))
        rows = self._store.rows(
            "SELECT * FROM transactions WHERE substr(at, 1, 10) = ? AND id > ? ORDER BY id LIMIT ?",
            day, after, size + 1,
        )  # fmt: skip
        shown = rows[:size]
        info = {
            "start_cursor": _cursor(after) if after else None,
            "end_cursor": _cursor(shown[-1]["id"]) if shown else None,
            "has_next_page": len(rows) > size,
        }
        return Response.of(
            200, {"page_info": info, "date": day, "items": [self._shown(row) for row in shown]}
        )

    def _shown(self, row: Row) -> Row:
        wallet = self._wallets.open(row["mobile"])
        found: dict[str, Any] = {
            "timestamp": stamp(row["at"]), "transaction_id": row["transaction_id"], "transaction_type": row["type"],
            "amount": str(row["amount"]), "fee": str(row["fee"]), "balance": str(row["balance"]), "currency": "XOF",
            "is_reversal": row["type"].endswith("_reversal"), "counterparty_name": wallet["name"],
            "counterparty_mobile": row["mobile"], "client_reference": row["reference"] or None,
        }  # fmt: skip
        if row["session_id"]:
            found["checkout_api_session_id"] = row["session_id"]
        return found


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"row:{number}".encode()).decode()


def _number(cursor: str) -> int:
    return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("row:")) if cursor else 0
