"""How late a node may take a call: its clock is compared with ours before money is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lightning.client import LndClient, NodeAccess, NodeMisconfigured, NodeTooLate, NodeUnavailable
from lightning.node_clock import LATE_BY, NodeClock, clock_offset_seconds, now_by
from lightning.proto import lightning_pb2
from lightning.rail import LightningRail
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.lightning.world import PLATFORM, World, deadline, instruction, now
from transfers.errors import RailUnavailable
from transfers.types import Succeeded

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class FakeNode(LndClient):
    """A node whose clock differs from NOW; None: it does not check macaroons. Counts the narrowed calls."""

    def __init__(self, ahead: timedelta | None = timedelta()) -> None:
        super().__init__(NodeAccess("nowhere:1", "regtest", ""))
        self.ahead = ahead
        self.narrowed_calls = 0

    def get_info(self, *, not_after: datetime | None = None) -> lightning_pb2.GetInfoResponse:
        self.narrowed_calls += not_after is not None
        if not_after is not None and self.ahead is not None and NOW + self.ahead >= not_after:
            raise NodeTooLate("macaroon has expired")
        return lightning_pb2.GetInfoResponse()


@pytest.mark.parametrize("ahead_seconds", [-5, -1, 0, 9.999999])
def test_agreement_with_a_clock_that_differs_little_is_found(ahead_seconds: float) -> None:
    NodeClock(FakeNode(ahead_seconds * SECOND)).require_agreement(lambda: NOW)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (-5.000001 * SECOND, "more than 5 s slow"),
        (-3_600 * SECOND, "more than 5 s slow"),
        (None, "macaroons are not checked"),
        (10 * SECOND, "more than 10 s fast"),
        (3_600 * SECOND, "more than 10 s fast"),
    ],
)
def test_agreement_with_a_clock_that_differs_much_is_refused(ahead: timedelta | None, text: str) -> None:
    compared = NodeClock(FakeNode(ahead))
    with pytest.raises(NodeMisconfigured, match=text):
        compared.require_agreement(lambda: NOW)
    with pytest.raises(NodeMisconfigured, match=text):
        compared.require_no_disagreement()


def test_agreement_with_a_node_that_answers_slowly_is_refused() -> None:
    """The refusal of an old moment proves nothing about the clock when the answer took longer than is allowed for."""
    with pytest.raises(NodeUnavailable, match="too slowly"):
        NodeClock(FakeNode(), max_answer=timedelta()).require_agreement(lambda: NOW)


def test_agreement_is_asked_for_once_while_it_is_recent() -> None:
    node = FakeNode()
    compared = NodeClock(node)
    for _ in range(10):
        compared.require_agreement(lambda: NOW)
    assert node.narrowed_calls == 2
    compared.require_no_disagreement()


def test_agreement_that_is_not_kept_is_asked_for_again() -> None:
    node = FakeNode()
    compared = NodeClock(node, keep_seconds=0)
    compared.require_agreement(lambda: NOW)
    node.ahead = -3_600 * SECOND
    with pytest.raises(NodeMisconfigured):
        compared.require_agreement(lambda: NOW)


@pytest.mark.parametrize(
    ("ahead", "measured_seconds"),
    [
        (timedelta(), 0),
        (0.999999 * SECOND, 0),
        (SECOND, 1),
        (-0.000001 * SECOND, -1),
        (-5 * SECOND, -5),
        (63 * SECOND, 63),
        (3_600 * SECOND, 63),
        (-64 * SECOND, -64),
        (-3_600 * SECOND, -64),
        (None, -64),
    ],
)
def test_clock_offset_is_measured_to_the_second(ahead: timedelta | None, measured_seconds: int) -> None:
    node = FakeNode(ahead)
    assert clock_offset_seconds(node, lambda: NOW) == measured_seconds
    assert node.narrowed_calls == 7


def test_now_by_a_deadline_is_what_is_left_of_it_before_it() -> None:
    read_at_ns = boottime_ns()
    present = now_by(Deadline.after(20 * SECOND, at=NOW + 20 * SECOND, read_at_ns=read_at_ns))
    assert NOW <= present <= NOW + timedelta(microseconds=(boottime_ns() - read_at_ns) // 1_000 + 1)


def test_late_by_covers_what_an_agreement_leaves_open(rail: LightningRail) -> None:
    """Five seconds of the clock and five of the answer that showed it."""
    assert rail.late_by == LATE_BY == 10 * SECOND


def shift_back(world: World) -> None:
    world.control.set_clock(offset_seconds=-8)


def shift_ahead(world: World) -> None:
    world.control.set_clock(offset_seconds=13)


def check_no_macaroons(world: World) -> None:
    world.control.set_options(PLATFORM, checks_macaroons=False)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (shift_back, "5 s slow"),
        (shift_ahead, "10 s fast"),
        (check_no_macaroons, "macaroons are not checked"),
    ],
)
def test_rail_whose_node_would_take_late_calls_sends_nothing(
    world: World, rail: LightningRail, change: Callable[[World], None], detail: str
) -> None:
    """What was found when the order was prepared does not count for the send."""
    text = world.invoice()
    order = rail.prepare(instruction(text), now=now())
    change(world)
    fresh = LightningRail(LndClient(world.access("paying")))
    for attempt in (
        lambda: fresh.prepare(instruction(text), now=now()),
        lambda: rail.send(order, deadline=deadline()),
        lambda: fresh.send(order, deadline=deadline()),
    ):
        with pytest.raises(RailUnavailable) as unavailable:
            attempt()
        assert detail in unavailable.value.facts["detail"]
    assert world.record(order.reference) == []


@pytest.mark.parametrize("offset_seconds", [-3, 7])
def test_rail_whose_node_differs_little_pays(world: World, rail: LightningRail, offset_seconds: int) -> None:
    world.control.set_clock(offset_seconds=offset_seconds)
    order = rail.prepare(instruction(world.invoice()), now=now())
    assert isinstance(rail.send(order, deadline=deadline()), Succeeded)


def test_rail_recovers_when_the_clock_is_corrected(world: World, paying: LndClient) -> None:
    rail = LightningRail(paying, compare_clock_seconds=0)
    text = world.invoice()
    world.control.set_clock(offset_seconds=-60)
    with pytest.raises(RailUnavailable):
        rail.prepare(instruction(text), now=now())
    world.control.set_clock()
    order = rail.prepare(instruction(text), now=now())
    assert isinstance(rail.send(order, deadline=deadline()), Succeeded)
