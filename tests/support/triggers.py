"""Drop or add triggers for the length of a block, as a database administrator could."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

# MariaDB opens one table for this, and every table of the server where another column is compared.
_MYSQL = """
    SELECT trigger_name, CONCAT('CREATE TRIGGER ', trigger_name, ' ', action_timing, ' ', event_manipulation, ' ON ',
        event_object_table, ' FOR EACH ROW ', action_statement)
    FROM information_schema.triggers WHERE event_object_schema = DATABASE() AND event_object_table = %s
"""
_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"


@contextmanager
def without_triggers(connection: Any, tables: Iterable[str] | None = None) -> Iterator[None]:
    """Drop every trigger, or those of some tables, until the block ends.

    On MySQL and MariaDB this commits: use it in transactional tests.
    """
    with connection.cursor() as cursor:
        chosen = connection.introspection.table_names(cursor) if tables is None else tables
        triggers = [trigger for table in chosen for trigger in _triggers_of(cursor, connection.vendor, table)]
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql)


def _triggers_of(cursor: Any, vendor: str, table: str) -> list[tuple[str, str]]:
    """Return the names of a table's triggers, and the statements that create them."""
    cursor.execute(_MYSQL if vendor == "mysql" else _SQLITE, [table])
    return list(cursor.fetchall())


_REFUSE_MYSQL = "IF {when} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{table} takes no rows'; END IF"
_REFUSE_SQLITE = "WHEN {when} BEGIN SELECT RAISE(ABORT, '{table} takes no rows'); END"


@contextmanager
def refusing_inserts(connection: Any, table: str, *, when: str = "TRUE") -> Iterator[None]:
    """Make a table refuse new rows, or those where `when` holds, until the block ends.

    On MySQL and MariaDB this commits: use transactional tests.
    """
    refuse = (_REFUSE_MYSQL if connection.vendor == "mysql" else _REFUSE_SQLITE).format(
        table=table, when=when
    )
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER {table}_takes_none BEFORE INSERT ON {table} FOR EACH ROW {refuse}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {table}_takes_none")
