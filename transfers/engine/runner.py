"""Works through everything that is due, many payments at once: a slow one never delays the others."""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from django.db import DatabaseError, OperationalError

from sunusav.core.clock import Clock, database_clock
from transfers.engine.claims import Claim, claim_due, claim_open, is_anything_due, record_broken
from transfers.engine.facts import attempts_for
from transfers.engine.flow_runner import FlowRunner, Inline
from transfers.engine.flows import payment_flow
from transfers.engine.gates import defer_unsendable
from transfers.engine.heartbeat import Heartbeat
from transfers.errors import ClaimLost
from transfers.models import Attempt

DEFAULT_SLOTS = 32
# A run with a single slot claims a few at a time, which saves statements; what waits for the slot longer than its lease
# goes to the next worker that claims it.
CLAIMED_AT_LEAST = 4
# While payments are under way, how often to look for others that fell due.
LOOK_AGAIN_SECONDS = 1.0
# After this no more is claimed, so that a run ends: a send may take long, and the next run starts anyway.
RUN_SECONDS = 300.0
# So many due payments are looked at, so often, before a claim; a rail that does not answer stops others that long.
GATE_READS, GATE_EVERY_SECONDS = 10_000, 5.0
Claiming = Callable[..., list[Claim]]

logger = logging.getLogger(__name__)


@dataclass
class RunReport:
    """How many disbursements a run claimed."""

    worked: int = 0


def run_due(*, slots: int = DEFAULT_SLOTS, limit: int = 10_000, clock: Clock | None = None) -> RunReport:
    """Work through what is due until nothing is, with up to `slots` provider calls at once.

    With one slot calls are made in this thread. Without a clock the database's is used, since the leases of many
    workers are compared there.
    """
    clock = clock or database_clock()
    if not is_anything_due(now=clock()):
        return RunReport()
    return run(_ClaimingSendable(), slots=slots, limit=limit, clock=clock)


class _ClaimingSendable:
    """Claims what is due, after the payments that cannot go now were deferred: now and then also during the run."""

    def __init__(self) -> None:
        self._gate_at = 0.0

    def __call__(self, *, worker: str, now: datetime, limit: int) -> list[Claim]:
        if monotonic() >= self._gate_at:
            defer_unsendable(now=now, limit=GATE_READS)
            self._gate_at = monotonic() + GATE_EVERY_SECONDS
        return claim_due(worker=worker, now=now, limit=limit)


def query_open_attempts(*, slots: int = DEFAULT_SLOTS, clock: Clock | None = None) -> RunReport:
    """Query the provider about open attempts that are due, and record its answers; no new order is sent."""
    return run(claim_open, slots=slots, limit=10_000, clock=clock or database_clock())


def run(
    claim: Claiming, *, slots: int, limit: int, clock: Clock, executor: Executor | None = None
) -> RunReport:
    """Work through what `claim` claims. Only this thread, and the heartbeat's, use the database."""
    calls = executor or (Inline() if slots <= 1 else ThreadPoolExecutor(slots, "payout-slot"))
    with calls, Heartbeat(clock=clock) as heartbeat:
        return _Run(claim, calls, heartbeat, slots=slots, limit=limit, clock=clock).until_done()


def worker_name() -> str:
    """Name this worker for people who look at a claim."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


class _Run:
    """Claims while slots are free, and advances the flows of what is claimed."""

    def __init__(
        self, claim: Claiming, calls: Executor, heartbeat: Heartbeat, *, slots: int, limit: int, clock: Clock
    ) -> None:
        self._claim, self._heartbeat, self._clock = claim, heartbeat, clock
        self._slots, self._limit = max(slots, 1), limit
        self._report = RunReport()
        self._runner = FlowRunner(calls, clock=clock, on_end=self._end)
        self._waiting: deque[tuple[Claim, list[Attempt]]] = deque()
        self._look_again_at = 0.0
        self._claims_until = monotonic() + RUN_SECONDS

    def until_done(self) -> RunReport:
        self._fill_slots()
        while self._runner:
            self._runner.advance(wait_seconds=LOOK_AGAIN_SECONDS)
            self._fill_slots()
        return self._report

    def _fill_slots(self) -> None:
        while len(self._runner) < self._slots:
            if not self._waiting:
                self._claim_more()
            if not self._waiting:
                return
            self._start(*self._waiting.popleft())

    def _start(self, claim: Claim, attempts: list[Attempt]) -> None:
        if claim.row.due_at is None or claim.row.due_at <= self._clock():
            return  # it waited for a slot past its lease
        self._heartbeat.add(claim)
        self._runner.start(claim, payment_flow(claim, attempts, clock=self._clock))

    def _claim_more(self) -> None:
        """Claim for the free slots; while others are busy only now and then, and a failed claim is tried again."""
        free = self._slots - len(self._runner)
        wanted = min(max(free, CLAIMED_AT_LEAST), self._limit - self._report.worked)
        if (
            wanted <= 0
            or monotonic() >= self._claims_until
            or (self._runner and monotonic() < self._look_again_at)
        ):
            return
        try:
            claims = self._claim(worker=worker_name(), now=self._clock(), limit=wanted)
        except DatabaseError:
            if not self._runner:
                raise
            logger.warning("could not claim; payments under way go on", exc_info=True)
            claims = []
        if len(claims) < wanted:
            self._look_again_at = monotonic() + LOOK_AGAIN_SECONDS
        self._report.worked += len(claims)
        attempts = attempts_for(claim.row.subject for claim in claims)
        self._waiting.extend((claim, attempts.get(claim.row.subject, [])) for claim in claims)

    def _end(self, claim: Claim, error: Exception | None) -> None:
        self._heartbeat.remove(claim)
        if isinstance(error, ClaimLost):
            logger.info("disbursement %s was claimed by another worker", claim.disbursement_id)
        elif error is not None:
            self._record_broken(claim, error)

    def _record_broken(self, claim: Claim, error: Exception) -> None:
        # A bug that one payment triggers must not stop the others. Nothing is concluded: the lease runs out, and the
        # next claim starts by querying the provider.
        logger.error("disbursement %s broke its worker", claim.disbursement_id, exc_info=error)
        if isinstance(error, OperationalError):
            return  # a problem of the database, not of this payment
        try:
            record_broken(claim, error)
        except DatabaseError:
            logger.warning("could not record that on the disbursement", exc_info=True)
