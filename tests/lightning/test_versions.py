"""The rail and the collector return the same outcomes with every release of LND that we support."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from ledger.types import msat
from lightning.client import LndClient
from lightning.collector import LightningCollector
from lightning.errors import InvoicePaysOurselves
from lightning.rail import LightningRail
from lightning.statement import provider_payments
from sandbox.lnd.control import Record
from tests.lightning.world import NET_MSAT, PLATFORM, World, deadline, instruction, now
from transfers.enums import FailureClass
from transfers.types import CollectionRequest, NotSeen, Order, Refused, Succeeded, Unknown

RELEASES = ("0.15.5", "0.16.4", "0.17.5", "0.18.5", "0.19.3", "0.20.1", "0.21.2")
# The SQL store of payments is meant for production since 0.21.
STORES = [(release, "kv") for release in RELEASES] + [("0.20.1", "sql"), ("0.21.2", "sql")]
COLLECTION_IDS = itertools.count(9_000_000)


@pytest.fixture(params=STORES, ids="-".join)
def release(request: pytest.FixtureRequest, world: World) -> str:
    version, store = request.param
    world.control.set_options(
        PLATFORM, version=f"{version}-beta", payment_store=store, use_status_initiated=True
    )
    return str(version)


def prepared(rail: LightningRail, text: str) -> Order:
    return rail.prepare(instruction(text), now=now())


def sent(rail: LightningRail, order: Order, *, node_ahead: timedelta = timedelta()) -> Any:
    return rail.send(order, deadline=deadline(node_ahead=node_ahead))


def sent_under(world: World, rail: LightningRail, *steps: Record) -> tuple[Order, Any]:
    order = prepared(rail, world.invoice())
    world.script(*steps)
    return order, sent(rail, order)


def test_send_twice_pays_once(world: World, rail: LightningRail, release: str) -> None:
    order = prepared(rail, world.invoice())
    paid = sent(rail, order)
    assert isinstance(paid, Succeeded)
    assert rail.verify(order.reference, paid.proof)
    assert (sent(rail, order), rail.find(order)) == (paid, paid)
    (row,) = world.record(order.reference)
    assert (row["sends"], row["accepted"], row["successes"]) == (2, 1, 1)


def test_payment_in_flight_is_unknown_and_seen_by_send_and_find(
    world: World, rail: LightningRail, release: str
) -> None:
    order, first = sent_under(world, rail, {"do": "hold", "at": "in_flight"})
    for answer in (first, sent(rail, order), rail.find(order)):
        assert isinstance(answer, Unknown)
        assert (answer.seen, answer.suspect) == (True, False)
    world.control.settle(PLATFORM, order.reference)
    assert isinstance(rail.find(order), Succeeded)
    assert [row["accepted"] for row in world.record(order.reference)] == [1]


def test_payment_without_htlc_is_unknown_and_seen(world: World, rail: LightningRail, release: str) -> None:
    """INITIATED since 0.18, IN_FLIGHT before: neither is an end."""
    order, first = sent_under(world, rail, {"do": "stuck"})
    found = rail.find(order)
    for answer in (first, sent(rail, order), found):
        assert isinstance(answer, Unknown)
        assert answer.seen
    initiated = release not in RELEASES[:3]
    assert found.evidence["status"] == ("initiated" if initiated else "in-flight")
    assert [row["accepted"] for row in world.record(order.reference)] == [1]


def test_failed_payment_can_be_sent_again(world: World, rail: LightningRail, release: str) -> None:
    order, refused = sent_under(world, rail, {"do": "fail", "reason": "NO_ROUTE"})
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("no-route", FailureClass.RETRY)
    assert isinstance(sent(rail, order), Succeeded)


def test_paid_and_expired_is_found_paid(world: World, rail: LightningRail, release: str) -> None:
    order = prepared(rail, world.invoice(expiry=600))
    paid = sent(rail, order)
    world.control.set_clock(advance_seconds=700)
    assert isinstance(sent(rail, order, node_ahead=timedelta(seconds=700)), Unknown)
    assert rail.find(order) == paid


def test_never_sent_is_not_seen(world: World, rail: LightningRail, release: str) -> None:
    assert isinstance(rail.find(prepared(rail, world.invoice())), NotSeen)


def test_own_invoice_is_refused_before_sending(world: World, rail: LightningRail, release: str) -> None:
    with pytest.raises(InvoicePaysOurselves):
        prepared(rail, world.invoice(node=PLATFORM))


def test_statement_lists_the_payment(
    world: World, rail: LightningRail, paying: LndClient, release: str
) -> None:
    order = prepared(rail, world.invoice())
    sent(rail, order)
    lines = {line.reference: line for line in provider_payments(paying)}
    assert (lines[order.reference].is_paid, lines[order.reference].amount.amount) == (True, NET_MSAT)


def test_collection_opened_twice_is_the_same(
    world: World, collector: LightningCollector, release: str
) -> None:
    request = CollectionRequest(
        collection_id=next(COLLECTION_IDS),
        amount=msat(NET_MSAT),
        memo="tontine",
        expires_in_seconds=600,
    )
    opened = collector.open(request, now=now())
    assert collector.open(request, now=now()) == opened
    assert collector.find(opened.reference).state == "open"
    assert collector.cancel(opened.reference).state == "cancelled"
    assert collector.cancel(opened.reference).state == "cancelled"
