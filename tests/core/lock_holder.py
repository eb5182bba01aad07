"""A process that stops itself (SIGSTOP) inside a transaction, with a lock on the row of a chain.

`python -m tests.core.lock_holder CHAIN idle|reading`. After it is continued it prints, as JSON, which error its
transaction met, and whether its connection works in the next one.
"""

import json
import os
import signal
import sys
from typing import Any

import django
from django.db import Error, connection, transaction

ROW_BYTES, ROWS = 1_000_000, 40


def main(chain: str, where: str) -> None:
    django.setup()
    error = _freeze_in_transaction(chain, {"idle": _freeze_idle, "reading": _freeze_reading}[where])
    with transaction.atomic():
        is_usable = _lock(chain) == 0
    print(json.dumps({"error": error, "is_usable_again": is_usable, "wait_timeout": _wait_timeouts()}))


def _freeze_in_transaction(chain: str, freeze: Any) -> str:
    from sunusav.core.models import Lock

    try:
        with transaction.atomic():
            _lock(chain)
            Lock.objects.filter(name=chain).update(floor=7)
            freeze()
            Lock.objects.filter(name=chain).update(floor=8)
    except Error as error:
        return type(error).__name__
    return ""


def _lock(chain: str) -> int:
    from sunusav.core.models import Lock

    return Lock.objects.select_for_update().get(name=chain).floor


def _freeze_idle() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _freeze_reading() -> None:
    """Stop with rows unread that fill every buffer on the way, so that the server waits in a write."""
    statement = f"SELECT REPEAT('x', {ROW_BYTES}) FROM (SELECT 1" + " UNION ALL SELECT 1" * (ROWS - 1) + ") t"
    raw = connection.connection
    raw.query(statement)
    rows = raw.use_result()
    os.kill(os.getpid(), signal.SIGSTOP)
    with connection.wrap_database_errors:
        while rows.fetch_row():
            pass


def _wait_timeouts() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.wait_timeout, @@GLOBAL.wait_timeout")
        return list(cursor.fetchone())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sunusav.settings.test")
    main(*sys.argv[1:])
