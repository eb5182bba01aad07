"""Statements in our own words, for what every payout does: Django takes longer to build them than the server to run.

Only where it counts, and only text that means the same on MySQL, MariaDB and SQLite.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection


def rows(statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Return what a SELECT finds, as the driver tells it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, adapted(values))
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def run(statement: str, values: Iterable[Any] = ()) -> int:
    """Run an UPDATE; return how many rows it found."""
    with connection.cursor() as cursor:
        cursor.execute(statement, adapted(values))
        return int(cursor.rowcount)


def placeholders(values: Collection[Any]) -> str:
    """Return as many placeholders, between commas, as there are values."""
    return ", ".join(["%s"] * len(values))


def adapted(values: Iterable[Any]) -> list[Any]:
    """Return values as the driver takes them: moments in the zone of the connection, the rest as they are."""
    moment = connection.ops.adapt_datetimefield_value
    return [moment(value) if isinstance(value, datetime) else value for value in values]
