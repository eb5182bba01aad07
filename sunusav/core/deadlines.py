"""Latest moments that hold although a process was stopped in between."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

NS_PER_SECOND = 1_000_000_000


def boottime_ns() -> int:
    """Return a clock that goes on while this process, or its machine, is stopped. Units: nanoseconds.

    A machine without this clock uses the monotonic one, which goes on while a process is stopped.
    """
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class Deadline:
    """A moment after which something must not be sent.

    `at` is the moment on the database's clock, for other machines; `boottime_ns` is not later, and is what this process
    compares.
    """

    at: datetime
    boottime_ns: int

    @classmethod
    def after(cls, duration: timedelta, *, at: datetime, read_at_ns: int) -> Deadline:
        """Return the deadline `duration` after a moment.

        `at` is the deadline on the database's clock. `read_at_ns` is `boottime_ns()` as it was read before that clock:
        the other order would move the deadline by a stop between the two.
        """
        return cls(at, read_at_ns + int(duration.total_seconds() * NS_PER_SECOND))

    @property
    def has_passed(self) -> bool:
        return boottime_ns() >= self.boottime_ns
