"""The database server's own counters over a block."""

from types import TracebackType
from typing import Self

from django.db import connection

KINDS = ("Com_select", "Com_insert", "Com_update", "Com_delete")


class SqlCounts:
    """Statements (SELECT, INSERT, UPDATE, DELETE) and all round trips, of every client of the private server."""

    statements = 0
    round_trips = 0

    def __enter__(self) -> Self:
        self._before = _counters()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        after = _counters()
        grown = {name: after[name] - self._before[name] for name in after}
        self.statements = sum(grown[name] for name in KINDS)
        self.round_trips = grown["Questions"] - 1  # the last SHOW counts itself


def _counters() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS")
        return {name: int(value) for name, value in cursor.fetchall() if value.isdigit()}
