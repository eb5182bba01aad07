"""One GET to a host that others named; `sunusav.core.http.UntrustedHostClient` is built on it.

The name is resolved once, all its addresses must be allowed, and urllib3 connects to one of them with the name's own
SNI, certificate and Host. No proxy, cookie or redirect. One deadline covers the whole
exchange, however slowly bytes arrive.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread, Timer
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from sunusav.core.web_addresses import AddressForbidden, WebAddress, is_loopback, is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

Resolver = Callable[[str], Sequence[str]]
MAX_ADDRESSES_TRIED = 3
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "SunuSav",
    "Connection": "close",
}


class Deadline:
    """A moment after which every step of one exchange fails."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left_seconds(self) -> float:
        """Return what is left. Raises: TimeoutError."""
        left_seconds = self._ends - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError("the deadline has passed")
        return left_seconds


@dataclass(frozen=True)
class Answer:
    """What a host answered; `body` is cut off one byte after the limit, and empty when it is encoded."""

    status: int
    body: bytes
    is_encoded: bool
    is_too_long: bool


def system_resolver(host: str) -> Sequence[str]:
    """Resolve a name as this machine does. Raises: OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def resolve(address: WebAddress, resolver: Resolver, deadline: Deadline) -> Sequence[str]:
    """Resolve a name, once; every address it has must be allowed.

    Raises: AddressForbidden, OSError, TimeoutError.
    """
    found = list(dict.fromkeys(_within(deadline, lambda: resolver(address.host))))
    is_allowed = is_loopback if address.is_loopback else is_public
    if not all(map(is_allowed, found)):
        raise AddressForbidden(host=address.host, reason="not-public")
    return found


def _within(deadline: Deadline, work: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Run `work` in a thread that may outlive this call: the resolver cannot be interrupted."""
    done: Future[Sequence[str]] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001  (raised again where the answer is awaited)
            done.set_exception(error)

    Thread(target=run, daemon=True, name="resolver").start()
    return done.result(timeout=deadline.left_seconds())


def get(
    address: WebAddress, numbers: Sequence[str], *, trust: ssl.SSLContext, deadline: Deadline, max_bytes: int
) -> Answer:
    """Send the request to the first of these addresses that accepts a connection.

    `http.client` bounds the headers: at most 100 lines of 64 KiB.
    Raises: OSError, http.client.HTTPException, urllib3.exceptions.HTTPError.
    """
    with (
        closing(_connected(address, numbers, trust, deadline)) as connection,
        _ended_by(deadline, connection),
    ):
        connection.request(
            "GET", address.target, headers={"Host": address.authority, **HEADERS}, preload_content=False,
            decode_content=False,
        )  # fmt: skip
        with closing(connection.getresponse()) as response:
            encoding = response.headers.get("Content-Encoding", "").strip().lower()
            is_encoded = encoding not in ("", "identity")
            body = b"" if is_encoded else response.read(max_bytes + 1)
            return Answer(response.status, body, is_encoded, len(body) > max_bytes)


def _connected(
    address: WebAddress, numbers: Sequence[str], trust: ssl.SSLContext, deadline: Deadline
) -> HTTPConnection:
    tried = numbers[:MAX_ADDRESSES_TRIED]
    failure: Exception = OSError("the name has no address")
    for position, number in enumerate(tried):
        connection = _connection(address, number, trust, deadline)
        connection.timeout = deadline.left_seconds() / (len(tried) - position)
        try:
            connection.connect()
        except (NewConnectionError, ConnectTimeoutError) as error:
            failure = error
        else:
            connection.timeout = deadline.left_seconds()
            return connection
    raise failure


def _connection(
    address: WebAddress, number: str, trust: ssl.SSLContext, deadline: Deadline
) -> HTTPConnection:
    """Return an unopened connection to an IP address that must present the name's certificate."""
    if address.scheme != "https":
        return HTTPConnection(number, address.port)
    connection = _PinnedConnection(number, address.port, ssl_context=trust, server_hostname=address.host)
    connection.deadline = deadline
    return connection


class _PinnedConnection(HTTPSConnection):
    """Spends its share of the deadline on reaching one address, and what is left of it on the TLS handshake."""

    deadline: Deadline

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        connected.settimeout(self.deadline.left_seconds())
        return connected


@contextmanager
def _ended_by(deadline: Deadline, connection: HTTPConnection) -> Iterator[None]:
    """Shut the connection at the deadline: the socket's own time-out starts again with every byte that arrives."""
    sock = connection.sock
    timer = Timer(deadline.left_seconds(), _shut, args=[sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        deadline.left_seconds()  # an answer that the deadline cut off may look complete


def _shut(sock: socket.socket | None) -> None:
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
