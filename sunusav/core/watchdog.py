"""Ends a process that was stopped, when it goes on: what it knows may be out of date, and it must not act on it."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REARM_SECONDS = 1.0

logger = logging.getLogger(__name__)


@contextmanager
def ends_if_stopped(*, seconds: float = 10.0) -> Iterator[None]:
    """Have the kernel end this process if it is stopped for about this long inside the block.

    A timer of the kernel runs on while the process is stopped, by SIGSTOP or by the freezer of its container. A thread
    starts it again every second; if it expires, SIGALRM ends the process when it goes on, before the code that was
    stopped. It does not see a pause of the whole machine, during which the kernel's timers stop too. Blocks may be
    nested and run in several threads: the shortest limit applies. Where SIGALRM or its timer is used by others, as by
    some test runners, the block runs without this, after a warning.
    """
    if not _watchdog.start(seconds):
        logger.warning("SIGALRM is in use: this process is not ended if it is stopped while it pays")
        yield
        return
    try:
        yield
    finally:
        _watchdog.finish(seconds)


class _Watchdog:
    """The process's one real-time timer, started again by a thread for as long as a limit is in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[float] = []
        self._done = threading.Event()

    def start(self, seconds: float) -> bool:
        """Put a limit in force; false if the timer belongs to others."""
        with self._lock:
            if not _is_signal_free() or (not self._limits and _is_timer_running()):
                return False
            self._limits.append(seconds)
            self._set_timer()
            if len(self._limits) == 1:
                self._done = threading.Event()
                threading.Thread(
                    target=self._rearm_until, args=(self._done,), daemon=True, name="watchdog"
                ).start()
        return True

    def finish(self, seconds: float) -> None:
        with self._lock:
            self._limits.remove(seconds)
            if not self._limits:
                self._done.set()
            self._set_timer()

    def _rearm_until(self, done: threading.Event) -> None:
        while not done.wait(REARM_SECONDS):
            with self._lock:
                if not done.is_set():
                    self._set_timer()

    def _set_timer(self) -> None:
        if _is_signal_free():
            signal.setitimer(signal.ITIMER_REAL, min(self._limits, default=0.0))  # 0 stops it


def _is_signal_free() -> bool:
    return signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def _is_timer_running() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _forget_in_child() -> None:
    """Start anew in a forked child, which inherits neither the timer nor the thread."""
    global _watchdog  # noqa: PLW0603  (one timer per process)
    _watchdog = _Watchdog()


_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_forget_in_child)
