"""Child processes that end with this process, and folders for them."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PREFIX = "sunusav-test"
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
NOBODY = 65534
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServerDidNotStart(Exception):
    """A throw-away server ended or did not become ready; the message has the end of its log."""


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """Yield a new folder and remove it at the end; remove the folders that killed runs left behind.

    The path is short, because the path of a Unix socket is limited to 107 bytes.
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
    """Return the Popen arguments that run a child as `nobody` if we are root; MariaDB refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def own(path: Path) -> None:
    """Make the user of `unprivileged` the owner of a path."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


# The interpreter sets what `die_with_parent` sets, then becomes the command.
_TIE = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def tied_to_us(command: list[str]) -> list[str]:
    """Return a command that runs another, given by its path, and ends with us; nothing runs between fork and exec."""
    return [sys.executable, "-S", "-c", _TIE, str(os.getpid()), *command]


@contextmanager
def child(
    command: list[str], *, log: Path, ready: Callable[[], bool], **popen: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends; yield once `ready` returns true. It ends with us even if we are killed.

    Where this process uses gRPC, pass `tied_to_us(command)` and no `preexec_fn`: gRPC may abort a forked child.
    Raises: ServerDidNotStart.
    """
    # It runs after the change of user, which would clear the setting.
    popen.setdefault("preexec_fn", die_with_parent)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            start_new_session=True,  # Ctrl-C reaches only us; we then stop the servers in order
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
    """Terminate a process; kill it if it does not end in time."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
