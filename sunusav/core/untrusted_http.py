"""Asking addresses that strangers give us: the wire below `sunusav.core.http.UntrustedHostClient`.

Nothing here knows a proxy, a cookie or a redirect. A deadline holds for the whole, however slowly bytes drip.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from http.client import HTTPResponse
from ipaddress import IPv6Address, ip_address
from threading import Thread
from typing import Any, cast

from sunusav.core.web_addresses import (
    AddressForbidden,
    WebAddress,
    is_loopback,
    is_public,
)

Resolver = Callable[[str], Sequence[str]]
MAX_ADDRESSES_TRIED = 3
# Beyond the body: headers, and the sizes of chunks.
MAX_OVERHEAD_BYTES = 64_000


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
    """Do what cannot be interrupted in a thread that may be left behind: the system's resolver has its own patience."""
    done: Future[Sequence[str]] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001  (raised again where the answer is awaited)
            done.set_exception(error)

    Thread(target=run, daemon=True, name="resolver").start()
    return done.result(timeout=deadline.left_seconds())


def connect(addresses: Sequence[str], port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first of these very addresses that answers. Raises: OSError."""
    tried = addresses[:MAX_ADDRESSES_TRIED]
    failure = OSError("the name has no address")
    for position, address in enumerate(tried):
        wait_seconds = deadline.left_seconds() / (len(tried) - position)
        try:
            return _connected(address, port, wait_seconds)
        except OSError as error:
            failure = error
    raise failure


def _connected(address: str, port: int, wait_seconds: float) -> socket.socket:
    is_six = isinstance(ip_address(address), IPv6Address)
    made = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(wait_seconds)
    try:
        made.connect((address, port))
    except BaseException:
        made.close()
        raise
    return made


def secured(
    plain: socket.socket, address: WebAddress, tls: ssl.SSLContext, deadline: Deadline
) -> socket.socket:
    """Speak TLS to the name of the address, not to the number it has. Raises: OSError."""
    try:
        plain.settimeout(deadline.left_seconds())
        return tls.wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        plain.close()
        raise


class Answer:
    """What came back: status, body (cut off where it grew too long), and whether it was cut or encoded."""

    def __init__(self, response: HTTPResponse, max_bytes: int) -> None:
        self.status = response.status
        self.is_encoded = response.getheader("Content-Encoding", "identity").strip().lower() not in (
            "",
            "identity",
        )
        self.body = b"" if self.is_encoded else response.read(max_bytes + 1)
        self.is_too_long = len(self.body) > max_bytes


def exchange(wire: socket.socket, address: WebAddress, deadline: Deadline, *, max_bytes: int) -> Answer:
    """Ask once and read the answer. Raises: OSError, http.client.HTTPException."""
    request = (
        f"GET {address.target} HTTP/1.1\r\nHost: {address.authority}\r\nAccept: application/json\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: SunuSav\r\nConnection: close\r\n\r\n"
    )
    with closing(wire):
        wire.settimeout(deadline.left_seconds())
        wire.sendall(request.encode("ascii"))
        source = _Source(wire, deadline, max_bytes + MAX_OVERHEAD_BYTES)
        with closing(HTTPResponse(cast(socket.socket, source), method="GET")) as response:
            response.begin()
            return Answer(response, max_bytes)


class _Source:
    """What `http.client` reads an answer from."""

    def __init__(self, wire: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._raw = _Bounded(wire, deadline, max_bytes)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Bounded(io.RawIOBase):
    """A socket's bytes, as long as deadline and limit allow."""

    def __init__(self, wire: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        super().__init__()
        self._wire, self._deadline, self._left = wire, deadline, max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise OSError("the answer is too long")
        self._wire.settimeout(self._deadline.left_seconds())
        got = self._wire.recv_into(buffer, min(len(buffer), self._left))
        self._left -= got
        return got
