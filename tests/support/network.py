"""Close the network: a test that connects to another machine fails at once.

This covers Python's sockets. C libraries (grpc, the MySQL driver) open their own; tests give them loopback addresses
only.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class NetworkIsClosed(RuntimeError):
    """A test tried to reach another machine.

    It is no OSError, so that code which tolerates network errors does not hide it.
    """


_is_open = False


@contextmanager
def opened() -> Iterator[None]:
    """Permit other machines until the block ends: for tests that a person runs against a provider's own host."""
    global _is_open  # noqa: PLW0603  (one process, one network)
    _is_open = True
    try:
        yield
    finally:
        _is_open = False


def is_local(address: Any) -> bool:
    """Return whether an address is a Unix socket or on the loopback interface."""
    if isinstance(address, (str, bytes)):
        return True
    host = str(address[0])
    return host in ("", "localhost") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@contextmanager
def closed() -> Iterator[None]:
    """Refuse connections to other machines and look-ups of their names until the block ends."""
    with (
        patch.object(socket.socket, "connect", _guard(socket.socket.connect)),
        patch.object(socket.socket, "connect_ex", _guard(socket.socket.connect_ex)),
        patch.object(socket, "getaddrinfo", _guard_lookup(socket.getaddrinfo)),
    ):
        yield


def _guard(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if not (_is_open or is_local(address)):
            raise NetworkIsClosed(f"the network is closed in tests: {address}")
        return connect(self, address)

    return guarded


def _guard_lookup(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not (_is_open or is_local((name,))):
            raise NetworkIsClosed(f"the network is closed in tests: {name}")
        return look_up(host, *args, **kwargs)

    return guarded
