"""Preparing a Lightning Address or an LNURL: an invoice is fetched and checked like any other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from coincurve import PrivateKey
from pytest_django import Settings

from ledger.types import msat
from lightning import errors
from lightning.bolt11 import InvoiceDraft, decode, encode
from lightning.client import LndClient
from lightning.errors import LnurlAnswerMalformed
from lightning.rail import LightningRail
from sunusav.core.web_addresses import AddressForbidden
from tests.fakes.lnurl_service import METADATA, LnurlService
from tests.lightning.world import NET_MSAT, PLATFORM, World, instruction, now
from transfers.enums import FailureClass
from transfers.errors import DestinationKindUnsupported, DestinationUnavailable, RailShort, RailUnavailable
from transfers.types import Destination, Instruction, Order, PreviousOrder


@pytest.fixture
def service(world: World, settings: Settings) -> Iterator[LnurlService]:
    """The LNURL service of the winner's wallet."""
    with LnurlService(world.invoice) as made:
        settings.ALLOWED_LOOPBACK_HOSTS = [made.authority]
        yield made


def order_to(service: LnurlService, **changes: Any) -> Instruction:
    return replace(instruction(service.address, kind="lightning_address"), **changes)


def prepared(rail: LightningRail, service: LnurlService, **changes: Any) -> Order:
    return rail.prepare(order_to(service, **changes), now=now())


def after(order: Order, failure: FailureClass) -> PreviousOrder:
    return PreviousOrder(order, failure)


def test_check_address_sends_no_request(rail: LightningRail, service: LnurlService) -> None:
    assert rail.check(order_to(service), now=now()) == ""
    assert rail.check(instruction("awa@wallet.example", kind="lightning_address"), now=now()) == ""
    assert rail.check(instruction(service.link, kind="lnurl"), now=now()) == ""
    assert service.paths == []


