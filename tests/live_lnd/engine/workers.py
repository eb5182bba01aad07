"""Start worker processes, freeze and kill them, and read what they were answered."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.frozen import Frozen, ended, go_on, has_stopped, kill_frozen, thaw
from tests.crash.step_switch import Halt
from tests.live_lnd.engine.rails import SENDS_FILE
from tests.live_lnd.engine.worker import Plan

KILLED = -signal.SIGKILL
START_SECONDS = 120.0
RUN_EVERY_SECONDS = 0.3
BEFORE_IT_SENDS = Halt(signal.SIGSTOP, ("before SendPaymentV2 leaves",))


@dataclass(frozen=True)
class Worker:
    pid: int
    sends: Path
    log: Path

    def answers(self) -> list[dict[str, str]]:
        """Return what its sends were answered, in that order: reference, outcome, the node's text."""
        return [json.loads(line) for line in self.sends.read_text().splitlines()]


@dataclass
class Workers:
    """The worker processes of one test, with their environment; each has a log and a file of answers in `folder`."""

    folder: Path
    environment: Mapping[str, str]
    _running: dict[int, Worker] = field(default_factory=dict)
    _started: int = 0

    def start(self, *plans: Plan) -> list[Worker]:
        """Start one worker for each plan; they begin to work at the same moment."""
        started = [self._spawn(plan) for plan in plans]
        for worker in started:
            is_ready = has_stopped(worker.pid, patience_seconds=START_SECONDS)
            assert is_ready, f"a worker did not start: {worker.log.read_text()[-2000:]}"
        for worker in started:
            go_on(worker.pid)
        return started

    def _spawn(self, plan: Plan) -> Worker:
        self._started += 1
        sends, log = (self.folder / f"worker-{self._started}.{kind}" for kind in ("sends", "log"))
        sends.touch()
        output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT, 0o600)
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "tests.live_lnd.engine.worker", plan.to_json()],
            {**self.environment, SENDS_FILE: str(sends)},
            file_actions=[output, (os.POSIX_SPAWN_DUP2, 1, 2)],
        )
        self._running[pid] = Worker(pid, sends, log)
        return self._running[pid]

    def start_steady(self, **plan: Any) -> Worker:
        """Start a worker that works through what is due again and again, as its schedule does."""
        (worker,) = self.start(Plan(every_seconds=RUN_EVERY_SECONDS, **plan))
        return worker

    def run(self, **plan: Any) -> Worker:
        """Have a worker work through what is due."""
        (worker,) = self.start(Plan(**plan))
        assert self.end_of(worker) == 0, "a worker failed without being killed"
        return worker

    def freeze(self, count: int) -> list[Worker]:
        """Have workers claim one payment each, and stop themselves directly before they send it.

        One that finds every row locked by the others looks again.
        """
        plan = Plan(slots=1, limit=1, every_seconds=RUN_EVERY_SECONDS, halts=(BEFORE_IT_SENDS,))
        frozen = self.start(*[plan] * count)
        for worker in frozen:
            assert has_stopped(worker.pid), "a worker did not reach its send"
        return frozen

    def thaw(self, worker: Worker) -> list[dict[str, str]]:
        """Let a frozen worker finish its run; return what its sends were answered."""
        del self._running[worker.pid]
        os.kill(worker.pid, signal.SIGTERM)
        assert thaw(Frozen(worker.pid, "")) == 0, "the thawed worker did not end by itself"
        return worker.answers()

    def end_of(self, worker: Worker) -> int | None:
        """Wait for its end; return the exit status, -9 if it was killed."""
        del self._running[worker.pid]
        return ended(worker.pid)

    def stop(self, worker: Worker) -> None:
        """Let a steady worker finish its run."""
        os.kill(worker.pid, signal.SIGTERM)
        assert self.end_of(worker) == 0, "a worker failed without being killed"

    def kill_all(self) -> None:
        """Kill what a test that failed left running."""
        kill_frozen()
        for worker in list(self._running.values()):
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
                self.end_of(worker)
