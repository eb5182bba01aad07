"""Raw SQL for what every payout runs: Django takes longer to build these statements than the server to run them.

Only where it was measured, and only SQL that means the same on MySQL, MariaDB and SQLite.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection


def rows(statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a SELECT and return its rows as the driver returns them."""
    with connection.cursor() as cursor:
        cursor.execute(statement, adapted(values))
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def run(statement: str, values: Iterable[Any] = ()) -> int:
    """Run an UPDATE; return how many rows it matched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, adapted(values))
        return int(cursor.rowcount)


def placeholders(values: Collection[Any]) -> str:
    """Return one placeholder per value, separated by commas."""
    return ", ".join(["%s"] * len(values))


def adapted(values: Iterable[Any]) -> list[Any]:
    """Return values as the driver expects them: datetimes in the connection's time zone, the rest unchanged."""
    moment = connection.ops.adapt_datetimefield_value
    return [moment(value) if isinstance(value, datetime) else value for value in values]
