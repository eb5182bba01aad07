"""The rows that a fresh database holds (roles, the first fee schedule, ...), put back after a flush.

They are read right after the migrations, so a new data migration needs no change here.
"""

from typing import Any

from tests.support import flush
from tests.support.template import stored_columns

Rows = tuple[list[str], list[tuple[Any, ...]]]  # the columns' names, the rows
_remembered: dict[str, dict[str, Rows]] = {}  # by database alias, then by table


def remember(connection: Any) -> None:
    """Keep the rows of a database that has only been migrated."""
    _remembered[connection.alias] = {
        table: _rows(connection, table) for table in flush.tables_with_rows(connection)
    }


def restore(connection: Any) -> None:
    """Insert the remembered rows into a flushed database, with their keys."""
    quote = connection.ops.quote_name
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table, (columns, rows) in _remembered.get(connection.alias, {}).items():
            places = ", ".join(["%s"] * len(columns))
            names = ", ".join(map(quote, columns))
            cursor.executemany(f"INSERT INTO {quote(table)} ({names}) VALUES ({places})", rows)


def _rows(connection: Any, table: str) -> Rows:
    columns = stored_columns(connection, table)
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(map(quote, columns))} FROM {quote(table)}")
        return columns, [tuple(row) for row in cursor.fetchall()]
