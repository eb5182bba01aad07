"""Redis only wakes workers: a lost or doubled message changes when a payout is paid, never whether or how often."""

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

SWEEPS = ("transfers.run_due",)


def assert_each_paid_once(orders: list[Order]) -> None:
    """Compare the node's own record, its statement, the books and the audit."""
    assert [order.record for order in orders] == [[("SUCCEEDED", 1, 1)]] * len(orders)
    ours = {order.hash for order in orders}
    assert [
        line for line in match_rail("lightning", now=clock.now()).mismatches if line.reference in ours
    ] == []
    assert audit(now=clock.now() + timedelta(seconds=1)).breaches == ()


def test_flush_redis_while_payouts_are_paid_pays_each_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    schedule_often(*SWEEPS)
    running = {**environment, "CELERY_BROKER_URL": redis_url}
    store = Redis.from_url(redis_url)
    orders = []
    # Each payment takes a moment, so that the flush happens while some are at every stage.
    world.control.script(PLATFORM, {"do": "delay", "at": "created", "seconds": 0.3})
    with worker(running, folder), beat(running, folder), broker_at(redis_url):
        for number in range(12):
            orders.append(Order(world, f"flush-{number}"))
            if number in (3, 7, 11):
                store.flushall()
        wait_until(lambda: all(order.is_completed for order in orders))
        store.flushall()
        late = Order(world, "flush-late")
        wait_until(lambda: late.is_completed)

    assert_each_paid_once([*orders, late])


def test_wake_worker_twenty_times_pays_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    running = {**environment, "CELERY_BROKER_URL": redis_url}
    world.control.script(PLATFORM, {"do": "delay", "at": "created", "seconds": 1}, count=1)
    order = Order(world, "twenty")
    with broker_at(redis_url):
        for _ in range(20):
            current_app.send_task("transfers.run_due", ignore_result=True)
    with worker(running, folder):
        wait_until(lambda: order.is_completed)
        wait_until(lambda: _delivered(folder) == 20)

    assert_each_paid_once([order])


def test_order_payouts_while_redis_is_down_pays_them_when_it_is_up_again(
    environment: dict[str, str], world: World, folder: Path
) -> None:
    schedule_often(*SWEEPS)
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    running = {**environment, "CELERY_BROKER_URL": url}
    with ExitStack() as servers, ExitStack() as first:
        first.enter_context(redis(port=port))
        servers.enter_context(worker(running, folder))
        servers.enter_context(beat(running, folder))
        before = Order(world, "down-before")
        wait_until(lambda: before.is_completed)
        first.close()

        with broker_at(url):
            ordered_while_down = [Order(world, f"down-{number}") for number in range(3)]
        servers.enter_context(redis(port=port))
        wait_until(lambda: all(order.is_completed for order in ordered_while_down))

    assert_each_paid_once([before, *ordered_while_down])


def test_kill_worker_with_its_messages_lets_next_worker_pay_once(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    """The second worker waits for the end of the first one's lease, then queries the node before anything else."""
    schedule_often(*SWEEPS)
    running = {**environment, "CELERY_BROKER_URL": redis_url}
    order = Order(world, "killed")
    world.control.script(PLATFORM, {"do": "hold", "at": "in_flight"}, payment_hash=order.hash, count=1)
    with beat(running, folder):
        with worker(running, folder) as pid:
            assert world.control.wait(PLATFORM, "in_flight", payment_hash=order.hash, timeout_seconds=30) == 1
            _kill(pid)
        world.control.release(PLATFORM, payment_hash=order.hash)
        with worker(running, folder):
            wait_until(lambda: order.is_completed)

    assert_each_paid_once([order])


def _delivered(folder: Path) -> int:
    """Return how many messages the worker has handled; its log has two lines for each."""
    return (folder / "worker.log").read_text().count("Task transfers.run_due") // 2


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
