"""Payments that LND reports as in flight while no channel has them (lightningnetwork/lnd issue 9340)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from lightning.client import LndClient
from lightning.left_in_flight import evidence_of_search, is_left_in_flight
from lightning.proto import lightning_pb2 as pb
from lightning.rail import LightningRail
from sandbox.lnd.control import Record
from tests.lightning.world import NET_MSAT, PLATFORM, World, deadline, instruction, now
from transfers.types import Order, Refused, Succeeded, Unknown

HASH = "ab" * 32
IN_FLIGHT, SUCCEEDED, FAILED = pb.HTLCAttempt.IN_FLIGHT, pb.HTLCAttempt.SUCCEEDED, pb.HTLCAttempt.FAILED
FIRST, SECOND = 7, 8
LEFT = {"do": "left_in_flight"}
AFTER_EXPIRY = timedelta(seconds=3_600 + 601)


def attempt(status: int = IN_FLIGHT, *, by: int | None = FIRST) -> pb.HTLCAttempt:
    """Return an attempt; its second hop leaves from another node, by a channel that is not ours."""
    hops = [] if by is None else [pb.Hop(chan_id=by), pb.Hop(chan_id=99)]
    return pb.HTLCAttempt(attempt_id=3, status=status, route=pb.Route(hops=hops))  # type: ignore[arg-type]


def payment(*attempts: pb.HTLCAttempt) -> pb.Payment:
    return pb.Payment(payment_hash=HASH, status=pb.Payment.IN_FLIGHT, htlcs=attempts)


def channel(chan_id: int = FIRST, *, active: bool = True, htlcs: tuple[pb.HTLC, ...] = ()) -> pb.Channel:
    return pb.Channel(chan_id=chan_id, active=active, pending_htlcs=htlcs)


def htlc(hash_hex: str = HASH, *, incoming: bool = False) -> pb.HTLC:
    return pb.HTLC(hash_lock=bytes.fromhex(hash_hex), incoming=incoming, amount=1)


@pytest.mark.parametrize(
    ("attempts", "channels", "expected"),
    [
        ([attempt()], [channel()], True),
        ([attempt(), attempt(FAILED, by=SECOND)], [channel()], True),
        ([attempt(), attempt(by=SECOND)], [channel(), channel(SECOND)], True),
        ([attempt()], [channel(htlcs=(htlc("cd" * 32), htlc(incoming=True)))], True),
        ([attempt()], [channel(htlcs=(htlc(),))], False),
        ([attempt()], [channel(), channel(SECOND, htlcs=(htlc(),))], False),
        ([attempt()], [channel(), channel(SECOND, active=False, htlcs=(htlc(),))], False),
        ([attempt()], [channel(active=False)], False),
        ([attempt()], [channel(SECOND)], False),
        ([attempt(), attempt(by=SECOND)], [channel()], False),
        ([attempt(), attempt(SUCCEEDED)], [channel()], False),
        ([attempt(FAILED)], [channel()], False),
        ([], [channel()], False),
        ([attempt(by=None)], [channel()], False),
        ([attempt(77)], [channel()], True),
        ([attempt(77)], [channel(active=False)], False),
    ],
    ids=[
        "in its listed channel is nothing",
        "another attempt failed",
        "two attempts, two channels",
        "other hashes and incoming ones do not count",
        "its HTLC is pending",
        "pending in another channel than its route names",
        "pending in an inactive channel",
        "its channel is inactive",
        "its channel is closing",
        "the channel of one of two is closing",
        "a part has paid",
        "no attempt is in flight",
        "no attempt at all",
        "an attempt without a route",
        "a status of a later release counts as in flight",
        "a status of a later release, and an inactive channel",
    ],
)
def test_left_in_flight_only_if_no_channel_can_have_it(
    attempts: list[pb.HTLCAttempt], channels: list[pb.Channel], expected: bool
) -> None:
    assert is_left_in_flight(payment(*attempts), channels) is expected


def test_evidence_names_attempts_and_every_channel_that_was_searched() -> None:
    found = evidence_of_search(
        payment(attempt(), attempt(FAILED)), [channel(), channel(SECOND, active=False)]
    )

    assert found == {
        "attempts_in_flight": [{"attempt_id": 3, "attempt_time_ns": 0, "first_channel": "7"}],
        "channels_searched": {"7": "active", "8": "inactive"},
    }


def rail_at(world: World, later: timedelta) -> LightningRail:
    """Return a rail whose clock is ahead."""

    def ahead() -> datetime:
        return now(later)

    return LightningRail(LndClient(world.access("paying")), timeout_seconds=1, now=ahead)


def sent_under(world: World, *steps: Record) -> Order:
    """Send an order, valid for an hour, under a script."""
    rail = rail_at(world, timedelta())
    order = rail.prepare(instruction(world.invoice(expiry=3_600)), now=now())
    world.script(*steps)
    assert isinstance(rail.send(order, deadline=deadline()), Unknown)
    return order


def test_find_reports_an_expired_payment_that_no_channel_has_as_stuck(world: World, our_pubkey: str) -> None:
    order = sent_under(world, LEFT)

    found = rail_at(world, AFTER_EXPIRY).find(order)

    assert isinstance(found, Unknown)
    assert (found.seen, found.is_stuck, found.suspect, found.reason) == (
        True, True, False, "in-flight-nowhere",
    )  # fmt: skip
    assert found.evidence["status"] == "in-flight"
    (attempted,) = found.evidence["attempts_in_flight"]
    assert found.evidence["channels_searched"] == {attempted["first_channel"]: "active"}
    assert order.source == our_pubkey


def test_find_asks_for_channels_only_once_the_order_has_expired(world: World) -> None:
    order = sent_under(world, LEFT)
    world.control.script_calls(PLATFORM, "ListChannels", "before", {"do": "hang"}, count=9)

    found = rail_at(world, timedelta(seconds=3_600 + 590)).find(order)

    assert isinstance(found, Unknown)
    assert (found.is_stuck, found.reason) == (False, "in-flight")


def in_a_channel(world: World, order: Order) -> None:
    """Change nothing: the HTLC is in our channel."""


def of_another_node(world: World, order: Order) -> None:
    world.control.set_options(PLATFORM, shown_pubkey="02" + "ab" * 32)


def with_channels_unlisted(world: World, order: Order) -> None:
    error = {"do": "error", "code": "UNAVAILABLE", "text": "away"}
    world.control.script_calls(PLATFORM, "ListChannels", "before", error)


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ({"do": "in_flight", "seconds": 600}, in_a_channel),
        ({"do": "stuck"}, in_a_channel),
        (LEFT, of_another_node),
        (LEFT, with_channels_unlisted),
    ],
    ids=["in a channel", "no attempt yet", "another node answers", "channels are not listed"],
)
def test_find_of_an_expired_payment_that_may_be_under_way_stays_in_flight(
    world: World, step: Record, change: Callable[[World, Order], None]
) -> None:
    order = sent_under(world, step)
    change(world, order)

    found = rail_at(world, AFTER_EXPIRY).find(order)

    assert isinstance(found, Unknown)
    assert (found.seen, found.is_stuck, found.reason) == (True, False, "in-flight")


def test_find_of_a_payment_that_was_left_in_flight_and_then_paid_is_paid(world: World) -> None:
    order = sent_under(world, LEFT)
    before = world.control.nodes()[PLATFORM]

    world.control.settle(PLATFORM, order.reference)

    assert isinstance(rail_at(world, AFTER_EXPIRY).find(order), Succeeded)
    after = world.control.nodes()[PLATFORM]
    assert before["unsettled_out_msat"] == after["unsettled_out_msat"] == 0
    assert before["local_msat"] - after["local_msat"] > NET_MSAT


def test_find_of_a_payment_that_was_left_in_flight_and_then_failed_is_refused(world: World) -> None:
    order = sent_under(world, LEFT)
    before = world.control.nodes()[PLATFORM]

    world.control.fail(PLATFORM, order.reference)

    assert isinstance(rail_at(world, AFTER_EXPIRY).find(order), Refused)
    assert world.control.nodes()[PLATFORM] == before
