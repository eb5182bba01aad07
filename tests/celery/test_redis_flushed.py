"""Redis is only a doorbell: what it loses or doubles changes when somebody is paid, never whether or how often."""

import os
import signal
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from redis import Redis

from ledger.auditor import audit
from sandbox.ports import free_port
from sunusav.core import clock
from tests.celery.stack import Order, beat, schedule_often, wait_until, worker
from tests.lightning.world import PLATFORM, World
from tests.support.broker import broker_at
from tests.support.redis import redis
from transfers.matching import match_rail

pytestmark = [pytest.mark.mariadb, pytest.mark.redis, pytest.mark.slow]

SWEEPS = ("transfers.run_due", "transfers.sweep")


def assert_each_paid_once(orders: list[Order]) -> None:
    """By the node's own record, its statement against the books, and the audit."""
    assert [order.record for order in orders] == [[("SUCCEEDED", 1, 1)]] * len(orders)
    ours = {order.hash for order in orders}
    assert [line for line in match_rail("lightning") if line.reference in ours] == []
    assert audit(now=clock.now() + timedelta(seconds=1)).breaches == ()


def test_redis_flushed_while_payouts_are_paid_loses_nothing_and_pays_each_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    schedule_often(*SWEEPS)
    told = {**environment, "CELERY_BROKER_URL": redis_url}
    store = Redis.from_url(redis_url)
    orders = []
    # Each payment stays under way for a moment, so that the flush meets some at every stage.
    world.control.script(PLATFORM, {"do": "delay", "at": "created", "seconds": 0.3})
    with worker(told, folder), beat(told, folder), broker_at(redis_url):
        for number in range(12):
            orders.append(Order(world, f"flush-{number}"))
            if number in (3, 7, 11):
                store.flushall()
        wait_until(lambda: all(order.is_completed for order in orders))
        store.flushall()
        late = Order(world, "flush-late")
        wait_until(lambda: late.is_completed)

    assert_each_paid_once([*orders, late])


def test_doorbell_rung_twenty_times_pays_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    told = {**environment, "CELERY_BROKER_URL": redis_url}
    world.control.script(PLATFORM, {"do": "delay", "at": "created", "seconds": 1}, count=1)
    order = Order(world, "twenty")
    with broker_at(redis_url):
        for _ in range(20):
            current_app.send_task("transfers.run_due", ignore_result=True)
    with worker(told, folder):
        wait_until(lambda: order.is_completed)
        wait_until(lambda: _delivered(folder) == 20)

    assert_each_paid_once([order])


def test_payouts_ordered_while_redis_is_away_are_paid_when_it_is_back(
    environment: dict[str, str], world: World, folder: Path
) -> None:
    schedule_often(*SWEEPS)
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    told = {**environment, "CELERY_BROKER_URL": url}
    with ExitStack() as servers, ExitStack() as first:
        first.enter_context(redis(port=port))
        servers.enter_context(worker(told, folder))
        servers.enter_context(beat(told, folder))
        before = Order(world, "away-before")
        wait_until(lambda: before.is_completed)
        first.close()

        with broker_at(url):
            meanwhile = [Order(world, f"away-{number}") for number in range(3)]
        servers.enter_context(redis(port=port))
        wait_until(lambda: all(order.is_completed for order in meanwhile))

    assert_each_paid_once([before, *meanwhile])


def test_worker_killed_with_its_messages_is_followed_by_one_that_pays_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    """The second worker waits for the first one's lease, then asks the node before anything else."""
    schedule_often(*SWEEPS)
    told = {**environment, "CELERY_BROKER_URL": redis_url}
    order = Order(world, "killed")
    world.control.script(PLATFORM, {"do": "hold", "at": "in_flight"}, payment_hash=order.hash, count=1)
    with beat(told, folder):
        with worker(told, folder) as pid:
            assert world.control.wait(PLATFORM, "in_flight", payment_hash=order.hash, timeout_seconds=30) == 1
            _kill(pid)
        world.control.release(PLATFORM, payment_hash=order.hash)
        with worker(told, folder):
            wait_until(lambda: order.is_completed)

    assert_each_paid_once([order])


def _delivered(folder: Path) -> int:
    """Count the rings that the worker says it has answered."""
    return (folder / "worker.log").read_text().count("Task transfers.run_due") // 2


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
