"""Empty a test database whose append-only tables refuse DELETE.

Django's own flush deletes, which the triggers of `core.migration_operations.AppendOnly` forbid. Those of the tables
that hold rows are dropped and created again. TRUNCATE would fire no trigger, but MariaDB takes ten times as long for
it, and SQLite has none.
"""

from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

from tests.support import baseline
from tests.support.triggers import without_triggers

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
    tables = tables_with_rows(connection)
    quote = connection.ops.quote_name
    with (
        connection.constraint_checks_disabled(),
        transaction.atomic(using=connection.alias),
        connection.cursor() as cursor,
        without_triggers(connection, tables),
    ):
        for name in tables:
            cursor.execute(f"DELETE FROM {quote(name)}")


def tables_with_rows(connection: Any) -> list[str]:
    """Return the tables that hold rows, in one statement."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        if not names:
            return []
        tests = [f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in names]
        cursor.execute(f"SELECT {', '.join(tests)}")
        return [name for name, holds_rows in zip(names, cursor.fetchone(), strict=True) if holds_rows]
