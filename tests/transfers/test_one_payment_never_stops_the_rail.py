"""Whatever fits and is not refused is paid within a bounded time, whatever happens to the payments beside it.

The bounds are derived from these waits: a sweep runs every 15 s; what an unavailable rail defers is due after 15 s,
what does not fit after 60 s; a stopped rail is tried after at most 600 s, each time by the next payment in turn.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from math import ceil

import pytest
from django.db import transaction
from django.db.models import Min
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from ledger.types import Money, msat
from sunusav.core.deadlines import Deadline
from sunusav.core.models import TrailEntry
from tests.transfers.builders import NOW, attempts, ordered, row_of, run
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from transfers.engine.breaker import FAILURES_IN_A_ROW, LONGEST_WAIT_SECONDS, count_failure
from transfers.enums import FailureClass
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.types import FindOutcome, Order, Refused, Sendable, SendOutcome, Unknown

pytestmark = pytest.mark.django_db

SWEEP_SECONDS, UNAVAILABLE_SECONDS, SHORT_SECONDS = 15, 15, 60
# Retries follow after 60, 120 and 240 s; each may wait for a sweep, and for one that asks about the order.
RETRIES_LAST_SECONDS = 60 + 120 + 240 + 6 * SWEEP_SECONDS
# A payment is refused at most seven times (because our side cannot pay) before a person looks.
MOST_ATTEMPTS = 7
IN_FLIGHT = Unknown(seen=True, reason="in-flight")
names = count()


class MixRail(SteeredRail):
    """Answers each order by a script of its own, and then pays it. Sending may cost 1 %, at least 10 sats.

    An order in `stuck` is in flight again after it was refused and once confirmed as unpaid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch(NOW)
        self.scripts: defaultdict[str, deque[SendOutcome]] = defaultdict(deque)
        self.stuck: set[str] = set()
        self.confirmed: set[str] = set()
        self.outages: Sequence[tuple[float, float]] = ()
        self.sendable_sats = (10**9, 10**9)

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        self._require_available()
        script = self.scripts[order.reference]
        if script:
            self.script.append(script.popleft())
        return super().send(order, deadline=deadline)

    def find(self, order: Order) -> FindOutcome:
        found = super().find(order)
        if isinstance(found, Refused) and order.reference in self.stuck & self.confirmed:
            return IN_FLIGHT
        self.confirmed.add(order.reference)
        return found

    def sendable(self) -> Sendable:
        self._require_available()
        total_sats, largest_sats = self.sendable_sats
        return Sendable(msat(total_sats * 1_000), msat(largest_sats * 1_000))

    def needed(self, amount: Money) -> Money:
        return msat(needed_sats(amount.amount // 1_000) * 1_000)

    def _require_available(self) -> None:
        seconds = (self.watch() - NOW).total_seconds()
        self.is_unavailable = any(start <= seconds < end for start, end in self.outages)
        super()._require_available()


def needed_sats(amount_sats: int) -> int:
    return amount_sats + max(amount_sats // 100, 10)


# Mixes of payments

# Refused credentials are about the rail itself: it is switched off, and people end that.
OUTCOMES: list[SendOutcome] = [
    *(Refused(f"refused-{failure}", failure) for failure in FailureClass if failure != FailureClass.STOP),
    IN_FLIGHT,
    Unknown(seen=False, reason="connection-lost"),
]
sizes = st.sampled_from([990, 10_000, 99_000])
# 1,000 and 10,100 are just enough for 990 and 10,000 with their reserves; 10,000 and 99,000 cover only the amounts.
largest = st.sampled_from([1_000, 10_000, 10_100, 99_000, 10**6])


@dataclass(frozen=True)
class Other:
    """A payment that is not simply paid: what the rail answers first, and whether its order is stuck after that."""

    sats: int
    outcomes: tuple[SendOutcome, ...]
    is_stuck: bool = False


def others(*, may_be_stuck: bool) -> st.SearchStrategy[Other]:
    few = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8).map(tuple)
    always = st.sampled_from(OUTCOMES).map(lambda outcome: (outcome,) * 30)
    stuck = st.booleans() if may_be_stuck else st.just(False)
    return st.builds(Other, sizes, few | always, stuck)


outages = st.lists(
    st.tuples(st.integers(0, 600), st.integers(1, 300)).map(lambda one: (one[0], one[0] + one[1])), max_size=2
)


class Mix:
    """Payments that are due at once on one rail, and a sweep every 15 s."""

    def __init__(self, others: Sequence[Other], *, goods: Sequence[int]) -> None:
        node = rail("lightning")
        assert isinstance(node, MixRail)
        MixRail.__init__(node)
        self.node: MixRail = node
        self.watch: Watch = node.watch
        self.others: list[int] = [self._other(one) for one in others]
        self.goods: list[int] = [self.good(sats) for sats in goods]

    def good(self, sats: int) -> int:
        """Order a payment that nothing but the rail's state can stop."""
        return self._ordered(f"n{next(names)}", sats)

    def _other(self, other: Other) -> int:
        name = f"n{next(names)}"
        reference = hash_of(name, other.sats)
        self.node.scripts[reference].extend(other.outcomes)
        if other.is_stuck:
            self.node.stuck.add(reference)
        return self._ordered(name, other.sats)

    def _ordered(self, name: str, sats: int) -> int:
        destination = invoice_for(name, sats)
        return ordered(name, at=self.watch(), payout_sats=sats, priced_for=None, destination=destination)

    def pay_within(self, seconds: float) -> None:
        """Sweep until all good payments are paid, and assert that this does not last longer."""
        self._sweep_until(seconds, stops_when_paid=True)
        assert self.unpaid() == []

    def sweep_until(self, seconds: float) -> None:
        self._sweep_until(seconds, stops_when_paid=False)
        self.watch.at = max(self.watch.at, NOW + timedelta(seconds=seconds))

    def _sweep_until(self, seconds: float, *, stops_when_paid: bool) -> None:
        """Sweep every 15 s until then, without the sweeps that would find nothing due."""
        end = NOW + timedelta(seconds=seconds)
        while (moment := self._next_sweep()) <= end and not (stops_when_paid and not self.unpaid()):
            self.watch.at = moment
            run(self.watch)
            self.watch.at = moment + timedelta(seconds=SWEEP_SECONDS)

    def _next_sweep(self) -> datetime:
        due_at = Disbursement.objects.aggregate(first=Min("due_at"))["first"] or NOW + timedelta(days=365)
        seconds = max((due_at - NOW).total_seconds(), (self.watch() - NOW).total_seconds())
        return NOW + timedelta(seconds=ceil(seconds / SWEEP_SECONDS) * SWEEP_SECONDS)

    def unpaid(self) -> list[int]:
        """Return those of the good payments that fit and are not paid."""
        fits = [pk for pk in self.goods if self._fits(pk)]
        return [pk for pk in fits if row_of(pk).state != "completed"]

    def _fits(self, pk: int) -> bool:
        return needed_sats(self._sats(pk)) <= self.node.sendable_sats[1]

    def _sats(self, pk: int) -> int:
        return row_of(pk).payout_msat // 1_000

    def require_paid_once(self) -> None:
        """Assert that nothing was paid twice, and that nothing that does not fit was tried."""
        assert all(
            self.node.paid.get(hash_of(row_of(pk).subject.removeprefix("cycle:"), self._sats(pk)), 0)
            == (row_of(pk).payout_msat if row_of(pk).state == "completed" else 0)
            for pk in self.goods
        )
        for pk in (*self.goods, *self.others):
            if not self._fits(pk):
                assert (attempts(pk), row_of(pk).state) == ([], "processing")

    @property
    def available_from(self) -> float:
        """Return when the rail is available for good."""
        return max((end for _, end in self.node.outages), default=0)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what one example wrote."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def mix_rail(plugins: None, settings: Settings) -> None:
    settings.RAILS = {"lightning": f"{__name__}.MixRail"}
    rail.cache_clear()


def was_stopped() -> bool:
    return TrailEntry.objects.filter(action="stop_rail").exists()


def property_of(examples: int):
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


RETRY, HOLD = Refused("no-route", FailureClass.RETRY), Refused("insufficient-balance", FailureClass.HOLD)
RENEW, LOST = Refused("invoice-expired", FailureClass.RENEW), Unknown(seen=False, reason="connection-lost")
# An order that never arrives took the tries when it was the turn of one that waits for an earlier order.
TOOK_EACH_OTHERS_TURNS = [
    Other(990, (RETRY,) * 30, is_stuck=True), Other(990, (LOST,) * 30), Other(990, (RENEW,) * 30, is_stuck=True),
    Other(990, (RETRY,) * 30), Other(10_000, (IN_FLIGHT,) * 30, is_stuck=True),
    Other(99_000, (Refused("unknown-99", FailureClass.REVIEW),) * 30, is_stuck=True), Other(990, (HOLD,) * 30),
]  # fmt: skip


@given(
    st.lists(others(may_be_stuck=True), max_size=FAILURES_IN_A_ROW - 1),
    st.lists(sizes, min_size=1, max_size=3),
    largest,
    outages,
)
@example([Other(990, (HOLD,) * 30)] * 3, [990], 10**6, [])
@example([Other(990, (RETRY,) * 30)] * 4, [990], 10**6, [])
@example([Other(99_000, (RETRY,))] * 3, [990, 990, 990], 99_000, [])
@property_of(8)
def test_fewer_than_ten_payments_never_stop_the_rail_and_delay_nothing(
    others: list[Other], goods: list[int], largest_sats: int, outages: list[tuple[float, float]]
) -> None:
    """With enough to send for all, a good payment goes with the first sweep at which the rail is available again.

    That is at most one wait of 15 s after the outage's end, rounded up to a sweep. Whatever was refused until all
    retries are used up stops nothing either: a payment that comes then is paid by the next sweep.
    """
    with rolled_back():
        mix = Mix(others, goods=goods)
        mix.node.outages, mix.node.sendable_sats = outages, (10**9, largest_sats)

        mix.pay_within(mix.available_from + UNAVAILABLE_SECONDS + SWEEP_SECONDS)

        later = mix.available_from + RETRIES_LAST_SECONDS
        mix.sweep_until(later)
        mix.goods.append(mix.good(990))
        mix.pay_within(later + SWEEP_SECONDS)
        assert not was_stopped()
        mix.require_paid_once()


@given(
    st.lists(others(may_be_stuck=False), max_size=4),
    st.lists(sizes, min_size=1, max_size=3),
    largest,
    outages,
)
@property_of(6)
def test_good_payments_are_paid_in_turn_where_only_one_can_be_sent_at_a_time(
    others: list[Other], goods: list[int], largest_sats: int, outages: list[tuple[float, float]]
) -> None:
    """The largest payment takes all that can be sent.

    A good payment that does not fit beside those before it is due again after 60 s, rounded up to a sweep. Each time it
    is passed over, another that fits was tried: each other at most seven times, each good one once.
    """
    with rolled_back():
        mix = Mix(others, goods=goods)
        mix.node.outages, mix.node.sendable_sats = outages, (largest_sats, largest_sats)
        passed_over = MOST_ATTEMPTS * len(others) + len(goods)

        waits = UNAVAILABLE_SECONDS + SWEEP_SECONDS + passed_over * (SHORT_SECONDS + SWEEP_SECONDS)
        mix.pay_within(mix.available_from + waits)
        mix.require_paid_once()


@given(
    st.lists(others(may_be_stuck=True), max_size=7),
    st.lists(sizes, min_size=1, max_size=3),
    largest,
    outages,
)
@example([Other(990, (RETRY,) * 30, is_stuck=True)], [990], 10**6, [])
@example([Other(990, (LOST,) * 30)] * 3, [990], 10**6, [])
@example(TOOK_EACH_OTHERS_TURNS, [990] * 3, 99_000, [(241, 423)])
@property_of(6)
def test_good_payments_of_a_stopped_rail_are_paid_after_each_payment_had_its_turn(
    others: list[Other], goods: list[int], largest_sats: int, outages: list[tuple[float, float]]
) -> None:
    """Ten others have stopped the rail before.

    Each turn of a payment takes at most the longest wait and two sweeps: for the deferral of the others, and for the
    next look. Orders that never arrived are sent again only after the turn of a new payment. The first good payment
    goes when each payment had a turn, and resumes the rail; what was deferred until then is due after one more wait.
    """
    with rolled_back():
        mix = Mix(others, goods=goods)
        mix.node.outages, mix.node.sendable_sats = outages, (10**9, largest_sats)
        for number in range(FAILURES_IN_A_ROW):
            count_failure("lightning", disbursement_id=10**6 + number, now=NOW)
        turns = len(others) + len(goods) + 1

        mix.pay_within(mix.available_from + turns * (LONGEST_WAIT_SECONDS + 2 * SWEEP_SECONDS))
        mix.require_paid_once()
