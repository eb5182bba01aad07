"""Storage of the simulated world: SQLite, one connection, one table per kind of row.

Rows are kept in memory; every change is written before it is published. Write-ahead logging with synchronous NORMAL
survives a kill of this process, which is its purpose; it need not survive a crash of the machine.
"""

import json
import sqlite3
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import GenericAlias
from typing import Any, TypeVar

from sandbox.lnd.rows import HtlcRow, InvoiceRow, NodeRow, PaymentRow, ScriptRow, SettingRow, TallyRow

Row = TypeVar("Row")

KEYS: dict[type, tuple[str, ...]] = {
    NodeRow: ("name",),
    PaymentRow: ("node", "payment_index"),
    HtlcRow: ("node", "attempt_id"),
    InvoiceRow: ("node", "payment_hash"),
    TallyRow: ("node", "payment_hash"),
    ScriptRow: ("id",),
    SettingRow: ("name",),
}
COLUMN_TYPES = {int: "INTEGER", str: "TEXT", bytes: "BLOB"}


class Store:
    """Save and load rows. Not thread safe: the caller holds the shared lock."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        for kind, key in KEYS.items():
            columns = ", ".join(f"{column.name} {_column_type(column.type)}" for column in fields(kind))
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {kind.__name__} ({columns}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID"
            )
            self._add_missing_columns(kind)

    def save(self, *rows: object) -> None:
        """Write all rows, new or changed, in one transaction."""
        execute = self._connection.execute
        execute("BEGIN")
        for row in rows:
            kind: Any = type(row)
            execute(_insert_of(kind), _values_of(row))
        execute("COMMIT")

    def remove(self, row: object) -> None:
        key = KEYS[type(row)]
        where = " AND ".join(f"{name} = ?" for name in key)
        statement = f"DELETE FROM {type(row).__name__} WHERE {where}"
        self._connection.execute(statement, [getattr(row, name) for name in key])

    def load(self, kind: type[Row]) -> list[Row]:
        columns = fields(kind)  # type: ignore[arg-type]
        names = ", ".join(column.name for column in columns)
        statement = f"SELECT {names} FROM {kind.__name__} ORDER BY {', '.join(KEYS[kind])}"
        found = self._connection.execute(statement)
        return [
            kind(*(_read(column.type, value) for column, value in zip(columns, row, strict=True)))
            for row in found
        ]

    def _add_missing_columns(self, kind: type) -> None:
        """Give the rows of a world that an earlier release stored the default of each newer column."""
        found = {row[1] for row in self._connection.execute(f"PRAGMA table_info({kind.__name__})")}
        for column in fields(kind):
            if column.name not in found:
                self._connection.execute(
                    f"ALTER TABLE {kind.__name__} ADD COLUMN {column.name} {_column_type(column.type)}"
                    f" NOT NULL DEFAULT {column.default!r}"
                )

    def close(self) -> None:
        self._connection.close()


def _column_type(annotation: Any) -> str:
    return "TEXT" if isinstance(annotation, GenericAlias) else COLUMN_TYPES[annotation]


@cache
def _insert_of(kind: type) -> str:
    names = [column.name for column in fields(kind)]
    return (
        f"INSERT OR REPLACE INTO {kind.__name__} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    )


def _values_of(row: Any) -> list[object]:
    return [json.dumps(value) if isinstance(value, dict | list) else value for value in vars(row).values()]


def _read(annotation: Any, value: Any) -> Any:
    return json.loads(value) if isinstance(annotation, GenericAlias) else value
