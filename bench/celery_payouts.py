"""F1: payouts through Celery with a real Redis, against the engine called in one process."""

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
from bench.ratios import paired, print_ratio, spread
from sunusav.celery import app
from tests.support import process
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.services.disbursements import RUN_DUE_TASK

PAYOUTS, WARM_UP = 200, 16
PATIENCE_SECONDS = 120
# As `payouts` of docker-compose.yml, with all its messages and log lines, because their cost is measured.
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
    # Forks first: the parent of `seconds_of` must not have used gRPC.
    measured = [one_round(number) for number in range(rounds)]
    direct, woken = ([one[side] for one in measured] for side in range(2))
    print_ratio(
        "F1", paired(woken, direct),
        f"Celery {spread(woken, '/s')}, in process {spread(direct, '/s')}; {rounds} rounds of {PAYOUTS} payouts",
    )  # fmt: skip
    return 0  # a ratio below its target is printed and no failure: it depends on the machine


def one_round(number: int) -> tuple[float, float]:
    return in_process(f"direct-{number}"), through_celery(f"woken-{number}")


def in_process(name: str) -> float:
    orders = seed(name, PAYOUTS + WARM_UP)
    seconds = seconds_of(lambda: run_due(limit=WARM_UP), [run_due])
    _require_paid(orders)
    return PAYOUTS / seconds


def through_celery(name: str) -> float:
    """Wake the worker once for each payout, as its order does, and wait until the last is paid."""
    with worker(name) as broker_connection:
        _seconds_until_paid(broker_connection, seed(f"{name}-warm", WARM_UP))
        orders = seed(name, PAYOUTS)
        seconds = _seconds_until_paid(broker_connection, orders)
    return PAYOUTS / seconds


def _seconds_until_paid(broker_connection: Connection, orders: Orders) -> float:
    began = time.monotonic()
    for _ in orders:
        app.send_task(RUN_DUE_TASK, queue="payouts", ignore_result=True, connection=broker_connection)
    while _open(orders):
        assert time.monotonic() - began < PATIENCE_SECONDS, "the worker did not pay in time"
        time.sleep(0.02)
    return time.monotonic() - began


def _open(orders: Orders) -> bool:
    """Return whether any of the orders is still due; the query is cheap."""
    return Disbursement.objects.filter(
        pk__gte=orders[0]["id"], pk__lte=orders[-1]["id"], due_at__isnull=False
    ).exists()


def _require_paid(orders: Orders) -> None:
    paid = Disbursement.objects.filter(pk__in=[order["id"] for order in orders], state="completed")
    assert paid.count() == len(orders), "some payouts were not completed"


@contextmanager
def worker(name: str) -> Iterator[Connection]:
    """Run a worker of the payouts until the block ends; yield the connection that wakes it."""
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
        Connection(broker) as broker_connection,
    ):
        yield broker_connection
