"""Steer a simulated partner from a test or the demo. Standard library only."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sandbox.simulator.script import SCRIPTS, Step

TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.01


class ControlRefused(Exception):
    """The partner refused a control call."""


class Control:
    """The other side of a running partner: what people do beside its API, scripts, and its record.

    It works while the partner is closed for its clients.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def reset(self) -> None:
        """Forget everything, settings and scripts included, once every call that arrived before has ended."""
        self.call("reset")

    def set(self, **changes: Any) -> None:
        """Change settings of the partner by their names."""
        self.call("settings", changes=changes)

    def set_clock(self, at: datetime | None) -> None:
        """Freeze the partner's clock at a moment; None: it shows the real time."""
        self.set(frozen_at=at.isoformat() if at else None)

    def script(self, call: str, step: Step | str, *, reference: str = "", times: int = 1) -> int:
        """Script the next calls of a name by a step or the name of one; -1 times: all. Return the script's number."""
        chosen = SCRIPTS[step] if isinstance(step, str) else step
        return int(self.call("step", call=call, reference=reference, times=times, step=asdict(chosen)))

    def wait_until_reached(self, number: int) -> None:
        """Wait until a call stays where its script holds it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.call("is_reached", number=number):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no call came to script {number}")
            time.sleep(POLL_SECONDS)

    def release(self, number: int) -> None:
        self.call("release", number=number)

    def calls(self, name: str) -> int:
        """Return how often a call of this name arrived."""
        return int(self.call("calls", call=name))

    def call(self, name: str, /, **body: Any) -> Any:
        """Make a control call. Raises: ControlRefused."""
        request = urllib.request.Request(f"{self._url}/control/{name}", data=json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            raise ControlRefused(f"{name}: {error.read().decode(errors='replace')}") from error
