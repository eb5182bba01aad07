"""The simulated world's clock: the machine's clock, shifted or frozen."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True)
class ClockReading:
    """The setting of the clock; `frozen_at_ns` takes precedence over the offset."""

    offset_ns: int = 0
    frozen_at_ns: int | None = None


class Clock:
    def __init__(self, reading: ClockReading | None = None) -> None:
        self._reading = reading or ClockReading()
        self._changed = threading.Condition()

    @property
    def reading(self) -> ClockReading:
        return self._reading

    def now_ns(self) -> int:
        reading = self._reading
        return time.time_ns() + reading.offset_ns if reading.frozen_at_ns is None else reading.frozen_at_ns

    def now(self) -> int:
        """Return Unix seconds, as LND stores most of its times."""
        return self.now_ns() // NS_PER_SECOND

    def set(self, reading: ClockReading) -> None:
        with self._changed:
            self._reading = reading
            self._changed.notify_all()

    def advance(self, seconds: int) -> ClockReading:
        """Return a reading this many seconds later; a frozen clock stays frozen."""
        shift, now = seconds * NS_PER_SECOND, self._reading
        frozen_at_ns = None if now.frozen_at_ns is None else now.frozen_at_ns + shift
        return ClockReading(now.offset_ns + (shift if frozen_at_ns is None else 0), frozen_at_ns)

    def wake_sleepers(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def sleep_until(self, moment_ns: int | None, done: Callable[[], bool]) -> None:
        """Wait until this clock reaches the moment (None: no limit), or until `done()` is true after a wake-up."""
        with self._changed:
            while not done():
                left_ns = None if moment_ns is None else moment_ns - self.now_ns()
                if left_ns is not None and left_ns <= 0:
                    return
                frozen = self._reading.frozen_at_ns is not None
                self._changed.wait(None if left_ns is None or frozen else left_ns / NS_PER_SECOND)
