"""Wait until another connection is blocked by a row lock that this one holds."""

import time
from typing import Any

PATIENCE_SECONDS = 60.0


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
