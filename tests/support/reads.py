"""How many queries and rows a block reads, by the counters of MariaDB and MySQL."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from django.db import connection

COUNTING = "SELECT COUNT("


class Reads:
    """Queries and rows read on this connection; `counted` are those of queries that only count."""

    queries = rows = counted = 0

    def __init__(self) -> None:
        self.worst: list[tuple[int, str]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(connection.execute_wrapper(self._measure))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self.worst = sorted(self.worst, reverse=True)[:3]

    def _measure(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        before = _handler_reads()
        try:
            return execute(sql, params, many, context)
        finally:
            read = _handler_reads() - before - self._cost_of_looking()
            self.queries += 1
            if sql.startswith(COUNTING):
                self.counted += read
            else:
                self.rows += read
            self.worst.append((read, sql))

    def _cost_of_looking(self) -> int:
        """Return what the counters grow by when they are read: they are rows of a table themselves."""
        if not hasattr(self, "_looking"):
            self._looking = -(_handler_reads() - _handler_reads())
        return self._looking


def _handler_reads() -> int:
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _name, value in cursor.fetchall())