@pytest.mark.parametrize(
    ("kind", "value", "refusal"),
    [
        ("lightning_address", "awa", errors.LightningAddressUnreadable),
        ("lightning_address", "awa@10.0.0.1", AddressForbidden),
        ("lnurl", "lnbcrt1x", errors.LnurlUnreadable),
        ("lnurl", "lnurlp://localhost/x", AddressForbidden),
        ("bolt11", "awa@wallet.example", errors.InvoiceUnreadable),
        ("phone", "+221771234567", DestinationKindUnsupported),
    ],
)
def test_check_unreadable_address_is_refused(
    rail: LightningRail, kind: str, value: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        rail.check(instruction(value, kind=kind), now=now())


def test_payee_of_address_is_the_same_for_every_spelling(rail: LightningRail, world: World) -> None:
    link = "lnurlp://wallet.example/.well-known/lnurlp/awa"
    written = [
        ("lightning_address", "Awa@Wallet.Example"),
        ("lightning_address", "awa@wallet.example"),
        ("lnurl", link),
    ]
    payees = [rail.payee_of(Destination("lightning", kind, value)) for kind, value in written]
    assert payees == ["address:https://wallet.example/.well-known/lnurlp/awa"] * 3

    text = world.invoice()
    assert rail.payee_of(Destination("lightning", "bolt11", text)) == f"node:{decode(text).payee.hex()}"
    with pytest.raises(DestinationKindUnsupported):
        rail.payee_of(Destination("lightning", "phone", "+221771234567"))


@pytest.mark.parametrize("kind", ["lightning_address", "lnurl"])
def test_prepare_fetches_one_invoice_of_exactly_the_amount(
    rail: LightningRail, service: LnurlService, our_pubkey: str, kind: str
) -> None:
    value = service.address if kind == "lightning_address" else service.link
    order = rail.prepare(instruction(value, kind=kind), now=now())

    assert service.paths == ["/.well-known/lnurlp/awa", "/pay"]
    invoice = decode(service.invoices[0])
    assert (order.payload, order.reference) == (invoice.text, invoice.payment_hash.hex())
    assert (order.amount.amount, order.source, order.is_renewable) == (NET_MSAT, our_pubkey, True)


def test_prepare_sends_a_comment_without_a_name(rail: LightningRail, service: LnurlService) -> None:
    service.offer = {"commentAllowed": 100}
    prepared(rail, service)
    assert service.comments == ["SunuSav payout 1"]


def test_prepare_with_unready_node_sends_no_request(
    rail: LightningRail, service: LnurlService, world: World
) -> None:
    world.control.set_money(PLATFORM, local_msat=NET_MSAT)
    with pytest.raises(RailShort):
        prepared(rail, service)
    world.control.stop_serving(PLATFORM)
    with pytest.raises(RailUnavailable):
        prepared(LightningRail(LndClient(world.access("paying"))), service)
    assert service.paths == []


def test_prepare_invoice_without_metadata_hash_logs_a_warning(
    rail: LightningRail, service: LnurlService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="lightning.rail"):
        prepared(rail, service)
    assert caplog.messages == ["the invoice from 127.0.0.1 does not contain the hash of its metadata"]


def test_prepare_invoice_with_metadata_hash_logs_nothing(
    rail: LightningRail, service: LnurlService, caplog: pytest.LogCaptureFixture
) -> None:
    service.make_invoice = lambda msat: _signed(msat, description_hash=sha256(METADATA.encode()).digest())
    with caplog.at_level(logging.WARNING, logger="lightning.rail"):
        prepared(rail, service)
    assert caplog.messages == []


def _signed(amount_msat: int | None, **changes: Any) -> str:
    """Sign an invoice that no node knows."""
    facts: dict[str, Any] = {
        "network": "bcrt", "timestamp": int(now().timestamp()), "amount_msat": amount_msat, "payment_hash": b"h" * 32,
        "payment_secret": b"s" * 32, "expiry_seconds": 86_400, "min_final_cltv_expiry": 80,
        "features": 1 << 8 | 1 << 14 | 1 << 17,
    }  # fmt: skip
    if "description_hash" not in changes:
        facts["description"] = "tontine"
    return encode(InvoiceDraft(**(facts | changes)), PrivateKey(b"k" * 32).secret)


LIES: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"amount_msat": NET_MSAT + 1}, errors.InvoiceAmountDiffers),
    ({"amount_msat": NET_MSAT - 1}, errors.InvoiceAmountDiffers),
    ({"amount_msat": None}, errors.InvoiceWithoutAmount),
    ({"network": "bc"}, errors.InvoiceForAnotherNetwork),
    ({"timestamp": int(now().timestamp()) - 100, "expiry_seconds": 60}, errors.InvoiceExpired),
    ({"expiry_seconds": 60}, errors.InvoiceExpiresTooSoon),
    ({"timestamp": int(now().timestamp()) + 86_400}, errors.InvoiceFromTheFuture),
    ({"min_final_cltv_expiry": 5_000}, errors.InvoiceLocksTooLong),
]


@pytest.mark.parametrize(("lie", "refusal"), LIES)
def test_prepare_fetched_invoice_that_may_not_be_paid_is_refused(
    rail: LightningRail, service: LnurlService, lie: dict[str, Any], refusal: type[Exception]
) -> None:
    facts = {"amount_msat": NET_MSAT, **lie}
    service.make_invoice = lambda _: _signed(**facts)
    with pytest.raises(refusal):
        prepared(rail, service)


def test_prepare_fetched_invoice_of_our_own_node_is_refused(
    rail: LightningRail, service: LnurlService, world: World
) -> None:
    service.make_invoice = lambda msat: world.invoice(msat, node=PLATFORM)
    with pytest.raises(errors.InvoicePaysOurselves):
        prepared(rail, service)


def test_prepare_answer_without_readable_invoice_is_refused(
    rail: LightningRail, service: LnurlService
) -> None:
    service.make_invoice = lambda _: "lnbcrt1nonsense"
    with pytest.raises(errors.InvoiceUnreadable):
        prepared(rail, service)


