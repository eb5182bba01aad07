"""Locks by name: on rows of their own, made on first use, in one order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from sunusav.core import locks
from sunusav.core.locks import lock
from sunusav.core.models import Lock
from tests.support.locks import locked_tables, wait_until_blocked

NEW = "account:bank:XOF"


@pytest.mark.django_db
def test_lock_a_new_name_inserts_its_row_once() -> None:
    lock(NEW)
    lock(NEW)

    assert Lock.objects.filter(name=NEW).count() == 1


@pytest.mark.django_db
def test_lock_keeps_the_floor_of_a_chain() -> None:
    Lock.objects.filter(name="trail").update(floor=7)

    lock("trail")
    locks._insert("trail")

    assert Lock.objects.get(name="trail").floor == 7


@pytest.mark.django_db
def test_lock_takes_names_in_sorted_order_and_each_once() -> None:
    lock("b", "a")
    with CaptureQueriesContext(connection) as queries:
        lock("b", "a", "b")

    assert len(queries) == 2
    assert "'a'" in queries[0]["sql"]
    assert "'b'" in queries[1]["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize("is_locked", [locks._is_locked, locks._is_locked_orm])
def test_lock_reads_its_row_for_update(is_locked: Callable[[str], bool]) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert is_locked("trail")
        assert not is_locked(NEW)

    can_lock = connection.features.has_select_for_update
    assert locked_tables(query["sql"] for query in queries) == ({"core_lock"} if can_lock else set())


@pytest.mark.django_db
@pytest.mark.parametrize("insert", [locks._insert, locks._insert_orm])
def test_insert_leaves_one_row(insert: Callable[[str], None]) -> None:
    insert(NEW)
    insert(NEW)

    assert Lock.objects.get(name=NEW).floor == 0


@pytest.mark.django_db(transaction=True)
def test_lock_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="inside a transaction"):
        lock(NEW)


def counted(name: str) -> None:
    """Add one to the floor of a name, in two steps that only the lock keeps together."""
    with transaction.atomic():
        lock(name)
        before = Lock.objects.get(name=name).floor
        Lock.objects.filter(name=name).update(floor=before + 1)


def at_once(work: Callable[[int], Any], *, times: int) -> list[Any]:
    barrier = Barrier(times)

    def run(number: int) -> Any:
        connection.ensure_connection()
        barrier.wait(30)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_callers_that_lock_a_new_name_at_once_follow_each_other() -> None:
    at_once(lambda _: counted(NEW), times=16)

    assert Lock.objects.get(name=NEW).floor == 16


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_callers_that_lock_two_names_in_any_order_follow_each_other() -> None:
    def both(number: int) -> None:
        with transaction.atomic():
            lock(*("a", "b")[:: 1 if number % 2 else -1])

    at_once(both, times=16)

    assert sorted(Lock.objects.filter(name__in="ab").values_list("name", flat=True)) == ["a", "b"]


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_lock_of_one_name_leaves_the_others_free() -> None:
    lock_in_other = ThreadPoolExecutor(1)
    with transaction.atomic():
        lock("a")
        lock_in_other.submit(_locked_elsewhere, "b").result(30)
        waits = lock_in_other.submit(_locked_elsewhere, "a")
        wait_until_blocked(connection)
    waits.result(30)


def _locked_elsewhere(name: str) -> None:
    try:
        with transaction.atomic():
            lock(name)
    finally:
        connection.close()
