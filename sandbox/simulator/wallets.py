"""The phones of a simulated partner and what each holds, in whole francs, and our own account there.

Our account is what came in (top-ups, payments of others) less what went out; a phone starts with pocket money, so that
members can pay.
"""

from __future__ import annotations

from sandbox.simulator.store import Row, Store

OURS = "ours"
POCKET_MONEY = 100_000
TABLES = """
CREATE TABLE IF NOT EXISTS wallets (phone TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS movements (
    id INTEGER PRIMARY KEY, phone TEXT NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL DEFAULT 0,
    kind TEXT NOT NULL, reference TEXT NOT NULL, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_by_phone ON movements (phone);
"""


class Wallets:
    """Phones, and our account. A phone that nobody opened exists, with its pocket money, once it is used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, phone: str, name: str = "", state: str = "") -> Row:
        """Open a phone's wallet, or return it; `state` is why it refuses money ("blocked"), empty for none."""
        with self._store.transaction():
            known = self._store.row("SELECT * FROM wallets WHERE phone = ?", phone)
            if known is None:
                self._store.insert("wallets", phone=phone, name=name or f"Wallet {phone[-4:]}", state=state)
                if phone != OURS:
                    self.move(phone, POCKET_MONEY, kind="pocket money", reference="")
        return self._store.rows("SELECT * FROM wallets WHERE phone = ?", phone)[0]

    def set_state(self, phone: str, state: str) -> None:
        """Have a wallet refuse money with this reason; empty: it accepts it again."""
        self.open(phone)
        self._store.execute("UPDATE wallets SET state = ? WHERE phone = ?", state, phone)

    def top_up(self, amount: int) -> int:
        """Add money to our account; return what it holds."""
        self.open(OURS, "our account")
        self.move(OURS, amount, kind="top-up", reference="")
        return self.balance(OURS)

    def move(self, phone: str, amount: int, *, kind: str, reference: str, fee: int = 0) -> None:
        """Book a change of one wallet, negative for what leaves it; a fee leaves it beside."""
        at = self._store.now()
        self._store.insert(
            "movements", phone=phone, amount=amount, fee=fee, kind=kind, reference=reference, at=at
        )

    def pay_out(self, phone: str, amount: int, *, fee: int, reference: str) -> None:
        """Pay a phone from our account, which also pays the fee."""
        with self._store.transaction():
            self.open(phone)
            self.move(OURS, -amount, kind="payout", reference=reference, fee=fee)
            self.move(phone, amount, kind="payout", reference=reference)

    def pay_in(self, phone: str, amount: int, *, reference: str, fee: int = 0) -> None:
        """Pay our account from a phone."""
        with self._store.transaction():
            self.open(phone)
            self.move(phone, -amount, kind="payment", reference=reference)
            self.move(OURS, amount, kind="payment", reference=reference, fee=fee)

    def balance(self, phone: str = OURS) -> int:
        return self._store.total("SELECT SUM(amount - fee) FROM movements WHERE phone = ?", phone)

    def all(self) -> list[Row]:
        """Return every wallet with what it holds and its movements, ours first."""
        found = self._store.rows("SELECT * FROM wallets ORDER BY phone != ?, phone", OURS)
        for row in found:
            row["balance"] = self.balance(row["phone"])
            row["movements"] = self._store.rows(
                "SELECT * FROM movements WHERE phone = ? ORDER BY id DESC LIMIT 20", row["phone"]
            )
        return found