@pytest.mark.parametrize("offer", [b"<html>Sorry</html>", b"", b"[]", b'{"tag": "' + b"x" * 400_000 + b'"}'])
def test_prepare_service_without_json_is_unavailable(
    rail: LightningRail, service: LnurlService, offer: bytes
) -> None:
    service.offers = [offer]
    with pytest.raises(DestinationUnavailable) as unavailable:
        prepared(rail, service)
    assert unavailable.value.facts["host"] == "127.0.0.1"


def test_prepare_ignores_the_http_status_of_the_service(rail: LightningRail, service: LnurlService) -> None:
    service.status = 500
    assert prepared(rail, service).amount.amount == NET_MSAT


@pytest.mark.parametrize(
    "callback",
    ["http://10.0.0.1/pay", "https://169.254.169.254/", "https://localhost/", "file:///etc/passwd"],
)
def test_prepare_forbidden_callback_is_refused(
    rail: LightningRail, service: LnurlService, callback: str
) -> None:
    service.offer = {"callback": callback}
    with pytest.raises(AddressForbidden):
        prepared(rail, service)


# the invoice of the last attempt


@pytest.mark.parametrize("failure", [FailureClass.RETRY, FailureClass.HOLD, FailureClass.REVIEW])
def test_prepare_again_uses_the_last_invoice(
    rail: LightningRail, service: LnurlService, failure: FailureClass
) -> None:
    first = prepared(rail, service)

    assert prepared(rail, service, previous=after(first, failure)) == first
    assert len(service.invoices) == 1


@pytest.mark.parametrize(("seconds", "fetched"), [(479, 1), (481, 2), (700, 2)])
def test_prepare_with_expiring_last_invoice_fetches_another(
    rail: LightningRail, service: LnurlService, world: World, seconds: int, fetched: int
) -> None:
    service.make_invoice = lambda msat: world.invoice(msat, expiry=600)
    first = prepared(rail, service)
    later = first.expires_at - timedelta(seconds=600 - seconds)
    service.make_invoice = lambda msat: world.invoice(msat, expiry=6_000)

    order = rail.prepare(order_to(service, previous=after(first, FailureClass.RETRY)), now=later)

    assert (len(service.invoices), order == first, order.is_renewable) == (fetched, fetched == 1, True)


def test_prepare_after_refused_invoice_fetches_another_once(
    rail: LightningRail, service: LnurlService
) -> None:
    first = prepared(rail, service)
    second = prepared(rail, service, previous=after(first, FailureClass.RENEW))

    assert second.payload == decode(service.invoices[1]).text
    assert (first.is_renewable, second.is_renewable) == (True, False)
    assert not prepared(rail, service, previous=after(second, FailureClass.RETRY)).is_renewable


def test_prepare_after_refused_invoice_refuses_the_same_invoice(
    rail: LightningRail, service: LnurlService
) -> None:
    first = prepared(rail, service)
    service.make_invoice = lambda _: first.payload
    with pytest.raises(LnurlAnswerMalformed) as refused:
        prepared(rail, service, previous=after(first, FailureClass.RENEW))
    assert refused.value.facts == {"host": "127.0.0.1", "reason": "the same invoice again"}


def test_prepare_last_invoice_with_another_amount_is_refused(
    rail: LightningRail, service: LnurlService
) -> None:
    first = prepared(rail, service)
    with pytest.raises(errors.InvoiceAmountDiffers):
        prepared(rail, service, amount=msat(NET_MSAT - 1_000), previous=after(first, FailureClass.RETRY))


def test_prepare_given_invoice_sends_no_request_and_is_not_renewable(
    rail: LightningRail, service: LnurlService, world: World
) -> None:
    order = rail.prepare(instruction(world.invoice()), now=now())
    assert (service.paths, order.is_renewable) == ([], False)
