"""Server processes of the network that the suite starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_lnd.polling import eventually

STARTING = """
import sys, time
from pathlib import Path
from tests.live_lnd.regtest.servers import Server
command = ["/bin/sh", "-c", "echo $$ > pid; exec sleep 600"]
pid = Path(sys.argv[1]) / "pid"
server = Server(command, log=pid.with_name("log"), ready=lambda: pid.exists() and pid.read_text().endswith("\\n"))
server.start()
print(pid.read_text(), end="", flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_server_ends_when_the_suite_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTING, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        stdout=subprocess.PIPE,
        text=True,
    ) as suite:
        assert suite.stdout is not None
        server = int(suite.stdout.readline())
        was_running = runs(server)
        suite.send_signal(signal.SIGKILL)
    assert was_running
    eventually(lambda: not runs(server))
