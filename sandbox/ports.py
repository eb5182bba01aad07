import secrets
import socket
from contextlib import ExitStack, suppress

PORTS = range(20_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether no process listens on a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port on which no process listens at this moment."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return different ports on which no process listens at this moment.

    They are below those that outgoing connections get, which would take the port of a server while it restarts.
    """
    with ExitStack() as held:
        return [_held_port(held) for _ in range(count)]


def _held_port(held: ExitStack) -> int:
    """Return a free port that stays bound until the stack is closed, so that the next one is another."""
    while True:
        port = secrets.choice(PORTS)
        probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
