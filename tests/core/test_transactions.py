"""A frozen client loses its transaction at the server; a deadlock is tried again."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from sunusav.core.models import Lock
from sunusav.core.mysql import IDLE_SECONDS, LOCK_WAIT_SECONDS
from sunusav.core.transactions import TRIES, lift_idle_limit, retried_on_deadlock
from tests.support.database import url_of

FIRST, SECOND = "trail", "books"
DEADLOCK, LOCK_WAIT_TIMEOUT, GONE = 1213, 1205, 2006


@pytest.mark.mariadb
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["idle", "reading"])
def test_frozen_client_loses_its_transaction_and_its_locks(where: str) -> None:
    """The lock that we wait for is given to us: without the limit this fails with a lock wait timeout."""
    with _frozen_holder(where) as holder:
        with transaction.atomic():
            Lock.objects.select_for_update().get(name=FIRST)
        holder.send_signal(signal.SIGCONT)
        answer, _ = holder.communicate(timeout=60)

    timeout = _server_timeout()
    assert json.loads(answer) == {
        "error": "OperationalError",
        "is_usable_again": True,
        "wait_timeout": [timeout, timeout],
    }
    assert Lock.objects.get(name=FIRST).floor == 0


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_idle_limit_applies_inside_transactions_only() -> None:
    outside = _session("wait_timeout")
    with transaction.atomic():
        assert _session("wait_timeout") == IDLE_SECONDS
        lift_idle_limit()
        assert _session("wait_timeout") == outside
    with transaction.atomic():
        assert _session("wait_timeout") == IDLE_SECONDS
        transaction.set_rollback(True)
    assert _session("wait_timeout") == outside == _server_timeout()
    assert _session("autocommit") == 1


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_connection_waits_longer_for_a_lock_than_a_frozen_client_may_hold_it() -> None:
    assert _session("innodb_lock_wait_timeout") == LOCK_WAIT_SECONDS > IDLE_SECONDS
    assert _session("net_read_timeout") == _session("net_write_timeout") == IDLE_SECONDS


@pytest.mark.django_db
def test_lift_idle_limit_sends_nothing_to_sqlite() -> None:
    with CaptureQueriesContext(connection) as queries:
        lift_idle_limit()
    assert len(queries) == (connection.vendor == "mysql")


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_deadlocked_transactions_are_tried_again_and_both_commit() -> None:
    both_hold_one = threading.Barrier(2)
    started: set[str] = set()
    conflicts: list[OperationalError] = []

    @retried_on_deadlock
    def add_to_both(chains: list[str]) -> None:
        with transaction.atomic(durable=True):
            _add_one(chains[0])
            if chains[0] not in started:
                started.add(chains[0])
                both_hold_one.wait(10)
            with _collecting(conflicts):
                _add_one(chains[1])

    _at_once(add_to_both, [[FIRST, SECOND], [SECOND, FIRST]])

    assert [error.args[0] for error in conflicts] == [DEADLOCK]
    marks = Lock.objects.filter(name__in=[FIRST, SECOND]).values_list("name", "floor")
    assert dict(marks) == {FIRST: 2, SECOND: 2}


@pytest.mark.parametrize("code", [DEADLOCK, LOCK_WAIT_TIMEOUT])
@pytest.mark.django_db(transaction=True)
def test_lock_conflict_is_raised_after_the_last_try(code: int) -> None:
    calls: list[Any] = []
    with pytest.raises(OperationalError):
        retried_on_deadlock(_failing(code, calls))(1, two=2)
    assert calls == [((1,), {"two": 2})] * TRIES


@pytest.mark.django_db(transaction=True)
def test_other_errors_of_the_database_are_raised_at_once() -> None:
    calls: list[Any] = []
    with pytest.raises(OperationalError):
        retried_on_deadlock(_failing(GONE, calls))()
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_lock_conflict_inside_a_transaction_is_raised_at_once() -> None:
    calls: list[Any] = []
    with pytest.raises(OperationalError), transaction.atomic():
        retried_on_deadlock(_failing(DEADLOCK, calls))()
    assert len(calls) == 1


@contextmanager
def _frozen_holder(where: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that has stopped itself with a lock on the row of FIRST."""
    environment = {**os.environ, "MONETIZATION_DATABASE_URL": url_of(connection.settings_dict)}
    command = [sys.executable, "-m", "tests.core.lock_holder", FIRST, where]
    holder = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        _, status = os.waitpid(holder.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the process ended instead of stopping"
        yield holder
    finally:
        holder.kill()
        holder.wait()


def _session(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@SESSION.{name}")
        return int(cursor.fetchone()[0])


def _server_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.wait_timeout")
        return int(cursor.fetchone()[0])


def _add_one(chain: str) -> None:
    row = Lock.objects.select_for_update().get(name=chain)
    Lock.objects.filter(name=chain).update(floor=row.floor + 1)


@contextmanager
def _collecting(errors: list[OperationalError]) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        errors.append(error)
        raise


def _at_once(work: Any, arguments: list[Any]) -> None:
    def run(argument: Any) -> None:
        try:
            work(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        list(pool.map(run, arguments))


def _failing(code: int, calls: list[Any]) -> Callable[..., None]:
    """Return a function that remembers its calls and fails with this error of the database."""

    def fail(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))
        raise OperationalError(code, "from the test")

    return fail
