"""A Celery worker and beat as processes, on the test's database, a private Redis and a simulated node."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from ledger.services import post
from ledger.types import Line
from lightning.bolt11 import decode
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.lightning.world import NET_MSAT, PLATFORM, World
from tests.support import process
from tests.support.lightning import forking
from tests.transfers.builders import NODE, pot, request_for
from tests.transfers.lightning_payout import GROSS_MSAT, GROSS_SATS
from transfers.models import Disbursement
from transfers.services.disbursements import request_disbursement
from transfers.types import Destination

ROOT = Path(__file__).resolve().parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "sunusav"]
WORKER = [*CELERY, "worker", "-P", "threads", "-c", "4", "-Q", "default,payouts,reports", "-l", "INFO"]
BEAT = [*CELERY, "beat", "-l", "INFO", "--pidfile=", "--max-interval", "1"]
PATIENCE_SECONDS = 90.0


@contextmanager
def worker(environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """Run a Celery worker until the block ends; yield its pid."""
    with _celery(WORKER, environment, folder / "worker.log", "ready.") as pid:
        yield pid


@contextmanager
def beat(environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """Run beat until the block ends; yield its pid."""
    with _celery(BEAT, environment, folder / "beat.log", "Starting") as pid:
        yield pid


@contextmanager
def _celery(command: list[str], environment: Mapping[str, str], log: Path, word: str) -> Iterator[int]:
    begun = log.stat().st_size if log.exists() else 0
    env = {**forking(), **environment, "PYTHONPATH": str(ROOT), "GRPC_VERBOSITY": "NONE"}
    with process.child(command, log=log, ready=lambda: word in log.read_text()[begun:], env=env) as child:
        yield child.pid


def schedule_often(*tasks: str) -> None:
    """Have beat send these tasks every second."""
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    for task in tasks:
        PeriodicTask.objects.create(name=f"{task} often", task=task, interval=every_second, queue="payouts")


class Order:
    """One payout of the world's net, ordered now; a worker is woken if the broker is reachable."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        text = world.invoice(NET_MSAT)
        self.hash = decode(text).payment_hash.hex()
        request = request_for(
            name, payout_sats=GROSS_SATS, destination=Destination("lightning", "bolt11", text)
        )
        now, subject = clock.now(), request.subject
        lines = [Line(NODE, GROSS_MSAT), Line(pot(subject), -GROSS_MSAT)]
        post(kind="receipt_for_test", reference=f"fund:{subject}", lines=lines, at=now, subject=subject)
        self.id = request_disbursement(request=request, actor=Actor.system("tests"), now=now)

    @property
    def is_completed(self) -> bool:
        return Disbursement.objects.filter(pk=self.id, state="completed").exists()

    @property
    def record(self) -> list[tuple[str, int, int]]:
        """Return the node's rows of this payment: status, number of sends, number of times money left."""
        rows = self.world.control.payments_of(PLATFORM, self.hash)
        return [(row["status"], row["sends"], row["successes"]) for row in rows]


def wait_until(done: Callable[[], bool], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Poll until `done` returns true, or fail after this long."""
    ends = time.monotonic() + patience_seconds
    while not done():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)
