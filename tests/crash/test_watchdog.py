"""A process that was stopped for too long is ended before it sends anything; without its watchdog it sends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.crash.frozen_sender import LIMIT_SECONDS, SENT

pytestmark = pytest.mark.slow
SENDERS = 8
Sender = subprocess.Popen[bytes]


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["guarded"], (-signal.SIGALRM, b"")), ([], (0, SENT))],
    ids=["guarded", "unguarded"],
)
def test_sender_stopped_beyond_the_limit_is_ended_before_it_sends(
    options: list[str], expected: tuple[int, bytes]
) -> None:
    with _provider() as listener, ExitStack() as running:
        senders = [running.enter_context(_sender(listener, options)) for _ in range(SENDERS)]
        connections = [running.enter_context(listener.accept()[0]) for _ in senders]
        for sender in senders:
            assert os.WIFSTOPPED(os.waitpid(sender.pid, os.WUNTRACED)[1])
        time.sleep(LIMIT_SECONDS + 2)
        for sender in senders:
            sender.send_signal(signal.SIGCONT)
        received = sorted(_all_of(connection) for connection in connections)
        assert [sender.wait() for sender in senders] == [expected[0]] * SENDERS
        assert received == [expected[1]] * SENDERS


@contextmanager
def _provider() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=SENDERS) as listener:
        listener.settimeout(60)
        yield listener


@contextmanager
def _sender(listener: socket.socket, options: list[str]) -> Iterator[Sender]:
    port = str(listener.getsockname()[1])
    sender = subprocess.Popen([sys.executable, "-m", "tests.crash.frozen_sender", port, *options])
    try:
        yield sender
    finally:
        sender.kill()
        sender.wait()


def _all_of(connection: socket.socket) -> bytes:
    """Return everything that a sender sent until it ended."""
    connection.settimeout(60)
    with connection.makefile("rb") as stream:
        return stream.read()
