"""Prepare this checkout to run: `.venv` with the locked requirements, and the system packages they need.

Uses only the standard library, because it runs before anything is installed: `python3 sandbox/bootstrap.py`.
`--dev` adds what the tests and `make lint` need, `--databases` a MariaDB and Chromium for the tests. When nothing has
changed since the last run it returns at once. The output of the installers is in `.run/bootstrap.log`.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed.json"
STATE = ROOT / ".run"
LOG = STATE / "bootstrap.log"
UNPACKED_MARIADB = VENV / "mariadb"

OLDEST, NEWEST = (3, 11), (3, 13)
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
DRIVER = "mysqlclient"  # the one requirement that is compiled, against a C library of the system
CLIENT_LIBRARIES = (
    "mysqlclient",
    "mariadb",
    "libmariadb",
    "perconaserverclient",
)  # the names that mysqlclient's build looks for
MARIADB_PACKAGES = ["mariadb-server-core", "mariadb-client-core"]
# The browser that tests of the back office drive.
BROWSER_PACKAGES = ["chromium"]
# Libraries that the server links to, unpacked with it where we are not root.
MARIADB_LIBRARIES = ["mysql-common", "libmariadb3", "libaio1", "liburing2", "libnuma1"]


class CannotPrepare(Exception):
    """Something is missing that only the user can install; the message names it."""


def main(arguments: list[str] | None = None) -> int:
    """Prepare the checkout; print the problem and return 1 when that is not possible."""
    options = parse(arguments)
    use_supported_python()
    STATE.mkdir(exist_ok=True)
    try:
        with (STATE / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two `make` processes must not write to one .venv at once
            prepare(DEVELOPMENT if options.dev else RUNTIME, databases=options.databases)
    except CannotPrepare as problem:
        print(f"bootstrap: {problem}", file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dev", action="store_true", help="install what tests and linters need")
    parser.add_argument(
        "--databases", action="store_true", help="provide a MariaDB server and a browser for the tests"
    )
    return parser.parse_args(arguments)


def use_supported_python() -> None:
    """Restart under a supported Python if this one is not, or exit with one line."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and succeeds([other, "-c", ""]):
            os.execv(other, [other, *sys.argv])  # noqa: S606 - a Python found on PATH, our own arguments
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(f"bootstrap: Python 3.11, 3.12 or 3.13 is needed, and python3 is {found}. Install one of them.")


def prepare(requirements: str, *, databases: bool) -> None:
    stamp = read_stamp()
    current = PYTHON.exists() and stamp.get(requirements) == digest(requirements)
    if not current or stamp.get(DRIVER) != "installed" or (databases and not has_mariadb()):
        install_system_packages(missing_system_packages(databases=databases))
    if not current:
        stamp = install_requirements(requirements)
    driver = stamp.get(DRIVER) == "installed" or install_driver(requirements, stamp)
    if databases and driver and not has_mariadb():
        unpack_mariadb()
    if databases and not find("chromium"):
        install_system_packages(
            BROWSER_PACKAGES
        )  # on its own: without it, the tests in a browser are skipped


# ------------------------------------------------------------------------------------- what is installed already


def digest(requirements: str) -> str:
    """Return a hash of a requirements file and of the Python it is installed for."""
    text = (ROOT / requirements).read_bytes() + sys.version.encode() + sys.base_prefix.encode()
    return hashlib.sha256(text).hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Record what is installed. Written last and atomically, so that an interrupted run is repeated."""
    draft = STAMP.with_suffix(".draft")
    draft.write_text(json.dumps(stamp, indent=1))
    draft.replace(STAMP)


def has_mariadb() -> bool:
    if (UNPACKED_MARIADB / "usr" / "sbin" / "mariadbd").exists():
        return True
    return bool(find("mariadbd")) and bool(find("mariadb-install-db"))


def has_client_library() -> bool:
    return bool(find("pkg-config")) and any(
        succeeds(["pkg-config", "--exists", library]) for library in CLIENT_LIBRARIES
    )


def has_python_headers() -> bool:
    return Path(sysconfig.get_path("include"), "Python.h").exists()


def find(program: str) -> str | None:
    """Find a program, also in the folders of servers that a user's PATH may not contain."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def missing_system_packages(*, databases: bool) -> list[str]:
    """Return the missing Debian packages, in the order in which they are needed."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    packages = []
    if importlib.util.find_spec("ensurepip") is None:
        packages.append(f"python{version}-venv")
    if not find("gcc"):
        packages += ["gcc", "libc6-dev"]
    if not has_python_headers():
        packages.append(f"python{version}-dev")
    if not has_client_library():
        packages += ["libmariadb-dev", "pkg-config"]
    if databases and not has_mariadb():
        packages += MARIADB_PACKAGES
    return packages


# -------------------------------------------------------------------------------------------- system packages


def install_system_packages(packages: list[str]) -> None:
    """Install Debian packages as root; otherwise print which are missing and continue."""
    if not packages:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        report(f"not on this machine: {', '.join(packages)}. Continuing without them.")
        return
    apt = ["apt-get", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"]
    try:
        with step(f"installing system packages: {' '.join(packages)}"):
            succeeds([*apt, "update"])  # may fail for one unreachable source; the others are still used
            run([*apt, "install", "-y", "--no-install-recommends", *packages])
    except CannotPrepare as problem:
        report(f"continuing without: {problem}")  # a later step that needs one reports it


def unpack_mariadb() -> None:
    """Download MariaDB's packages and unpack them under `.venv`, which needs no root."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        report("no MariaDB server found: install it (mariadbd and mariadb-install-db) to test on MariaDB.")
        return
    shutil.rmtree(UNPACKED_MARIADB, ignore_errors=True)
    try:
        with step("unpacking a MariaDB server into .venv"), tempfile.TemporaryDirectory(dir=STATE) as folder:
            run(["apt-get", "download", *MARIADB_PACKAGES, *MARIADB_LIBRARIES], directory=folder)
            tree = Path(folder, "tree")
            for package in sorted(Path(folder).glob("*.deb")):
                run(["dpkg", "-x", str(package), str(tree)])
            tree.rename(UNPACKED_MARIADB)
    except CannotPrepare as problem:
        report(f"continuing without MariaDB: {problem}")


