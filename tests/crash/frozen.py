"""Workers that are frozen and thawed, others that work meanwhile, and the one simulated clock of all of them.

Import it after Django is set up.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sunusav.core import clock
from tests.crash.driver import start
from tests.crash.rails import watch_node
from tests.crash.step_switch import STEP_SWITCH, Halt, halted_at
from transfers.engine.runner import run_due
from transfers.models import Disbursement

# Real seconds. A frozen worker may stop the others for ten; the rest is for a busy machine.
PATIENCE_SECONDS = 30
POLL_SECONDS = 0.01
DONE, REFUSED = 0, 3
_frozen: set[int] = set()


class HasClock(Protocol):
    """What runs beside us with a clock of its own: a node, or a partner."""

    def set_clock(self, *, offset_seconds: int) -> object: ...


class SimulatedClock:
    """The machine's clock, ahead by an offset in shared memory; the node's clock is shifted with it.

    All processes of a scenario read it, a worker that was frozen too. CLOCK_BOOTTIME stays as it is.
    """

    def __init__(self, node: Callable[[], HasClock]) -> None:
        self._node = node
        self._ahead_seconds: Any = multiprocessing.get_context("fork").RawValue("q", 0)

    def __call__(self) -> datetime:
        return clock.now() + timedelta(seconds=self._ahead_seconds.value)

    @property
    def ahead_seconds(self) -> int:
        return int(self._ahead_seconds.value)

    def advance(self, seconds: int) -> None:
        self._ahead_seconds.value += seconds
        self._node().set_clock(offset_seconds=self._ahead_seconds.value)


@dataclass(frozen=True)
class Frozen:
    """A worker that stopped itself, and the step at which it did."""

    pid: int
    step: str


def freeze(halt: Halt, *then: Halt, now: SimulatedClock) -> Frozen | None:
    """Run a worker until it stops at a step; None if it ended before."""
    return freeze_work(partial(run_due, slots=1, clock=now), halt, *then)


def freeze_work(work: Callable[[], Any], *halts: Halt) -> Frozen | None:
    """Do something in a process of its own until it stops at a step; None if it ended before."""
    worker = start(partial(_run_until, halts, work))
    return Frozen(worker, halted_at()) if has_stopped(worker) else None


def has_stopped(worker: int, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait until a child stops itself; false if it ended before."""
    status = _status_of(worker, os.WUNTRACED, patience_seconds=patience_seconds)
    if status is None or not os.WIFSTOPPED(status):
        return False
    _frozen.add(worker)
    return True


def thaw(worker: Frozen) -> int | None:
    """Let a frozen worker run to its end; return its exit status, None if it had to be killed."""
    go_on(worker.pid)
    return ended(worker.pid)


def go_on(worker: int) -> None:
    """Let a stopped child continue."""
    _frozen.discard(worker)
    os.kill(worker, signal.SIGCONT)


def kill(worker: Frozen) -> int | None:
    """Kill a frozen worker, which never ran again; return its exit status."""
    _frozen.discard(worker.pid)
    os.kill(worker.pid, signal.SIGKILL)
    return ended(worker.pid)


def kill_frozen() -> None:
    """Kill the workers that a scenario left frozen when it failed."""
    while _frozen:
        kill(Frozen(_frozen.pop(), ""))


def work(now: SimulatedClock, *, slots: int = 1) -> int | None:
    """Run another worker; return its exit status, None if somebody made it wait for too long."""
    return ended(start(partial(run_due, slots=slots, clock=now)))


def ended(child: int) -> int | None:
    """Wait for a child; return its exit status. One that takes too long is killed: None."""
    status = _status_of(child)
    return None if status is None else os.waitstatus_to_exitcode(status)


def _status_of(child: int, options: int = 0, *, patience_seconds: float = PATIENCE_SECONDS) -> int | None:
    ends_at = time.monotonic() + patience_seconds
    while time.monotonic() < ends_at:
        pid, status = os.waitpid(child, options | os.WNOHANG)
        if pid:
            return status
        time.sleep(POLL_SECONDS)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def is_locked(disbursement_id: int) -> bool:
    """Return whether somebody keeps the row locked for longer than the others may have to wait."""
    return ended(start(partial(_lock, disbursement_id))) != DONE


def act(work_of_people: Callable[[], Any], *, refusals: type[Exception]) -> int | None:
    """Have a person do something in a process of its own; return DONE, REFUSED, another status, or None as `ended`."""
    return ended(start(partial(exit_with_refusal, work_of_people, refusals)))


def exit_with_refusal(work_of_people: Callable[[], Any], refusals: type[Exception]) -> None:
    """Do something in a forked process; end it with REFUSED for a refusal."""
    try:
        work_of_people()
    except refusals:
        os._exit(REFUSED)


def _run_until(halts: Sequence[Halt], work: Callable[[], Any]) -> None:
    STEP_SWITCH.watch_databases()
    watch_node()
    STEP_SWITCH.plan(*halts)
    work()


def _lock(disbursement_id: int) -> None:
    from django.db import transaction

    with transaction.atomic():
        Disbursement.objects.select_for_update().get(pk=disbursement_id)
