"""`tests/support` and the fixtures of every test."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest
from django.db import DatabaseError, connection, transaction

from sunusav.core.migration_operations import AppendOnly
from tests.support import baseline, flush, network, process
from tests.support.leg import chosen_leg, pytest_collection_modifyitems
from tests.support.locks import PATIENCE_SECONDS
from tests.support.mariadb import mariadb
from tests.support.redis import redis

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = "support_notes"


@pytest.fixture
def append_only_table(transactional_db: None) -> Iterator[str]:
    """Create a table as apps do: append-only, with a stored generated column."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, note varchar(20), "
            "loud varchar(20) GENERATED ALWAYS AS (upper(note)) STORED)"
        )
    with connection.schema_editor() as editor:
        AppendOnly(TABLE).database_forwards("support", editor, None, None)
    yield TABLE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


def _execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def _insert(*notes: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {TABLE} (id, note) VALUES (%s, %s)", list(enumerate(notes, start=1)))


def _rows() -> list[tuple[int, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, note, loud FROM {TABLE} ORDER BY id")
        return list(cursor.fetchall())


@pytest.mark.parametrize("statement", [f"UPDATE {TABLE} SET note = 'other'", f"DELETE FROM {TABLE}"])
def test_change_append_only_row_is_refused(append_only_table: str, statement: str) -> None:
    _insert("first")

    with pytest.raises(DatabaseError, match=f"{TABLE} is append-only"):
        _execute(statement)

    assert _rows() == [(1, "first", "FIRST")]


def test_flush_empties_append_only_table_and_leaves_its_triggers(append_only_table: str) -> None:
    _insert("first", "second")

    flush.flush(connection)

    assert _rows() == []
    _insert("third")
    with pytest.raises(DatabaseError, match="append-only"):
        _execute(f"DELETE FROM {TABLE}")


def test_restore_baseline_puts_remembered_rows_back(
    append_only_table: str,
) -> None:
    _insert("first", "second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "_remembered", {})
        baseline.remember(connection)

        flush.flush(connection)
        baseline.restore(connection)

    assert _rows() == [(1, "first", "FIRST"), (2, "second", "SECOND")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_transactional_test_finds_database_as_migrated(turn: str) -> None:
    before = {table: rows for table, (_, rows) in baseline._remembered["default"].items()}
    now = {table: baseline._rows(connection, table)[1] for table in flush.tables_with_rows(connection)}
    assert now == before

    from sunusav.core.models import User

    User.objects.create_user(username=f"left-behind-{turn}")


@pytest.mark.mariadb
@pytest.mark.django_db
def test_mariadb_leg_runs_as_production_does() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@log_bin, @@binlog_format, @@tx_isolation, @@character_set_database")
        assert cursor.fetchone() == (1, "ROW", "READ-COMMITTED", "utf8mb4")
        cursor.execute("SELECT CURRENT_USER(), DATABASE()")
        account, name = cursor.fetchone()
    assert account == "sunusav@%"
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    assert name == (f"test_sunusav_{worker}" if worker else "test_sunusav")


@pytest.mark.mariadb
def test_mariadb_ends_with_the_process_that_started_it() -> None:
    code = (
        "import time\nfrom tests.support.mariadb import mariadb\n"
        "with mariadb() as server:\n    print(server.pid, flush=True)\n    time.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server_pid = int(starter.stdout.readline())
    starter.stdout.close()

    starter.kill()
    starter.wait()

    assert _is_gone(server_pid)


def _is_gone(pid: int, within_seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if not process._is_alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.mariadb
def test_run_command_on_private_mariadb_gives_its_url_and_status() -> None:
    command = [
        sys.executable,
        "-c",
        "import os; print(os.environ['MONETIZATION_DATABASE_URL']); raise SystemExit(7)",
    ]

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.mariadb", "--", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 7
    assert done.stdout.startswith("mysql://sunusav:sunusav@127.0.0.1:")


def test_child_of_process_that_uses_grpc_starts_with_one_thread() -> None:
    reading, writing = os.pipe()

    def count_threads() -> None:
        os.write(writing, str(len(list(Path("/proc/self/task").iterdir()))).encode())

    with grpc.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/service/method", None, None)(b"", timeout=10)
        subprocess.run([sys.executable, "-c", ""], check=True, preexec_fn=count_threads)

    assert os.read(reading, 8) == b"1"
    os.close(reading)
    os.close(writing)


def test_process_of_a_test_stores_bytecode() -> None:
    asked = [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode)"]

    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "False\n"


@pytest.mark.redis
def test_redis_answers_and_stops() -> None:
    with redis() as server, socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(7) == b"+PONG\r\n"

    assert _is_gone(server.pid)


def test_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]

    server = process.child(command, log=tmp_path / "log", ready=lambda: False)
    with pytest.raises(process.ServerDidNotStart, match="no such option"), server:
        pytest.fail("it must not be called ready")


def test_folder_of_killed_run_is_removed_by_the_next() -> None:
    with process.folder("support") as mine:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        left = mine.with_name(f"{process.PREFIX}-support-{ended.pid}-left")
        left.mkdir()

        with process.folder("support") as next_one:
            assert next_one.exists()
            assert not left.exists()
            assert mine.exists()

    assert not mine.exists()


@pytest.mark.parametrize(
    "address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0), ("example.org", 80), ("10.0.0.1", 80)]
)
def test_connect_beyond_this_machine_is_refused(address: tuple[object, ...]) -> None:
    family = socket.AF_INET6 if ":" in str(address[0]) else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(network.NetworkIsClosed):
        client.connect(address)


def test_look_up_beyond_this_machine_is_refused() -> None:
    with pytest.raises(network.NetworkIsClosed, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)


def test_choose_unknown_leg_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE", "oracle")

    with pytest.raises(pytest.UsageError, match="'oracle'; it may be mariadb or sqlite"):
        chosen_leg()


@pytest.mark.parametrize(("ci", "asked"), [("true", ""), ("", "mariadb")])
def test_choose_mariadb_where_there_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, ci: str, asked: str
) -> None:
    monkeypatch.setattr("tests.support.leg.find_installation", lambda: None)
    monkeypatch.setenv("TEST_DATABASE", asked)
    monkeypatch.setenv("CI", ci)

    with pytest.raises(pytest.UsageError, match="the MariaDB leg cannot run"):
        chosen_leg()


def test_choose_nothing_where_there_is_no_mariadb_takes_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.leg.find_installation", lambda: None)
    monkeypatch.setenv("TEST_DATABASE", "")
    monkeypatch.setenv("CI", "")

    assert chosen_leg() == "sqlite"


class Requested:
    """A collected test, as far as its leg is chosen by it."""

    def __init__(
        self, *marks: str, fixtures: tuple[str, ...] = (), path: str = "tests/core/test_a.py"
    ) -> None:
        self.marks, self.fixturenames, self.nodeid = marks, fixtures, f"{path}::test_it"

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None


@pytest.mark.parametrize(
    ("leg", "legs", "kept"),
    [
        ("mariadb", "mariadb sqlite", ["pure", "db", "fixture", "each", "page", "list", "mariadb"]),
        ("sqlite", "mariadb sqlite", ["db", "fixture", "each", "list"]),
        ("sqlite", "sqlite", ["pure", "db", "fixture", "each", "page", "list"]),
        ("sqlite", "", ["pure", "db", "fixture", "each", "page", "list"]),
    ],
)
def test_pages_and_tests_without_a_database_run_once_where_both_legs_run(
    leg: str, legs: str, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_DATABASE", leg)
    monkeypatch.setenv("TEST_LEGS", legs)
    collected = {
        "pure": Requested(), "db": Requested("django_db"), "fixture": Requested(fixtures=("db",)),
        "each": Requested("each_leg"), "page": Requested("django_db", path="tests/backoffice/test_a.py"),
        "list": Requested("django_db", "each_leg", path="tests/backoffice/test_a.py"),
        "mariadb": Requested("django_db", "mariadb"),
    }  # fmt: skip
    items: list[Any] = list(collected.values())
    deselected: list[Any] = []
    config = SimpleNamespace(
        hook=SimpleNamespace(pytest_deselected=lambda *, items: deselected.extend(items))
    )

    pytest_collection_modifyitems(cast(pytest.Config, config), items)

    names = {item: name for name, item in collected.items()}
    assert [names[item] for item in items] == kept
    assert {names[item] for item in deselected} == collected.keys() - set(kept)


@pytest.mark.soak
@pytest.mark.mariadb
def test_start_and_stop_servers_many_times_leaves_nothing() -> None:
    rounds = {"short": 3, "full": 50}[os.environ.get("SOAK_SIZE", "short")]
    before, pids = _folders(), []
    for _ in range(rounds):
        with mariadb() as database, redis() as broker:
            pids += [database.pid, broker.pid]

    assert not [pid for pid in pids if process._is_alive(pid)]
    assert _folders() == before


def _folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{process.PREFIX}-*-{os.getpid()}-*"))