# ------------------------------------------------------------------------------------------------------ .venv


def install_requirements(requirements: str) -> dict[str, str]:
    """Install everything except the driver, with hashes checked, and record it in the stamp."""
    with step(f"installing {requirements} into .venv"):
        if not succeeds([str(PYTHON), "-m", "pip", "--version"]):
            create_environment()
        STAMP.unlink(missing_ok=True)
        install(locked(requirements, without=DRIVER))
    stamp = {name: digest(name) for name in {RUNTIME, requirements}}
    write_stamp(stamp)
    return stamp


def create_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise CannotPrepare("this Python has no venv module: install python3-venv.")
    python = getattr(sys, "_base_executable", sys.executable)  # not .venv's own, which --clear removes
    run([python, "-m", "venv", "--clear", str(VENV)])


def install_driver(requirements: str, stamp: dict[str, str]) -> bool:
    """Compile the MySQL driver, which SQLite does not need; return whether it is installed."""
    if not (find("gcc") and has_python_headers() and has_client_library()):
        report(
            f"without the MySQL driver: {DRIVER} needs gcc, Python's headers, pkg-config and libmariadb-dev."
        )
        return False
    with step(f"compiling {DRIVER}"):
        install(locked(requirements, only=DRIVER))
    write_stamp({**stamp, DRIVER: "installed"})
    return True


def install(requirements: str) -> None:
    """Install locked requirements with uv, which takes a tenth of the time, or with pip where uv fails.

    uv does not read pip.conf, so behind a private index only pip finds the packages.
    """
    with requirements_file(requirements) as name:
        options = ["install", "--no-deps", "--require-hashes", "-r", name]
        if has_uv() and succeeds([str(PYTHON), "-m", "uv", "pip", *options, "--python", str(PYTHON)]):
            return
        run([str(PYTHON), "-m", "pip", *options])


def has_uv() -> bool:
    if succeeds([str(PYTHON), "-m", "uv", "--version"]):
        return True
    with requirements_file(locked(DEVELOPMENT, only="uv")) as name:
        options = ["install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", name]
        return succeeds([str(PYTHON), "-m", "pip", *options])


@contextlib.contextmanager
def requirements_file(text: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=STATE) as file:
        file.write(text)
        file.flush()
        yield file.name


def locked(requirements: str, *, only: str = "", without: str = "") -> str:
    """Return a locked file with only one package, or without one."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / requirements).read_text())
    names = [re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0] for entry in entries]
    kept = [
        entry
        for name, entry in zip(names, entries, strict=True)
        if name != without and (not only or name == only)
    ]
    return "\n".join(kept) + "\n"


# ----------------------------------------------------------------------------------------- output and commands


def report(text: str) -> None:
    print(f"bootstrap: {text}", flush=True)


class step:  # noqa: N801 - reads as a verb where it is used: `with step("compiling"):`
    """Print a step and how long it took; a failing command raises CannotPrepare with the end of the log."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> None:
        self.begun = time.monotonic()
        print(f"bootstrap: {self.text} ... ", end="", flush=True)

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if problem is None:
            print(f"{time.monotonic() - self.begun:.0f} s", flush=True)
            return
        print("failed", flush=True)
        if isinstance(problem, subprocess.CalledProcessError):
            raise CannotPrepare(
                f"`{' '.join(problem.cmd[:4])} ...` failed; the end of {LOG}:\n{end_of_log()}"
            ) from None


def end_of_log() -> str:
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-12:])


def run(command: list[str], *, directory: str | None = None) -> None:
    """Run a command with its output in the log. Raises: CalledProcessError."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with LOG.open("a") as log:
        print("$", *command, file=log, flush=True)
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=directory,
        )


def succeeds(command: list[str]) -> bool:
    try:
        run(command)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
