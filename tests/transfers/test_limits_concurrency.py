"""Limits under concurrency: many openings at once, each on its own connection; N pass, N + 1 do not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from sunusav.core.auditing import AuditScope
from tests.factories.limits import set_limit_to
from tests.support.locks import wait_until_blocked
from tests.transfers.builders import NET_SATS, NOW, ordered
from tests.transfers.rails import SteeredRail, Watch
from transfers import sql
from transfers.engine.runner import run_due
from transfers.invariants import INVARIANTS
from transfers.models import Attempt, Disbursement, LimitUsage

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

NET_MSAT = NET_SATS * 1_000


def at_once(calls: list[Callable[[], Any]]) -> None:
    """Run calls together, each on its own connection."""
    batched = threading.Barrier(len(calls))
    broken: list[BaseException] = []

    def run(call: Callable[[], Any]) -> None:
        connection.ensure_connection()
        batched.wait()
        try:
            call()
        except BaseException as error:  # noqa: BLE001  (raised in the test)
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []


def pay_at_once(moments: list[datetime]) -> None:
    """Let one worker with one slot run at each of these moments, all at once."""
    at_once([partial(run_due, slots=1, clock=Watch(at)) for at in moments])


def breaches(now: datetime) -> list[Any]:
    scope = AuditScope(now=now)
    return [breach for invariant in INVARIANTS if invariant.code == "I22" for breach in invariant.find(scope)]


@pytest.mark.parametrize("kind", ["total_hour", "per_payee_day"])
def test_eight_workers_pay_exactly_what_a_limit_allows(node: SteeredRail, kind: str) -> None:
    set_limit_to(kind, 5 * NET_SATS, now=NOW)
    ids = [ordered(f"n{number}", payee_ref="user:awa") for number in range(12)]

    pay_at_once([NOW] * 8)

    states = list(Disbursement.objects.filter(pk__in=ids).values_list("state", flat=True))
    assert sorted(states) == ["completed"] * 5 + ["processing"] * 7
    assert sum(node.paid.values()) == 5 * NET_MSAT
    assert Attempt.objects.count() == 5
    assert dict(LimitUsage.objects.values_list("key", "used_msat")) == {
        "2026-03-04 user:awa": 5 * NET_MSAT,
        "2026-03-04T10:00": 5 * NET_MSAT,
    }
    assert breaches(NOW) == []


def test_workers_on_both_sides_of_midnight_pay_a_day_each(node: SteeredRail) -> None:
    set_limit_to("per_payee_day", 2 * NET_SATS, now=NOW)
    before = datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    after = datetime(2026, 3, 5, 0, 0, 1, tzinfo=UTC)
    ids = [ordered(f"n{number}", payee_ref="user:awa", at=before) for number in range(8)]

    pay_at_once([before, after] * 4)

    paid = Disbursement.objects.filter(pk__in=ids, state="completed")
    by_day = dict(LimitUsage.objects.filter(kind="per_payee_day").values_list("key", "used_msat"))
    assert set(by_day) <= {"2026-03-04 user:awa", "2026-03-05 user:awa"}
    assert all(used <= 2 * NET_MSAT for used in by_day.values())
    assert sum(by_day.values()) == paid.count() * NET_MSAT == sum(node.paid.values())
    assert breaches(after) == []


@pytest.mark.parametrize("lock_limits", [sql.lock_limits, sql.lock_limits_orm])
def test_opening_that_waited_for_a_change_of_a_limit_reads_the_new_one(
    lock_limits: Callable[[], Any],
) -> None:
    """The statement begins before the change commits."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            set_limit_to("total_hour", 5_000, now=NOW)
            assert sql.lock_limits()[-1] == ("total_hour", 2, 5_000)
            found = pool.submit(_in_a_transaction, lock_limits)
            wait_until_blocked(connection)
        rows = found.result()

    assert rows[-1] == ("total_hour", 2, 5_000)


def _in_a_transaction(call: Callable[[], Any]) -> Any:
    try:
        with transaction.atomic():
            return call()
    finally:
        connection.close()
