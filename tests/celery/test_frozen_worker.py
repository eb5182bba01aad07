"""A paying worker that was frozen ends at its thaw; the next one finds out what became of its payment."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app

from ledger.auditor import audit
from sunusav.core import clock
from tests.celery.stack import Order, beat, schedule_often, wait_until, worker
from tests.lightning.world import PLATFORM, World
from tests.support.broker import broker_at

pytestmark = [pytest.mark.mariadb, pytest.mark.redis, pytest.mark.slow]

RUN_DUE = "transfers.run_due"
LONGER_THAN_THE_WATCHDOG_SECONDS = 11.0


def test_worker_frozen_while_it_pays_ends_at_its_thaw(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    schedule_often(RUN_DUE)
    running = {**environment, "CELERY_BROKER_URL": redis_url}
    order = Order(world, "frozen")
    world.control.script(PLATFORM, {"do": "hold", "at": "in_flight"}, payment_hash=order.hash, count=1)
    with worker(running, folder) as pid:
        with broker_at(redis_url):
            current_app.send_task(RUN_DUE, ignore_result=True)
        assert world.control.wait(PLATFORM, "in_flight", payment_hash=order.hash, timeout_seconds=30) == 1
        os.kill(pid, signal.SIGSTOP)
        time.sleep(LONGER_THAN_THE_WATCHDOG_SECONDS)
        os.kill(pid, signal.SIGCONT)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert (ended.si_code, ended.si_status) == (os.CLD_KILLED, signal.SIGALRM)

    world.control.release(PLATFORM, payment_hash=order.hash)
    with worker(running, folder), beat(running, folder):
        wait_until(lambda: order.is_completed)
    assert order.record == [("SUCCEEDED", 1, 1)]
    assert audit(now=clock.now() + timedelta(seconds=1)).breaches == ()
