"""A server process that can be killed and started again with the same data, and JSON from its command-line client."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support import process

CLIENT_SECONDS = 60
POLL_SECONDS = 0.1


class CallFailed(Exception):
    """A command-line client returned an error; the message is its own."""


class DidNotHappen(Exception):
    """A state of the network was not reached in time."""


class Server:
    """One server of the network; `ready` returns whether it can be used."""

    def __init__(self, command: Sequence[str], *, log: Path, ready: Callable[[], bool]) -> None:
        self.command, self.log = list(command), log
        self._ready = ready
        self._running = ExitStack()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises: tests.support.process.ServerDidNotStart."""
        command = process.tied_to_us(self.command)
        child = process.child(command, log=self.log, ready=self._ready, preexec_fn=None)
        self._child = self._running.enter_context(child)

    def stop(self) -> None:
        self._running.close()

    def kill(self) -> None:
        """Send SIGKILL, as a crash ends a process, and wait for its end."""
        if self._child is None:
            raise DidNotHappen("the server to be killed was not started")
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()
        self._running.close()


def call(command: Sequence[str]) -> str:
    """Run a command-line client and return what it prints. Raises: CallFailed."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=CLIENT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CallFailed(f"no answer within {CLIENT_SECONDS} s") from error
    if done.returncode:
        raise CallFailed((done.stdout + done.stderr).strip()[-1000:])
    return done.stdout


def call_for_json(command: Sequence[str]) -> Any:
    return json.loads(call(command) or "{}")


def wait_until(what: str, is_true: Callable[[], bool], *, within_seconds: float = 60) -> None:
    """Poll until it is true; a client's error counts as false. Raises: DidNotHappen."""
    ends = time.monotonic() + within_seconds
    while not _is_true(is_true):
        if time.monotonic() > ends:
            raise DidNotHappen(f"{what}: not within {within_seconds:.0f} s")
        time.sleep(POLL_SECONDS)


def _is_true(is_true: Callable[[], bool]) -> bool:
    try:
        return is_true()
    except CallFailed:
        return False
