"""Empty a test database whose append-only tables refuse DELETE.

Django's own flush deletes, which the triggers of `core.migration_operations.AppendOnly` forbid. On MySQL and
MariaDB TRUNCATE fires no trigger. SQLite has no TRUNCATE, so there the triggers are dropped and created again.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

from tests.support import baseline

# Written by migrate and cached in memory; our tests do not change them.
KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})


def install() -> None:
    """Make every TransactionTestCase flush this way; transactional tests of pytest-django are such test cases."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[attr-defined]


def _fixture_teardown(self: TransactionTestCase) -> None:
    for alias in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        flush(connections[alias])
        baseline.restore(connections[alias])


def flush(connection: Any) -> None:
    """Empty every table that holds rows, except those in KEPT."""
    if connection.vendor == "mysql":
        _truncate(connection)
    else:
        _delete_without_triggers(connection)


def tables_with_rows(connection: Any) -> list[str]:
    """Return the tables that hold rows, in one statement."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        if not names:
            return []
        tests = [f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in names]
        cursor.execute(f"SELECT {', '.join(tests)}")
        return [name for name, holds_rows in zip(names, cursor.fetchone(), strict=True) if holds_rows]


def _truncate(connection: Any) -> None:
    tables = tables_with_rows(connection)
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"TRUNCATE TABLE {connection.ops.quote_name(name)}")


def _delete_without_triggers(connection: Any) -> None:
    tables = tables_with_rows(connection)
    with (
        connection.constraint_checks_disabled(),
        transaction.atomic(using=connection.alias),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        _run(cursor, (f"DROP TRIGGER {connection.ops.quote_name(name)}" for name, _ in triggers))
        _run(cursor, (f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables))
        _run(cursor, (sql for _, sql in triggers))


def _run(cursor: Any, statements: Iterable[str]) -> None:
    for statement in statements:
        cursor.execute(statement)
