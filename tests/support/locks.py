"""What statements lock, and waiting until another connection is blocked by a row lock that this one holds."""

import re
import time
from collections.abc import Iterable
from typing import Any

PATIENCE_SECONDS = 60.0
# A table of the SELECT that the locking clause belongs to, with its alias.
_TABLE = re.compile(r"(?:FROM|JOIN)\s+[`\"]?(\w+)", re.IGNORECASE)
_LOCKING = re.compile(r"\bFOR (?:UPDATE|SHARE)\b|\bLOCK IN SHARE MODE\b", re.IGNORECASE)


def locked_tables(statements: Iterable[str]) -> set[str]:
    """Return the tables whose rows these statements lock by a locking clause.

    The clause locks the tables of its own SELECT: those of an outer SELECT and of its subqueries are only read.
    """
    return {table for statement in statements for table in _locked_by(statement)}


def _locked_by(statement: str) -> set[str]:
    """Take the innermost parentheses out, one after another, and look at each SELECT by itself."""
    found: set[str] = set()
    while (inner := re.search(r"\(([^()]*)\)", statement)) is not None:
        found |= _tables_if_locking(inner[1])
        statement = statement[: inner.start()] + " " + statement[inner.end() :]
    return found | _tables_if_locking(statement)


def _tables_if_locking(select: str) -> set[str]:
    return set(_TABLE.findall(select)) if _LOCKING.search(select) else set()


def wait_until_blocked(connection: Any, *, count: int = 1) -> None:
    """Return once this many transactions of the server wait for a lock. MySQL and MariaDB only."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while _waiting(connection) < count:
        assert time.monotonic() < ends, "nobody waits for a lock"
        # InnoDB renews this table every tenth of a second.
        time.sleep(0.12)


def _waiting(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
        return int(cursor.fetchone()[0])
