"""F1: payouts through Celery, its doorbells over a real Redis, against the engine called in one process."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu import Connection

from bench.forks import seconds_of
from bench.payout import seed
from bench.ratios import paired, spread, tell
from sunusav.celery import app
from tests.support import process
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.services.disbursements import RUN_DUE_TASK

PAYOUTS, WARM_UP = 200, 16
PATIENCE_SECONDS = 120
# As `payouts` of docker-compose.yml; its messages and its tasks' times are the point, so nothing is left out.
WORKER = [
    sys.executable,
    "-m",
    "celery",
    "-A",
    "sunusav",
    "worker",
    "-P",
    "threads",
    "-c",
    "8",
    "-Q",
    "payouts",
]
Orders = list[dict[str, Any]]


def main(rounds: int) -> int:
    # Forks first: the parent of `seconds_of` must not have spoken gRPC.
    measured = [one_round(number) for number in range(rounds)]
    direct, woken = ([one[side] for one in measured] for side in range(2))
    tell(
        "F1", paired(woken, direct),
        f"Celery {spread(woken, '/s')}, in process {spread(direct, '/s')}; {rounds} rounds of {PAYOUTS} payouts",
    )  # fmt: skip
    return 0  # a ratio below its target is told, not failed: it depends on the machine


def one_round(number: int) -> tuple[float, float]:
    return in_process(f"direct-{number}"), through_celery(f"rung-{number}")


def in_process(name: str) -> float:
    orders = seed(name, PAYOUTS + WARM_UP)
    seconds = seconds_of(lambda: run_due(limit=WARM_UP), [run_due])
    _require_paid(orders)
    return PAYOUTS / seconds


def through_celery(name: str) -> float:
    """Ring once for each payout, as its order does, and look until the last is paid."""
    with worker(name) as bell:
        _paid_after_ringing(bell, seed(f"{name}-warm", WARM_UP))
        orders = seed(name, PAYOUTS)
        seconds = _paid_after_ringing(bell, orders)
    return PAYOUTS / seconds


def _paid_after_ringing(bell: Connection, orders: Orders) -> float:
    began = time.monotonic()
    for _ in orders:
        app.send_task(RUN_DUE_TASK, queue="payouts", ignore_result=True, connection=bell)
    while _open(orders):
        assert time.monotonic() - began < PATIENCE_SECONDS, "waited in vain for the worker"
        time.sleep(0.02)
    return time.monotonic() - began


def _open(orders: Orders) -> bool:
    """Say whether the last one, or else any, is still to be paid: a look that costs next to nothing."""
    return Disbursement.objects.filter(
        pk__gte=orders[0]["id"], pk__lte=orders[-1]["id"], due_at__isnull=False
    ).exists()


def _require_paid(orders: Orders) -> None:
    paid = Disbursement.objects.filter(pk__in=[order["id"] for order in orders], state="completed")
    assert paid.count() == len(orders), "some payouts were not completed"


@contextmanager
def worker(name: str) -> Iterator[Connection]:
    """Run a worker of the payouts until the block ends; yield what rings its bell."""
    broker = os.environ["BENCH_BROKER_URL"]
    log = Path(os.environ["BENCH_FOLDER"]) / f"{name}.log"
    environment = {
        **os.environ,
        "CELERY_BROKER_URL": broker,
        "CELERY_RESULT_BACKEND": broker,
        "LOG_LEVEL": "INFO",
    }
    command = [*WORKER, "-l", "INFO", "-n", f"{name}@bench"]
    with (
        process.child(command, log=log, ready=lambda: " ready." in log.read_text(), env=environment),
        Connection(broker) as bell,
    ):
        yield bell
