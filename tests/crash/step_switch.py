"""Counts the steps of a process, and sends it a signal at a chosen one: SIGKILL to kill it, SIGSTOP to freeze it."""

import multiprocessing
import signal
import threading
from collections import deque
from ctypes import c_char
from dataclasses import dataclass
from typing import Any

from django.db.backends.signals import connection_created

WRITES = ("INSERT", "UPDATE", "DELETE")
LONGEST_NAME = 200
# Shared with the processes that are forked later: the step at which the last of them was halted.
_halted_at: Any = multiprocessing.get_context("fork").RawArray(c_char, LONGEST_NAME)


@dataclass(frozen=True)
class Halt:
    """A signal that a process sends itself: at the last of `names`, or `after` so many steps from there.

    Names are beginnings of steps and must pass in order. Without names steps are counted from here on; 0: never.
    """

    signal: signal.Signals
    names: tuple[str, ...] = ()
    after: int = 0


class StepSwitch:
    """Halt the process as planned, one halt after the other.

    Steps are counted over the connections of all threads and over the rail.
    """

    def __init__(self) -> None:
        self._halts: deque[Halt] = deque()
        self._names: deque[str] = deque()
        self._steps_left = 0
        self._counting = threading.Lock()

    def plan(self, *halts: Halt) -> None:
        self._halts = deque(halts)
        self._await_next()

    def step(self, what: str) -> None:
        with self._counting:
            if not self._halts or not self._is_reached(what):
                return
            _halted_at.value = what.encode()[: LONGEST_NAME - 1]
            halt = self._halts.popleft()
            self._await_next()
            # Directed at this thread, which therefore stops here: a signal to the process may reach another first.
            signal.pthread_kill(threading.get_ident(), halt.signal)

    def watch_databases(self) -> None:
        """Count a step before and after every write and COMMIT and before every read, on new connections."""
        connection_created.connect(self._watch, weak=False)

    def _await_next(self) -> None:
        halt = self._halts[0] if self._halts else Halt(signal.SIGKILL)
        self._names, self._steps_left = deque(halt.names), halt.after

    def _is_reached(self, what: str) -> bool:
        if not self._names:
            self._steps_left -= 1
            return self._steps_left == 0
        if not what.startswith(self._names[0]):
            return False
        self._names.popleft()
        return not self._names and self._steps_left == 0

    def _watch(self, connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(self._statement)
        commit = connection.connection.commit

        def counted_commit() -> None:
            self.step("before COMMIT")
            commit()
            self.step("after COMMIT")

        connection._commit = counted_commit

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.step(f"before {sql[:40]}")
        result = execute(sql, params, many, context)
        if sql.lstrip().upper().startswith(WRITES):
            self.step(f"after {sql[:40]}")
        return result


def halted_at() -> str:
    """Return the step at which a forked process was halted last."""
    return bytes(_halted_at.value).decode(errors="replace")


STEP_SWITCH = StepSwitch()
