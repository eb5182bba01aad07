"""Run the franc provider as a child process: start, stop, kill, freeze, restart on the same port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.francs.control import Control
from tests.support.process import ServerDidNotStart, stop, tied_to_us

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
POLL_SECONDS = 0.02


class FrancProcess:
    """A provider in a folder; as a context manager it runs inside the block. It ends with us even if we are killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
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
        """Start on a free port, or on the one that it had before; wait until it serves. Raises: ServerDidNotStart."""
        ready, log = self.folder / "ready.json", self.folder / "francs.log"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.francs.server"]
        options = ["--folder", str(self.folder), "--port", str(self.port)]
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                tied_to_us([*command, *options]),
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise ServerDidNotStart(log.read_text(errors="replace")[-2000:])
            time.sleep(POLL_SECONDS)
        facts: dict[str, Any] = json.loads(ready.read_text())
        self.port = int(facts["port"])

    def stop(self) -> None:
        """End the process, frozen or not."""
        if self._child is not None:
            self.thaw()
            stop(self._child)

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
