"""What the franc provider knows, in one SQLite file: each change is committed before it is answered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from tests.francs.steps import Step

Row = dict[str, Any]
# `is_fenced`: a payout that arrives after its `not_after` is refused. `is_idempotent`: one reference is paid once.
DEFAULTS: Row = {
    "account": "franc-1",
    "is_closed": False,
    "is_idempotent": True,
    "is_fenced": True,
    "fee_francs": 0,
    "fee_bps": 0,
    "frozen_at": None,
    "ahead_seconds": 0,
    "missing_wallets": [],
}
TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, call TEXT NOT NULL, reference TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, call TEXT NOT NULL, reference TEXT NOT NULL, step TEXT NOT NULL, remaining INTEGER NOT NULL,
    reached INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS payouts (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, phone TEXT NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL,
    status TEXT NOT NULL, code TEXT NOT NULL, created_at TEXT NOT NULL, visible_at TEXT NOT NULL, paid_at TEXT,
    reversed_at TEXT, returned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS payouts_by_reference ON payouts (reference);
CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, phone TEXT NOT NULL,
    expires_at TEXT NOT NULL, cancelled_at TEXT
);
CREATE TABLE IF NOT EXISTS receipts (
    id INTEGER PRIMARY KEY, reference TEXT NOT NULL, amount INTEGER NOT NULL, at TEXT NOT NULL,
    visible_at TEXT NOT NULL, listed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_reference ON receipts (reference);
CREATE TABLE IF NOT EXISTS top_ups (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, at TEXT NOT NULL);
"""


class Store:
    """The provider's file. All amounts are whole francs, all times UTC."""

    def __init__(self, file: Path) -> None:
        self._lock = RLock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does, or nothing of it. One block runs at a time; blocks may be nested."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._database.execute(sql, values)]

    def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; return the id of the row that it inserted, if it did."""
        with self.transaction():
            return int(self._database.execute(sql, values).lastrowid or 0)

    def insert(self, table: str, **columns: Any) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        return self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())

    def forget_everything(self) -> None:
        """Empty every table."""
        with self.transaction():
            for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self.execute(f"DELETE FROM {row['name']}")

    # Settings and the clock

    def setting(self, name: str) -> Any:
        """Return a setting. Raises: KeyError for an unknown one."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(found[0]["value"]) if found else DEFAULTS[name]

    def change_settings(self, changes: Row) -> None:
        """Change settings. Raises: KeyError for an unknown one."""
        with self.transaction():
            for name, value in changes.items():
                DEFAULTS[name]
                self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def now(self, *, later: timedelta = timedelta()) -> str:
        """Return the provider's time: the frozen or the real one, and what it is ahead."""
        frozen_at = self.setting("frozen_at")
        base = datetime.fromisoformat(frozen_at) if frozen_at else datetime.now(UTC)
        return text_of(base + timedelta(seconds=self.setting("ahead_seconds")) + later)

    # Scripted steps

    def add_step(self, *, call: str, step: Row, reference: str, times: int) -> int:
        return self.insert("steps", call=call, reference=reference, step=json.dumps(step), remaining=times)

    def take_step(self, call: str, reference: str) -> Step:
        """Count a call; return what was scripted for it, or else the usual step."""
        with self.transaction():
            self.insert("calls", call=call, reference=reference)
            due = self.rows(
                "SELECT * FROM steps WHERE call = ? AND reference IN ('', ?) AND remaining != 0 ORDER BY id LIMIT 1",
                call, reference,
            )  # fmt: skip
            if not due:
                return Step()
            self.execute("UPDATE steps SET remaining = remaining - 1 WHERE id = ?", due[0]["id"])
            return Step(**json.loads(due[0]["step"]), number=due[0]["id"])


def text_of(moment: datetime) -> str:
    """Return a moment as stored: texts compare as their moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
