"""An answer, or the error instead of it, that is used again for a short time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from lightning.client import NodeError
from sunusav.core.deadlines import NS_PER_SECOND, boottime_ns

Answer = TypeVar("Answer")
# How long an error of the node is used again, so that many calls at once do not each wait for a node that is gone.
KEEP_ERROR_SECONDS = 1.0


@dataclass(frozen=True)
class _Answered(Generic[Answer]):
    answer: Answer
    until_ns: int


@dataclass(frozen=True)
class _Failed:
    error: NodeError
    until_ns: int

    def again(self) -> NodeError:
        """Return a copy of the error, since several threads may raise it at once."""
        return type(self.error)(self.error.text, method=self.error.method, code=self.error.code)


class Recent(Generic[Answer]):
    """The last answer of one query. Calls at the same time wait for one query and share what it returned.

    Time is the clock that runs while this process is stopped.
    """

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._lock = Lock()
        self._last: _Answered[Answer] | _Failed | None = None

    def get(self, query: Callable[[], Answer]) -> Answer:
        """Return the recent answer, or query. Raises: NodeError, a recent one as well."""
        with self._lock:
            last = self._last
            if last is None or boottime_ns() >= last.until_ns:
                last = self._last = self._queried(query)
        return _returned(last)

    def fresh(self, query: Callable[[], Answer]) -> Answer:
        """Query now, whatever is kept. Raises: NodeError."""
        self._last = last = self._queried(query)
        return _returned(last)

    def raise_recent_error(self) -> None:
        """Raise the error of the last query while it is recent. Queries nothing."""
        last = self._last
        if isinstance(last, _Failed) and boottime_ns() < last.until_ns:
            raise last.again() from last.error

    def _queried(self, query: Callable[[], Answer]) -> _Answered[Answer] | _Failed:
        """Query. An answer is as old as its query; an error counts from its end, because it may have taken long."""
        started_ns = boottime_ns()
        try:
            answer = query()
        except NodeError as error:
            return _Failed(error, boottime_ns() + _ns(min(self._keep_seconds, KEEP_ERROR_SECONDS)))
        return _Answered(answer, started_ns + _ns(self._keep_seconds))


def _returned(last: _Answered[Answer] | _Failed) -> Answer:
    if isinstance(last, _Failed):
        raise last.again() from last.error
    return last.answer


def _ns(seconds: float) -> int:
    return int(seconds * NS_PER_SECOND)
