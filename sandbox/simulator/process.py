"""Run a simulated partner as a child process: start, stop, kill, freeze, restart on the same port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.simulator.control import Control

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class PartnerDidNotStart(Exception):
    """The process ended or did not become ready; the message has the end of its log."""


class PartnerProcess:
    """The partner of a module (`sandbox.wave`) in a folder; as a context manager it runs inside the block.

    `tied` wraps the command so that it ends with us even if we are killed.
    """

    def __init__(
        self, module: str, folder: Path, *, tied: Callable[[list[str]], list[str]] = list, port: int = 0
    ) -> None:
        self.folder, self.port = folder, port
        self._module, self._tied = module, tied
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def control(self) -> Control:
        return Control(self.url)

    def start(self) -> None:
        """Start on a free port, or on the one that it had before; wait until it serves. Raises: PartnerDidNotStart."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ready, log = self.folder / "ready.json", self.folder / "partner.log"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", self._module, "--folder", str(self.folder), "--port", str(self.port),
        ]  # fmt: skip
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                self._tied(command), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise PartnerDidNotStart(log.read_text(errors="replace")[-2000:])
            time.sleep(POLL_SECONDS)
        self.port = int(json.loads(ready.read_text())["port"])

    def stop(self) -> None:
        """End the process, frozen or not."""
        if self._child is None:
            return
        self.thaw()
        self._signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the process; what it had committed is there after `start`."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def freeze(self) -> None:
        """Stop the process where it is: its port still accepts connections, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            os.kill(self._child.pid, number)
