"""Works through everything that is due, many at once: one slow payment never holds the others."""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

from django.db import DatabaseError, OperationalError

from sunusav.core.clock import Clock, database_clock
from transfers.engine.claims import Claim, claim_due, claim_open, is_anything_due, note_broken
from transfers.engine.flow_runner import FlowRunner, Inline
from transfers.engine.flows import flow_of, last_attempts
from transfers.engine.gates import defer_unsendable
from transfers.engine.heartbeat import Heartbeat
from transfers.errors import ClaimLost
from transfers.models import Attempt

DEFAULT_SLOTS = 32
# A single lane takes a few in hand at a time, which saves it claims; what waits there longer than its lease goes to
# whoever claims it next.
AT_LEAST = 4
# While payments are under way, how often to look for others that fell due.
LOOK_AGAIN_SECONDS = 1.0
# After this nothing more is taken in hand: tasks are killed after ten minutes, and a send may take its time.
RUN_SECONDS = 300.0
Claiming = Callable[..., list[Claim]]

logger = logging.getLogger(__name__)


@dataclass
class RunReport:
    """How many disbursements were taken in hand."""

    worked: int = 0


def run_due(*, slots: int = DEFAULT_SLOTS, limit: int = 10_000, clock: Clock | None = None) -> RunReport:
    """Pay and ask about what is due until nothing is; up to `lanes` calls to the outside are under way at once.

    With one lane they are made in this thread. Leases of many workers meet in one database: without a given clock,
    the database's is used.
    """
    clock = clock or database_clock()
    if not is_anything_due(now=clock()):
        return RunReport()
    defer_unsendable(now=clock(), limit=limit)
    return run(claim_due, slots=slots, limit=limit, clock=clock)


def ask_open(*, slots: int = DEFAULT_SLOTS, clock: Clock | None = None) -> RunReport:
    """Only look after open attempts that are due: ask, and book what is heard; no new order is sent."""
    return run(claim_open, slots=slots, limit=10_000, clock=clock or database_clock())


def run(
    claim: Claiming, *, slots: int, limit: int, clock: Clock, executor: Executor | None = None
) -> RunReport:
    """Work through what `claim` takes in hand. Only this thread, and the heartbeat's, speak to the database."""
    calls = executor or (Inline() if slots <= 1 else ThreadPoolExecutor(slots, "payout-lane"))
    with calls, Heartbeat(clock=clock) as heartbeat:
        return _Run(claim, calls, heartbeat, slots=slots, limit=limit, clock=clock).until_done()


def worker_name() -> str:
    """Name this worker for people who look at a claim."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


class _Run:
    """Claims as long as lanes are free, and brings forward what is in hand."""

    def __init__(
        self, claim: Claiming, calls: Executor, heartbeat: Heartbeat, *, slots: int, limit: int, clock: Clock
    ) -> None:
        self._claim, self._heartbeat, self._clock = claim, heartbeat, clock
        self._slots, self._limit = max(slots, 1), limit
        self._report = RunReport()
        self._runner = FlowRunner(calls, clock=clock, on_end=self._put_down)
        self._in_hand: deque[tuple[Claim, Attempt | None]] = deque()
        self._look_again_at = 0.0
        self._ends_at = monotonic() + RUN_SECONDS

    def until_done(self) -> RunReport:
        self._begin_what_can()
        while self._runner:
            self._runner.go_on(wait_seconds=LOOK_AGAIN_SECONDS)
            self._begin_what_can()
        return self._report

    def _begin_what_can(self) -> None:
        while len(self._runner) < self._slots:
            if not self._in_hand:
                self._take_some()
            if not self._in_hand:
                return
            self._begin(*self._in_hand.popleft())

    def _begin(self, claim: Claim, last: Attempt | None) -> None:
        if claim.row.due_at is None or claim.row.due_at <= self._clock():
            return  # it waited here past its lease
        self._heartbeat.keep(claim)
        self._runner.begin(claim, flow_of(claim, last, clock=self._clock))

    def _take_some(self) -> None:
        """Claim for the free lanes; while some are busy only now and then, and what fails is tried again."""
        free = self._slots - len(self._runner)
        wanted = min(max(free, AT_LEAST), self._limit - self._report.worked)
        if (
            wanted <= 0
            or monotonic() >= self._ends_at
            or (self._runner and monotonic() < self._look_again_at)
        ):
            return
        try:
            claims = self._claim(worker=worker_name(), now=self._clock(), limit=wanted)
        except DatabaseError:
            if not self._runner:
                raise
            logger.warning("could not claim; what is under way goes on", exc_info=True)
            claims = []
        if len(claims) < wanted:
            self._look_again_at = monotonic() + LOOK_AGAIN_SECONDS
        self._report.worked += len(claims)
        last = last_attempts(claim.row.subject for claim in claims)
        self._in_hand.extend((claim, last.get(claim.row.subject)) for claim in claims)

    def _put_down(self, claim: Claim, error: Exception | None) -> None:
        self._heartbeat.let_go(claim)
        if isinstance(error, ClaimLost):
            logger.info("disbursement %s went to another worker", claim.disbursement_id)
        elif error is not None:
            self._note_broken(claim, error)

    def _note_broken(self, claim: Claim, error: Exception) -> None:
        # One payment that trips over a mistake of ours must not stop the others: nothing is concluded, its lease
        # runs out, and the next claim begins by asking.
        logger.error("disbursement %s broke its worker", claim.disbursement_id, exc_info=error)
        if isinstance(error, OperationalError):
            return  # the database's trouble, not this payment's
        try:
            note_broken(claim, error)
        except DatabaseError:
            logger.warning("that could not be noted on it", exc_info=True)
