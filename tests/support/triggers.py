"""Drop or add triggers for the length of a block, as a database administrator could."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MYSQL = """
    SELECT trigger_name, CONCAT('CREATE TRIGGER ', trigger_name, ' ', action_timing, ' ', event_manipulation, ' ON ',
        event_object_table, ' FOR EACH ROW ', action_statement)
    FROM information_schema.triggers WHERE trigger_schema = DATABASE()
"""
_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


@contextmanager
def without_triggers(connection: Any) -> Iterator[None]:
    """Drop every trigger until the block ends. On MySQL and MariaDB this commits: use it in transactional tests."""
    with connection.cursor() as cursor:
        cursor.execute(_MYSQL if connection.vendor == "mysql" else _SQLITE)
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for _, sql in triggers:
                cursor.execute(sql)


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
