"""The one clock. Services take `now` as an argument; only interfaces (API, admin, tasks, commands) read the clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

from sunusav.core.deadlines import boottime_ns

Clock = Callable[[], datetime]
# A process that is stopped while it reads the database's clock reads it again.
READINGS, READ_WITHIN_NS = 5, 1_000_000_000


def database_clock() -> Clock:
    """Return a clock set to the database's time, which workers on several machines compare their leases by.

    It goes on by the boot clock, which nobody sets.
    """
    if connection.vendor != "mysql":
        return now
    for _ in range(READINGS):
        before_ns, at, after_ns = boottime_ns(), _database_time(), boottime_ns()
        if after_ns - before_ns < READ_WITHIN_NS:
            break
    return lambda: at + timedelta(microseconds=(boottime_ns() - after_ns) // 1_000)


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        stamp: datetime = cursor.fetchone()[0]
    return stamp.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(tz=UTC)
