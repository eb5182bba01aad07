"""A payout over the simulated node, with the node's own record of it."""

from __future__ import annotations

import time
from datetime import datetime
from math import ceil

from lightning.bolt11 import decode
from sandbox.lnd.control import Record
from sunusav.core import clock
from tests.lightning.world import NET_MSAT, PLATFORM, World
from tests.transfers.builders import Snapshot, attempts, ordered, row_of, run, snapshot
from tests.transfers.rails import Watch
from transfers.matching import match_rail
from transfers.types import Destination

TIMEOUT_SECONDS = 10.0
GROSS_SATS, GROSS_MSAT = (
    100_505,
    100_505_000,
)  # less 1 %, down: a net of 99,500 sats, which is the world's NET_MSAT


class SharedWatch(Watch):
    """A clock that stands still until a test advances it, and to which the simulated node's clock is then set.

    The node's own goes on in between, as it must for payments that take a while.
    """

    def __init__(self, world: World) -> None:
        super().__init__(clock.now())
        self._world = world

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        ahead = (self.at - clock.now()).total_seconds()
        self._world.control.set_clock(offset_seconds=ceil(ahead))


class Payout:
    """One payout of the world's net, with the node's own record of it."""

    def __init__(
        self, world: World, watch: Watch, *, name: str = "awa", expiry: int = 86_400, invoice: str = ""
    ) -> None:
        self.world, self.watch = world, watch
        text = invoice or world.invoice(NET_MSAT, expiry=expiry)
        self.hash = decode(text).payment_hash.hex()
        destination = Destination("lightning", "bolt11", text)
        self.id = ordered(name, destination=destination, payout_sats=GROSS_SATS, at=watch())

    def run(self, after: float = 0) -> None:
        self.watch.advance(after)
        run(self.watch)

    def run_under(self, *steps: Record) -> None:
        self.world.script(*steps)
        self.run()

    def release(self, phase: str, reached: str) -> None:
        """Release a payment that is held at a phase, and wait until it has reached a later one."""
        self.world.control.release(PLATFORM, payment_hash=self.hash, point=phase)
        assert self.world.control.wait(PLATFORM, reached, payment_hash=self.hash) >= 1

    def release_to_the_end(self, phase: str) -> None:
        """Release a payment that is held at a phase, and wait until the node has paid it."""
        self.world.control.release(PLATFORM, payment_hash=self.hash, point=phase)
        self.wait_until_paid()

    def wait_until_paid(self) -> None:
        """Wait until the node has recorded the payment."""
        ends = time.monotonic() + TIMEOUT_SECONDS
        while self.paid_times == 0 and time.monotonic() < ends:
            time.sleep(0.02)
        assert self.paid_times == 1

    @property
    def snapshot(self) -> Snapshot:
        return snapshot(self.id)

    @property
    def due_in(self) -> float | None:
        return self._seconds_to(row_of(self.id).due_at)

    @property
    def sends_in(self) -> float | None:
        """Return in how many seconds something new may be sent; None: at any time."""
        return self._seconds_to(row_of(self.id).not_before)

    def _seconds_to(self, moment: datetime | None) -> float | None:
        return None if moment is None else (moment - self.watch()).total_seconds()

    @property
    def paid_times(self) -> int:
        """Return how often the node recorded a payment of this hash."""
        rows = self.world.record(self.hash)
        return max((int(row["successes"]) for row in rows), default=0)

    def assert_paid_once(self, *before: str) -> None:
        """Assert that node, statement and books agree on exactly one payment of the net."""
        assert self.snapshot == Snapshot("completed", [*before, "succeeded"], 0, 0)
        paid = [row for row in self.world.record(self.hash) if row["status"] == "SUCCEEDED"]
        assert [(row["value_msat"], row["successes"]) for row in paid] == [(NET_MSAT, 1)]
        assert attempts(self.id)[-1].cost == paid[0]["fee_msat"]
        assert [
            line
            for line in match_rail("lightning", now=clock.now()).mismatches
            if line.reference == self.hash
        ] == []
