"""Beat makes nothing sure by itself: without it a worker sweeps about once a minute."""

from pathlib import Path

import pytest
from redis import Redis

from tests.celery.stack import Order, wait_until, worker
from tests.lightning.world import World

pytestmark = [pytest.mark.mariadb, pytest.mark.redis, pytest.mark.slow]


def test_worker_without_beat_pays_an_order_whose_wake_up_was_lost(
    environment: dict[str, str], redis_url: str, world: World, folder: Path
) -> None:
    Redis.from_url(redis_url).flushall()  # messages that earlier tests left would wake the worker
    order = Order(world, "without-beat")
    with worker({**environment, "CELERY_BROKER_URL": redis_url}, folder):
        wait_until(lambda: order.is_completed, patience_seconds=240)

    assert order.record == [("SUCCEEDED", 1, 1)]
    assert "transfers.run_due did not run here" in (folder / "worker.log").read_text()
