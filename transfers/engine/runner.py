"""Works through everything that is due, several at once: one slow payment never holds the others."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from sunusav.core.clock import Clock, database_clock
from transfers.engine.claims import Claim, claim_due, claim_open, due_count
from transfers.engine.gates import put_off_what_cannot_go
from transfers.engine.steps import work

DEFAULT_LANES = 8
Claiming = Callable[..., list[Claim]]

logger = logging.getLogger(__name__)


@dataclass
class RunReport:
    """How many disbursements were taken in hand."""

    worked: int = 0


def run_due(*, lanes: int = DEFAULT_LANES, limit: int = 10_000, clock: Clock | None = None) -> RunReport:
    """Pay and ask about what is due until nothing is, in up to `lanes` threads (one: in this thread).

    Leases of many workers meet in one database: without a given clock, the database's is used.
    """
    clock = clock or database_clock()
    put_off_what_cannot_go(now=clock(), limit=limit)
    return _run(claim_due, lanes=lanes, limit=limit, clock=clock)


def ask_open(*, lanes: int = DEFAULT_LANES, clock: Clock | None = None) -> RunReport:
    """Only look after open attempts that are due: ask, and book what is heard; no new order is sent."""
    return _run(claim_open, lanes=lanes, limit=10_000, clock=clock or database_clock())


def _run(claim: Claiming, *, lanes: int, limit: int, clock: Clock) -> RunReport:
    run = _Run(claim, limit=limit, clock=clock)
    lanes = min(lanes, due_count(now=clock(), at_most=lanes))
    if lanes <= 1:
        run.lane()
        return run.report
    threads = [threading.Thread(target=run.lane_of_its_own, name=f"payout-lane-{n}") for n in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return run.report


def worker_name() -> str:
    """Name this worker for people who look at a claim."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


class _Run:
    """The shared count of one run."""

    def __init__(self, claim: Claiming, *, limit: int, clock: Clock) -> None:
        self._claim = claim
        self.report = RunReport()
        self._limit = limit
        self._clock = clock
        self._count = threading.Lock()

    def lane(self) -> None:
        while self._take_turn():
            claims = self._claim(worker=worker_name(), now=self._clock(), limit=1)
            if not claims:
                self._give_turn_back()
                return
            self._work(claims[0])

    def _work(self, claim: Claim) -> None:
        try:
            work(claim, clock=self._clock)
        except Exception:
            # One payment that trips over a mistake of ours must not stop the others: nothing is concluded, its lease
            # runs out, and the next claim begins by asking.
            logger.exception("disbursement %s broke its worker", claim.disbursement_id)

    def lane_of_its_own(self) -> None:
        try:
            self.lane()
        finally:
            connection.close()

    def _take_turn(self) -> bool:
        with self._count:
            if self.report.worked >= self._limit:
                return False
            self.report.worked += 1
            return True

    def _give_turn_back(self) -> None:
        with self._count:
            self.report.worked -= 1
