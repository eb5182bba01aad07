"""What a simulated partner knows, in one SQLite file: each change is committed before it is answered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from sandbox.simulator.script import Step

Row = dict[str, Any]
# Every partner has these settings; `is_closed`: it refuses every call of its clients.
DEFAULTS: Row = {"is_closed": False, "frozen_at": None, "ahead_seconds": 0}
TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, call TEXT NOT NULL, reference TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, call TEXT NOT NULL, reference TEXT NOT NULL, step TEXT NOT NULL, remaining INTEGER NOT NULL,
    reached INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0
);
"""


class Store:
    """A partner's file. Amounts are whole francs, times UTC."""

    def __init__(self, file: Path, *, tables: str, defaults: Mapping[str, Any]) -> None:
        self._defaults = {**DEFAULTS, **defaults}
        self._lock = RLock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(TABLES + tables)

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

    def row(self, sql: str, *values: Any) -> Row | None:
        """Return the first row, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; return the id of the row that it inserted, if it did."""
        with self.transaction():
            return int(self._database.execute(sql, values).lastrowid or 0)

    def insert(self, table: str, **columns: Any) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        return self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())

    def total(self, sql: str, *values: Any) -> int:
        """Return the only number that a query gives; nothing counts as 0."""
        (row,) = self.rows(sql, *values)
        return int(next(iter(row.values())) or 0)

    def forget_everything(self) -> None:
        """Empty every table."""
        with self.transaction():
            for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self.execute(f"DELETE FROM {row['name']}")

    # Settings and the clock

    def setting(self, name: str) -> Any:
        """Return a setting. Raises: KeyError for an unknown one."""
        found = self.row("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(found["value"]) if found else self._defaults[name]

    def change_settings(self, changes: Row) -> None:
        """Change settings. Raises: KeyError for an unknown one."""
        with self.transaction():
            for name, value in changes.items():
                self._defaults[name]
                self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def now(self, *, later: timedelta = timedelta()) -> str:
        """Return the partner's time as text: the frozen or the real one, and what it is ahead."""
        return text_of(self.moment() + later)

    def moment(self) -> datetime:
        """Return the partner's time."""
        frozen_at = self.setting("frozen_at")
        base = datetime.fromisoformat(frozen_at) if frozen_at else datetime.now(UTC)
        return base + timedelta(seconds=self.setting("ahead_seconds"))

    # Scripted steps

    def add_step(self, *, call: str, step: Row, reference: str, times: int) -> int:
        return self.insert("steps", call=call, reference=reference, step=json.dumps(step), remaining=times)

    def take_step(self, call: str, reference: str) -> Step:
        """Count a call; return what was scripted for it, or else the usual step."""
        with self.transaction():
            self.insert("calls", call=call, reference=reference)
            due = self.row(
                "SELECT * FROM steps WHERE call = ? AND reference IN ('', ?) AND remaining != 0 ORDER BY id LIMIT 1",
                call, reference,
            )  # fmt: skip
            if due is None:
                return Step()
            self.execute("UPDATE steps SET remaining = remaining - 1 WHERE id = ?", due["id"])
            return Step(**{**json.loads(due["step"]), "number": due["id"]})


def text_of(moment: datetime) -> str:
    """Return a moment as stored: texts compare as their moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
