"""A process tree: children start in order and are stopped together; none is left behind."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ProcessTree:
    """Child processes with their logs. `ended` names one that has exited; `stop` stops the others, newest first."""

    def __init__(self, log_folder: Path) -> None:
        self._logs = log_folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        log_folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a child with its own log. On Linux the kernel stops it when this process ends, even by a kill."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_stop_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (started before any thread)
            )  # fmt: skip

    def ended(self) -> str | None:
        """Return the name of a child that has exited, or None."""
        return next((name for name, child in self._children.items() if child.poll() is not None), None)

    def log_tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a child's log."""
        text = (self._logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Send SIGTERM to every child, newest first, and SIGKILL to those that have not exited in time."""
        children = list(reversed(self._children.values()))
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


def _stop_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
