"""A private, throw-away MariaDB for tests, crash tests and benches.

with mariadb() as server:
    server.url("anything")          # mysql://..., with an account that has no administrative rights

python -m tests.support.mariadb -- COMMAND     runs COMMAND with MONETIZATION_DATABASE_URL set
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.ports import free_port
from tests.support import process

UNPACKED = Path(__file__).resolve().parent.parent.parent / ".venv" / "mariadb"  # bootstrap.py, without root
USER = PASSWORD = DATABASE = "sunusav"
GREETING_TIMEOUT_SECONDS = 1.0


class MariaDbMissing(Exception):
    """There is no MariaDB server on this machine."""


@dataclass(frozen=True)
class Server:
    port: int
    socket: Path
    pid: int

    def url(self, database: str = DATABASE) -> str:
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True)
class Installation:
    """The paths of the server's programs, and the options and libraries they need there."""

    mariadbd: Path
    install_db: Path
    options: tuple[str, ...] = ()
    libraries: str = ""

    def popen(self) -> dict[str, Any]:
        environment = {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}
        return {"env": {**os.environ, **environment}, **process.unprivileged()}


def find_installation() -> Installation | None:
    """Return the system's MariaDB, or else the one that bootstrap.py unpacked under `.venv`."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    server, install = shutil.which("mariadbd", path=path), shutil.which("mariadb-install-db", path=path)
    if server and install:
        return Installation(Path(server), Path(install))
    if not (UNPACKED / "usr/sbin/mariadbd").exists():
        return None
    libraries = ":".join(str(folder) for folder in UNPACKED.glob("usr/lib/*-linux-gnu*"))
    return Installation(
        UNPACKED / "usr/sbin/mariadbd",
        UNPACKED / "usr/bin/mariadb-install-db",
        options=(f"--basedir={UNPACKED}/usr", f"--lc-messages-dir={UNPACKED}/usr/share/mysql"),
        libraries=libraries,
    )


@contextmanager
def mariadb(*, flush_log_at_commit: int = 0, options: Sequence[str] = ()) -> Iterator[Server]:
    """Run a MariaDB on a free loopback port until the block ends.

    `flush_log_at_commit` is InnoDB's setting: 1 keeps every commit through a crash, 0 is faster, and then no other
    file is synced either. `options` of the server are added to ours, and win.
    Raises: MariaDbMissing, process.ServerDidNotStart.
    """
    found = find_installation()
    if found is None:
        raise MariaDbMissing("no mariadbd with mariadb-install-db was found")
    with process.folder("mariadb") as home:
        process.own(home)
        _create_data(found, home)
        port = free_port()
        command = [str(found.mariadbd), *_options(found, home, port, flush_log_at_commit), *options]
        log = home / "log"
        with process.child(command, log=log, ready=lambda: _greets(port), **found.popen()) as server:
            yield Server(port=port, socket=home / "sock", pid=server.pid)


def _create_data(found: Installation, home: Path) -> None:
    command = [
        *(str(found.install_db), "--no-defaults", *found.options, f"--datadir={home}/data"),
        *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
    ]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=home,
        **found.popen(),
    )
    if done.returncode:
        raise process.ServerDidNotStart((done.stdout + done.stderr).decode(errors="replace")[-2000:])
    init = home / "init.sql"
    # GRANT ALL on *.* includes SUPER, under which triggers would need no log_bin_trust_function_creators.
    init.write_text(
        f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON `{DATABASE}%`.* TO '{USER}'@'%';\n"
        f"GRANT ALL ON `test%`.* TO '{USER}'@'%';\n"
        f"GRANT PROCESS ON *.* TO '{USER}'@'%';\n"
        f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;\n"
    )
    init.chmod(0o644)


def _options(found: Installation, home: Path, port: int, flush_log_at_commit: int) -> list[str]:
    return [
        *("--no-defaults", *found.options, f"--datadir={home}/data", f"--tmpdir={home}"),
        *(f"--socket={home}/sock", f"--pid-file={home}/pid", f"--init-file={home}/init.sql"),
        *(f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=300"),
        *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"),
        # The defaults of MySQL 8; with them an ordinary account may create triggers only because of the third option.
        *("--log-bin=binlog", "--binlog-format=ROW", "--log-bin-trust-function-creators=1", "--server-id=1"),
        *(f"--innodb-flush-log-at-trx-commit={flush_log_at_commit}", f"--sync-binlog={flush_log_at_commit}"),
        *("--innodb-buffer-pool-size=256M", "--innodb-log-file-size=64M", "--innodb-doublewrite=0"),
        *("--performance-schema=OFF", "--skip-slow-query-log"),
        # A table or trigger is created or dropped in a tenth of the time.
        *([] if flush_log_at_commit else ["--debug-no-sync"]),
    ]


def _greets(port: int) -> bool:
    """Return whether the server sends its greeting: it listens earlier, but greets only after its init file has run."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=GREETING_TIMEOUT_SECONDS) as connection:
            return bool(connection.recv(1))
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.mariadb")
    parser.add_argument("--flush-log-at-commit", type=int, default=1, choices=(0, 1, 2))
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    with mariadb(flush_log_at_commit=options.flush_log_at_commit) as server:
        environment = {**os.environ, "MONETIZATION_DATABASE_URL": server.url()}
        return subprocess.run(options.command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
