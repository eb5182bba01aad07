"""Child processes that never outlive us, and folders and ports for them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PREFIX = "sunusav-test"
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
NOBODY = 65534
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerDidNotStart(Exception):
    """A throw-away server ended or stayed silent; the message carries the end of its log."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """Yield a new folder that is removed at the end, and remove what killed runs left behind.

    Its path is short, because a Unix socket's may have 107 bytes.
    """
    base = Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}-{kind}-*"):
        if not _is_alive(int(left.name.split("-")[3])):
            shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{kind}-{os.getpid()}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def unprivileged() -> dict[str, Any]:
    """Return what makes Popen run a child as `nobody` when we are root, as whom MariaDB refuses to run."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def own(path: Path) -> None:
    """Give a path to whom `unprivileged` names."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@contextmanager
def child(
    command: list[str], *, log: Path, ready: Callable[[], bool], **popen: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends; yield once `ready` says so. It dies with us even when we are killed.

    Raises: ServerDidNotStart.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            start_new_session=True,  # Ctrl-C reaches us first; we stop it in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - after the change of user, which would clear it
            **popen,
        )
    try:
        _await(process, ready, log)
        yield process
    finally:
        stop(process)


def _await(process: "subprocess.Popen[bytes]", ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ServerDidNotStart(f"{process.args!r} did not start; the end of its log:\n{end}")
        time.sleep(0.02)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process to end, by its pid; insist when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
