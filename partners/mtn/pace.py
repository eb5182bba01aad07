"""Calls of one kind in a process, spread over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep


@dataclass
class Pace:
    """At most one call per `interval_seconds`: one that comes sooner waits for its turn."""

    interval_seconds: float
    clock: Callable[[], float] = monotonic
    pause: Callable[[float], None] = sleep
    _next_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def wait(self) -> None:
        """Wait until the next call may be made."""
        with self._lock:
            now = self.clock()
            turn = max(now, self._next_at)
            self._next_at = turn + self.interval_seconds
        if turn > now:
            self.pause(turn - now)
