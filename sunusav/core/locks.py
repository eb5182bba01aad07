"""Locks that callers hold until the end of their transaction, each on a row of its own.

An append-only row is never locked itself: MySQL refuses a locking read to an account that has no UPDATE on the table.
"""

from typing import Final

from django.db import connection

from sunusav.core import sql
from sunusav.core.models import Lock

_TABLE: Final = Lock._meta.db_table
_INSERT: Final = f"INSERT INTO {_TABLE} (name, floor) VALUES (%s, 0) "  # noqa: S608  (our own table's name)


def lock(*names: str) -> None:
    """Lock these names in the caller's transaction; others that lock one of them wait for its end.

    Names are locked in sorted order, one statement each: two callers cannot deadlock, and no other row is read.
    """
    assert connection.in_atomic_block, "a lock is held inside a transaction"  # noqa: S101  (a programmer's mistake)
    for name in sorted(set(names)):
        if not _is_locked(name):
            _insert(name)


def select_lock() -> str:
    """Return the SELECT that locks one name, its only parameter; also for a derived table of a longer statement."""
    for_update = " FOR UPDATE" if connection.features.has_select_for_update else ""
    return f"SELECT name FROM {_TABLE} WHERE name = %s{for_update}"  # noqa: S608


def _is_locked(name: str) -> bool:
    return bool(sql.rows(select_lock(), [name]))


def _is_locked_orm(name: str) -> bool:
    return bool(Lock.objects.select_for_update().filter(name=name).values_list("name"))


def _insert(name: str) -> None:
    """Insert a name on its first use and lock it.

    Of callers that insert it at once, the later ones wait for an exclusive lock. INSERT IGNORE would give them shared
    ones, which deadlock when two of them then lock the row.
    """
    is_mysql = connection.vendor == "mysql"
    sql.run(
        _INSERT + ("ON DUPLICATE KEY UPDATE floor = floor" if is_mysql else "ON CONFLICT DO NOTHING"), [name]
    )


def _insert_orm(name: str) -> None:
    Lock.objects.get_or_create(name=name)
