"""The one clock. Services take `now` as an argument; only interfaces (API, admin, tasks, commands) read the clock."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection

Clock = Callable[[], datetime]


def database_clock() -> Clock:
    """Return a clock set to the database's time, which workers on several machines compare their leases by."""
    ahead = _database_time() - now()
    return lambda: now() + ahead


def _database_time() -> datetime:
    if connection.vendor != "mysql":
        return now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        stamp: datetime = cursor.fetchone()[0]
    return stamp.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(tz=UTC)
