"""A process tree: children start in order and are stopped together; none is left behind."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 10.0
# Before a child that exited is started again: doubled each time, unless it had run for STEADY_SECONDS.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class _Child:
    command: Sequence[str]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    started_at: float
    pause_seconds: float = FIRST_PAUSE_SECONDS
    restart_at: float | None = None


class ProcessTree:
    """Child processes with their logs: those that exit can be started again, and all are stopped, newest first."""

    def __init__(self, log_folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs, self._clock = log_folder, clock
        self._children: dict[str, _Child] = {}
        log_folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a child with its own log. On Linux the kernel stops it when this process ends, even by a kill."""
        process = self._popen(name, command, environment)
        self._children[name] = _Child(command, environment, process, started_at=self._clock())

    def kill(self, name: str) -> None:
        """Send SIGKILL to a child, as a crash ends a process, and wait for its end."""
        process = self._children[name].process
        process.kill()
        process.wait()

    def start_again(self, name: str) -> None:
        """Start a child that has ended, at once and with the same command."""
        self._restart(name, self._children[name])

    def ended(self) -> str | None:
        """Return the name of a child that has exited, or None."""
        return next(
            (name for name, child in self._children.items() if child.process.poll() is not None), None
        )

    def restart_ended(self) -> list[str]:
        """Start each child again that has exited, after a pause; return what happened, a line for each event.

        The same lines are in the child's log.
        """
        lines = []
        for name, child in self._children.items():
            if child.process.poll() is None:
                continue
            if child.restart_at is None:
                self._plan_restart(child)
                lines.append(self._log(name, f"exited with status {child.process.returncode}"))
            elif self._clock() >= child.restart_at:
                self._restart(name, child)
                lines.append(self._log(name, "was started again"))
        return lines

    def log_tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a child's log."""
        text = self._log_file(name).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Send SIGTERM to every child, newest first, and SIGKILL to those that have not exited in time."""
        children = [child.process for child in reversed(self._children.values())]
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        ends = time.monotonic() + STOP_SECONDS
        for child in children:
            try:
                child.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _popen(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        with self._log_file(name).open("ab") as log:
            return subprocess.Popen(
                list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_stop_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (the launcher has one thread)
            )  # fmt: skip

    def _plan_restart(self, child: _Child) -> None:
        if self._clock() - child.started_at >= STEADY_SECONDS:
            child.pause_seconds = FIRST_PAUSE_SECONDS
        child.restart_at = self._clock() + child.pause_seconds
        child.pause_seconds = min(2 * child.pause_seconds, LONGEST_PAUSE_SECONDS)

    def _restart(self, name: str, child: _Child) -> None:
        child.process = self._popen(name, child.command, child.environment)
        child.started_at, child.restart_at = self._clock(), None

    def _log(self, name: str, event: str) -> str:
        line = f"{name} {event}"
        with self._log_file(name).open("a") as log:
            log.write(f"--- {line}\n")
        return line

    def _log_file(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _stop_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
