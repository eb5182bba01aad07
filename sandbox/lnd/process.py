"""Run a simulated world as a child process: start, wait until it serves, stop, kill, restart on the same ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sandbox.lnd.control import Control

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS, STOP_SECONDS = 20, 5
POLL_SECONDS = 0.02


class SimulatorExited(Exception):
    """The child exited before it served; the message is the end of its log."""


@dataclass(frozen=True)
class NodeAddress:
    """A node's address, certificate and macaroons: the values of the LND_* settings."""

    name: str
    target: str  # host:port
    pubkey: str
    tls_cert_path: Path
    macaroon_paths: dict[str, Path]  # admin, readonly, paying, invoicing, monitoring

    def macaroon_hex(self, kind: str) -> str:
        return self.macaroon_paths[kind].read_bytes().hex()


class SimulatorProcess:
    """A simulated world in a folder; as a context manager it runs inside the block."""

    def __init__(
        self,
        folder: Path,
        nodes: Sequence[str] = ("platform", "wallets"),
        *,
        network: str = "regtest",
        control_port: int = 0,
        extra_arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self._nodes = {text.split(":")[0]: text for text in nodes}
        self._arguments = ["--network", network, *extra_arguments]
        self._control_port = control_port
        self._child: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return int(self._ready["pid"])

    @property
    def control(self) -> Control:
        return Control(int(self._ready["control_port"]))

    def node(self, name: str) -> NodeAddress:
        facts = self._ready["nodes"][name]
        return NodeAddress(
            name=name,
            target=f"127.0.0.1:{facts['port']}",
            pubkey=facts["pubkey"],
            tls_cert_path=Path(facts["tls_cert"]),
            macaroon_paths={kind: Path(path) for kind, path in facts["macaroons"].items()},
        )

    def start(self) -> None:
        """Start the child and wait until it serves. A restart uses the same ports."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "ready.json").unlink(missing_ok=True)
        with (self.folder / "simulator.log").open("ab") as log:
            self._child = self._spawn(log)
        self._ready = self._wait_until_ready(self._child)
        self._control_port = int(self._ready["control_port"])
        for name, facts in self._ready["nodes"].items():
            self._nodes[name] = ":".join([name, str(facts["port"]), *self._nodes[name].split(":")[2:]])

    def stop(self) -> None:
        """Send SIGTERM and wait; send SIGKILL when the child does not exit."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, as a crash would end the process."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill the child and start it again with the same state and ports."""
        self.kill()
        self.start()

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sandbox.lnd", "--dir", str(self.folder)]
        command += [
            "--control-port",
            str(self._control_port),
            "--parent-pid",
            str(os.getpid()),
            *self._arguments,
        ]
        for text in self._nodes.values():
            command += ["--node", text]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={**os.environ, "GRPC_VERBOSITY": "NONE"},
        )

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> dict[str, Any]:
        ready, ends = self.folder / "ready.json", time.monotonic() + START_SECONDS
        while time.monotonic() < ends and child.poll() is None:
            if ready.exists():
                facts: dict[str, Any] = json.loads(ready.read_text())
                return facts
            time.sleep(POLL_SECONDS)
        child.kill()
        raise SimulatorExited((self.folder / "simulator.log").read_text()[-2000:])

    def _end(self, number: signal.Signals) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.send_signal(number)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
