"""Finding orders and listing payments, against the simulated node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.types import msat
from lightning.client import LndClient
from lightning.rail import LightningRail
from lightning.statement import provider_payments
from sandbox.lnd.control import Record
from tests.lightning.world import NET_MSAT, PLATFORM, WALLETS, World, deadline, instruction, now
from transfers.errors import RailUnavailable
from transfers.types import NotSeen, Order, Succeeded, Unknown


def prepared(rail: LightningRail, text: str) -> Order:
    return rail.prepare(instruction(text), now=now())


def sent(rail: LightningRail, order: Order) -> Any:
    return rail.send(order, deadline=deadline())


def sent_under(world: World, rail: LightningRail, *steps: Record) -> tuple[Order, Any]:
    """Prepare a payment, script it, send it."""
    order = prepared(rail, world.invoice())
    world.script(*steps)
    return order, sent(rail, order)


def test_find_never_sent_is_not_seen_by_the_named_node(
    world: World, rail: LightningRail, our_pubkey: str
) -> None:
    order = prepared(rail, world.invoice())
    for answering in (our_pubkey, "02" + "ab" * 32):
        world.control.set_options(PLATFORM, shown_pubkey=answering)
        found = rail.find(order)
        assert isinstance(found, NotSeen)
        assert found.source == answering


def test_find_deleted_payment_is_not_seen(world: World, rail: LightningRail) -> None:
    """The engine has recorded that it was seen before, and sends it to review."""
    order = prepared(rail, world.invoice())
    assert isinstance(sent(rail, order), Succeeded)
    world.control.forget(PLATFORM, order.reference)
    assert isinstance(rail.find(order), NotSeen)


def test_find_without_node_is_unavailable(world: World, rail: LightningRail) -> None:
    order = prepared(rail, world.invoice())
    world.control.stop_serving(PLATFORM)
    with pytest.raises(RailUnavailable):
        rail.find(order)


def test_find_initiated_payment_is_seen(world: World, rail: LightningRail) -> None:
    world.control.set_options(PLATFORM, use_status_initiated=True)
    order, doubt = sent_under(world, rail, {"do": "stuck"})
    assert isinstance(doubt, Unknown)
    assert rail.find(order).evidence["status"] == "initiated"


def test_statement_lists_every_payment_with_its_state(world: World, rail: LightningRail) -> None:
    world.control.set_money(PLATFORM, fee_base_msat=7, fee_ppm=0)
    paid, failed, stuck = (prepared(rail, world.invoice()) for _ in range(3))
    sent(rail, paid)
    world.script({"do": "fail", "reason": "NO_ROUTE"})
    sent(rail, failed)
    world.script({"do": "stuck"})
    sent(rail, stuck)
    lines = {line.reference: line for line in rail.statement()}
    assert [
        (line.is_paid, line.is_open, line.amount, line.cost)
        for line in (lines[order.reference] for order in (paid, failed, stuck))
    ] == [
        (True, False, msat(NET_MSAT), msat(7)), (False, False, msat(NET_MSAT), msat(0)),
        (False, True, msat(NET_MSAT), msat(0)),
    ]  # fmt: skip


def test_statement_and_balance_without_node_are_unavailable(world: World, rail: LightningRail) -> None:
    world.control.stop_serving(PLATFORM)
    with pytest.raises(RailUnavailable):
        list(rail.statement())
    with pytest.raises(RailUnavailable):
        rail.balance()


@pytest.mark.parametrize("is_foreign", [False, True], ids=["truncated", "of another node"])
def test_every_call_with_an_unusable_macaroon_is_unavailable_and_names_it(
    world: World, rail: LightningRail, tmp_path: Path, is_foreign: bool
) -> None:
    """Nothing is taken for an answer about a payment: neither that it is unknown, nor that it was refused."""
    order = prepared(rail, world.invoice())
    path = world.process.node(WALLETS if is_foreign else PLATFORM).macaroon_paths["paying"]
    unusable = path.read_bytes()[: None if is_foreign else -1].hex()
    refused = LightningRail(LndClient(world.access_with(unusable, tmp_path)))
    calls: list[Callable[[], object]] = [
        lambda: prepared(refused, world.invoice()),
        lambda: sent(refused, order),
        lambda: refused.find(order),
        refused.balance,
        refused.sendable,
        lambda: list(refused.statement()),
    ]
    for call in calls:
        with pytest.raises(RailUnavailable, match="the paying macaroon: "):
            call()
    assert world.record(order.reference) == []


def test_statement_over_several_pages_lists_each_payment_once(world: World, paying: LndClient) -> None:
    rail = LightningRail(paying, timeout_seconds=1)
    for _ in range(3):
        sent(rail, prepared(rail, world.invoice()))
    whole = list(provider_payments(paying))
    assert list(provider_payments(paying, page_size=2)) == whole
    assert len({line.reference for line in whole}) == len(whole) >= 3
