"""Checking and preparing destinations against the simulated node."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import msat
from lightning import errors
from lightning.access_scopes import NEEDED, AccessScope
from lightning.bolt11 import decode
from lightning.client import LndClient, NodeAccess
from lightning.macaroons import Macaroon, serialized
from lightning.proto import methods
from lightning.rail import LightningRail, fee_limit_msat
from sandbox.lnd.control import Record
from sunusav.core.errors import Invalid
from tests.lightning.world import NET_MSAT, PLATFORM, PLENTY_MSAT, World, instruction, now
from transfers.errors import DestinationKindUnsupported, RailShort, RailUnavailable
from transfers.types import Order, Sendable


def prepared(rail: LightningRail, text: str) -> Order:
    return rail.prepare(instruction(text), now=now())


def test_check_valid_invoice_returns_its_payment_hash(world: World, rail: LightningRail) -> None:
    text = world.invoice()
    payment_hash = decode(text).payment_hash.hex()
    for pasted in (text, text.upper(), f"lightning:{text}"):
        assert rail.check(instruction(pasted), now=now()) == payment_hash


def test_payee_of_invoice_is_its_node_without_a_request(world: World, rail: LightningRail) -> None:
    texts = [world.invoice(), world.invoice(NET_MSAT + 1)]
    world.control.stop_serving(PLATFORM)

    payees = {rail.payee_of(instruction(text).destination) for text in [*texts, texts[0].upper()]}

    assert payees == {f"node:{decode(texts[0]).payee.hex()}"}


def test_payee_of_unreadable_invoice_is_refused(rail: LightningRail) -> None:
    destination = instruction("lnbc1nonsense").destination
    with pytest.raises(errors.InvoiceUnreadable):
        rail.payee_of(destination)
    with pytest.raises(DestinationKindUnsupported):
        rail.payee_of(replace(destination, kind="phone"))


def test_check_sends_no_request(world: World, rail: LightningRail) -> None:
    text = world.invoice()
    world.control.stop_serving(PLATFORM)
    assert rail.check(instruction(text), now=now()) == decode(text).payment_hash.hex()


@pytest.mark.parametrize(
    ("invoice_msat", "refusal"),
    [
        (NET_MSAT - 1, errors.InvoiceAmountDiffers),
        (NET_MSAT + 1, errors.InvoiceAmountDiffers),
        (0, errors.InvoiceWithoutAmount),
    ],
)
def test_check_and_prepare_other_amount_are_refused(
    world: World, rail: LightningRail, invoice_msat: int, refusal: type[Invalid]
) -> None:
    text = world.invoice(invoice_msat)
    with pytest.raises(refusal):
        rail.check(instruction(text), now=now())
    with pytest.raises(refusal):
        rail.prepare(instruction(text), now=now())
    assert world.record(decode(text).payment_hash.hex()) == []


def test_check_expiring_soon_is_refused_when_accepted_but_still_sent(
    world: World, rail: LightningRail
) -> None:
    text = world.invoice(expiry=600)
    with pytest.raises(errors.InvoiceExpiresTooSoon):
        rail.check(instruction(text), now=now())
    assert prepared(rail, text).payload == text


def test_prepare_expired_is_refused(world: World, rail: LightningRail) -> None:
    text = world.invoice(expiry=600)
    with pytest.raises(errors.InvoiceExpired):
        rail.prepare(instruction(text), now=now(timedelta(seconds=601)))


def test_check_other_network_is_refused(world: World) -> None:
    mainnet = LightningRail(LndClient(world.access("paying", network="mainnet")))
    with pytest.raises(errors.InvoiceForAnotherNetwork):
        mainnet.check(instruction(world.invoice()), now=now())


def test_check_other_kind_of_destination_is_refused(rail: LightningRail) -> None:
    with pytest.raises(DestinationKindUnsupported) as refused:
        rail.check(instruction("+221771234567", kind="phone"), now=now())
    assert refused.value.facts == {
        "rail": "lightning",
        "kind": "phone",
        "supported_kinds": ["bolt11", "lightning_address", "lnurl"],
    }


def test_prepare_valid_invoice_returns_a_complete_order(
    world: World, rail: LightningRail, our_pubkey: str
) -> None:
    text = world.invoice(expiry=3_600)
    invoice = decode(text)
    assert prepared(rail, text.upper()) == Order(
        rail="lightning",
        reference=invoice.payment_hash.hex(),
        payload=text,
        amount=msat(NET_MSAT),
        cost_limit=msat(995_000),
        payee=invoice.payee.hex(),
        source=our_pubkey,
        expires_at=invoice.expires_at,
        give_up_after=invoice.expires_at + timedelta(minutes=10),
    )
    assert world.record(invoice.payment_hash.hex()) == []


@pytest.mark.parametrize(
    ("amount_msat", "limit_msat"),
    [(1_000, 10_000), (1_000_000, 10_000), (1_000_099, 10_000), (1_000_100, 10_001), (99_500_000, 995_000)],
)
def test_fee_limit_is_ten_sats_or_one_percent(amount_msat: int, limit_msat: int) -> None:
    assert fee_limit_msat(amount_msat) == limit_msat


def test_prepare_own_invoice_is_refused(world: World, rail: LightningRail, our_pubkey: str) -> None:
    with pytest.raises(errors.InvoicePaysOurselves) as refused:
        prepared(rail, world.invoice(node=PLATFORM))
    assert refused.value.facts == {"payee": our_pubkey}


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"wallet_state": "LOCKED"}, "wallet locked"),
        ({"wallet_state": "NON_EXISTING"}, "wallet not created"),
        ({"wallet_state": "WAITING_TO_START"}, "waiting to start"),
        ({"wallet_state": "UNLOCKED"}, "starting up"),
        ({"synced_to_chain": False}, "not synced"),
        ({"shown_network": "mainnet"}, "LND_NETWORK is regtest"),
    ],
)
def test_prepare_node_not_ready_is_unavailable(
    world: World, rail: LightningRail, options: Record, detail: str
) -> None:
    text = world.invoice()
    world.control.set_options(PLATFORM, **options)
    with pytest.raises(RailUnavailable) as unavailable:
        prepared(rail, text)
    assert detail in unavailable.value.facts["detail"]


def test_prepare_without_node_is_unavailable(world: World, rail: LightningRail) -> None:
    text = world.invoice()
    world.control.stop_serving(PLATFORM)
    with pytest.raises(RailUnavailable):
        prepared(rail, text)


def test_prepare_without_permission_is_unavailable(world: World) -> None:
    rail = LightningRail(LndClient(world.access("invoicing")))
    with pytest.raises(RailUnavailable) as unavailable:
        prepared(rail, world.invoice())
    assert unavailable.value.facts["detail"] == (
        "the paying macaroon: missing: SendPaymentV2, TrackPaymentV2, ListPayments, DecodePayReq, ChannelBalance, "
        "ListChannels"
    )


def test_prepare_and_sendable_without_the_right_to_send_are_unavailable(world: World, tmp_path: Path) -> None:
    """The node would answer all that is asked here, and refuse SendPaymentV2 alone."""
    others = [("uri", one.path) for one in NEEDED[AccessScope.PAYING] if one is not methods.SEND_PAYMENT_V2]
    narrow = world.control.bake_macaroon(PLATFORM, others)
    rail = LightningRail(LndClient(world.access_with(narrow, tmp_path)))
    for call in (lambda: prepared(rail, world.invoice()), rail.sendable):
        with pytest.raises(RailUnavailable, match=r"the paying macaroon: missing: SendPaymentV2$"):
            call()
    assert rail.balance() == msat(PLENTY_MSAT)


def test_sendable_with_an_identifier_that_we_cannot_read_is_left_to_the_node(
    world: World, tmp_path: Path
) -> None:
    """A node with --no-macaroons lists its channels all the same; sends are refused by the comparison of clocks."""
    unreadable = serialized(Macaroon(b"\x03\xff\xff", (), b"s" * 32)).hex()
    world.control.set_options(PLATFORM, checks_macaroons=False)
    rail = LightningRail(LndClient(world.access_with(unreadable, tmp_path)))
    assert rail.sendable() == Sendable(msat(PLENTY_MSAT), msat(PLENTY_MSAT))


@pytest.mark.parametrize("reserve_msat", [0, 1_000_000])
def test_prepare_without_liquidity_for_amount_and_fee_limit_is_short(
    world: World, rail: LightningRail, reserve_msat: int
) -> None:
    """Another payment may go: that this one cannot is no failure of the rail."""
    text, needed_msat = world.invoice(), NET_MSAT + fee_limit_msat(NET_MSAT)
    world.control.set_money(PLATFORM, local_msat=needed_msat + reserve_msat - 1, reserve_msat=reserve_msat)
    with pytest.raises(RailShort) as short:
        prepared(rail, text)
    assert short.value.facts == {
        "rail": "lightning",
        "needed": needed_msat,
        "available": needed_msat - 1_000,
        "currency": "msat",
    }
    assert rail.needed(msat(NET_MSAT)).amount == needed_msat
    assert rail.sendable() == Sendable(msat(needed_msat - 1_000), msat(needed_msat - 1_000))


def test_prepare_with_liquidity_for_amount_and_fee_limit_is_ready(world: World, rail: LightningRail) -> None:
    needed_msat = NET_MSAT + fee_limit_msat(NET_MSAT)
    world.control.set_money(PLATFORM, local_msat=needed_msat + 5_000, reserve_msat=5_000)
    assert prepared(rail, world.invoice()).amount.amount == NET_MSAT
    assert rail.sendable() == Sendable(msat(needed_msat), msat(needed_msat))
    assert rail.balance() == msat(needed_msat + 5_000)


def test_sendable_without_node_is_unavailable(world: World, rail: LightningRail) -> None:
    world.control.stop_serving(PLATFORM)
    with pytest.raises(RailUnavailable):
        rail.sendable()


@given(amounts=st.lists(st.integers(1, 10**12), min_size=2, max_size=2).map(sorted))
def test_needed_above_the_amount_never_falls(amounts: list[int]) -> None:
    rail = LightningRail(LndClient(NodeAccess("nowhere:1", "regtest", "")))
    small, large = (rail.needed(msat(amount)).amount - amount for amount in amounts)
    assert 0 < small <= large
