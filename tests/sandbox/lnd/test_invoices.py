"""Invoices: added, looked up, listed, followed, held, cancelled, expired; and read with DecodePayReq."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import grpc
import pytest

from lightning import bolt11
from lightning.proto import methods
from lightning.proto.lightning_pb2 import Invoice
from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.conftest import Pair
from tests.sandbox.lnd.wire import UNKNOWN_HASH, Wire, fresh_preimage, reason, refused, status

UNKNOWN, NOT_FOUND = grpc.StatusCode.UNKNOWN, grpc.StatusCode.NOT_FOUND
YEAR_SECONDS = 365 * 24 * 3600


def state(message: Invoice) -> str:
    return Invoice.InvoiceState.Name(message.state)


def test_added_invoice_is_a_signed_bolt11_of_the_node(wallets: Wire, world: SimulatorProcess) -> None:
    preimage = fresh_preimage()
    added = wallets.call(
        methods.ADD_INVOICE, value_msat=21_001, memo="tontine", r_preimage=preimage, expiry=7200
    )
    read = bolt11.decode(added.payment_request)
    assert added.r_hash == read.payment_hash == hashlib.sha256(preimage).digest()
    assert (read.network, read.amount_msat, read.description, read.expiry_seconds) == (
        "bcrt",
        21_001,
        "tontine",
        7200,
    )
    assert (read.payee.hex(), read.payment_secret) == (world.node("wallets").pubkey, added.payment_addr)
    assert [bit for bit in range(64) if read.features >> bit & 1] == [8, 14, 17, 25]
    stored = wallets.call(methods.LOOKUP_INVOICE, r_hash=added.r_hash)
    assert (stored.r_preimage, stored.value_msat, stored.value, state(stored)) == (
        preimage,
        21_001,
        21,
        "OPEN",
    )


def test_add_index_rises_and_expiry_defaults_to_a_day(wallets: Wire) -> None:
    first, second = (wallets.call(methods.ADD_INVOICE, value=1) for _ in range(2))
    assert second.add_index == first.add_index + 1
    assert wallets.call(methods.LOOKUP_INVOICE, r_hash=first.r_hash).expiry == 86_400


def test_add_invoice_with_known_preimage_is_refused_and_keeps_the_first(wallets: Wire) -> None:
    preimage = fresh_preimage()
    first = wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    with refused(UNKNOWN, "invoice with payment hash already exists"):
        wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    stored = wallets.call(methods.LOOKUP_INVOICE, r_hash=hashlib.sha256(preimage).digest())
    assert stored.payment_request == first.payment_request


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"memo": "x" * 1025}, "memo too large: 1025 bytes (maxsize=1024)"),
        ({"description_hash": b"x" * 31}, "description hash is 31 bytes, must be 32"),
        ({"value": -1}, "amount cannot be negative"),
        ({"value": 1, "value_msat": 1}, "mutually exclusive"),
        ({"value": 100_000 * 10**8 + 1}, "is too large"),
        ({"expiry": YEAR_SECONDS + 1}, "greater than max expiry"),
        ({"cltv_expiry": 23}, "must be greater than minimum of 24"),
        ({"cltv_expiry": 65_536}, "is too large, max accepted is"),
        ({"r_preimage": b"x" * 31}, "invalid preimage length of 31"),
    ],
)
def test_add_invoice_beyond_the_limits_is_refused(wallets: Wire, fields: dict[str, Any], text: str) -> None:
    with refused(UNKNOWN, text):
        wallets.call(methods.ADD_INVOICE, **fields)


def test_lookup_of_wrong_length_or_unknown_hash_is_refused(wallets: Wire, pair: Pair) -> None:
    with refused(UNKNOWN, "payment hash must be exactly 32 bytes"):
        wallets.call(methods.LOOKUP_INVOICE, r_hash=b"short")
    wallets.call(methods.ADD_INVOICE, value=1)
    with refused(NOT_FOUND, "unable to locate invoice"):
        wallets.call(methods.LOOKUP_INVOICE, r_hash=UNKNOWN_HASH)
    with refused(NOT_FOUND, "there are no existing invoices"):
        pair.payee_wire.call(methods.LOOKUP_INVOICE, r_hash=UNKNOWN_HASH)


def test_list_invoices_pages_by_exclusive_index(pair: Pair) -> None:
    wallets, control = pair.payee_wire, pair.control
    invoices = [control.invoice(pair.payee, amount_msat * 1000) for amount_msat in range(1, 103)]
    control.pay(pair.payer, invoices[0]["payment_request"])

    def listed(**fields: Any) -> list[int]:
        return [invoice.value for invoice in wallets.call(methods.LIST_INVOICES, **fields).invoices]

    assert listed() == list(range(1, 101))
    assert listed(index_offset=100) == [101, 102]
    assert listed(num_max_invoices=2, reversed=True) == [101, 102]
    assert listed(num_max_invoices=2, index_offset=3, reversed=True) == [1, 2]
    assert listed(num_max_invoices=2, pending_only=True) == [2, 3]
    answer = wallets.call(methods.LIST_INVOICES, num_max_invoices=2, index_offset=5)
    assert (answer.first_index_offset, answer.last_index_offset) == (6, 7)


# Subscriptions


def test_subscription_from_zero_sends_no_backlog_but_later_adds_and_settlements(pair: Pair) -> None:
    wallets, control = pair.payee_wire, pair.control
    control.pay(pair.payer, control.invoice(pair.payee, 1_000)["payment_request"])
    updates = wallets.stream(methods.SUBSCRIBE_INVOICES)
    time.sleep(0.2)  # a client cannot see when the server has subscribed it
    cancelled, paid = control.invoice(pair.payee, 2_000), control.invoice(pair.payee, 3_000)
    wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(cancelled["payment_hash"]))
    control.pay(pair.payer, paid["payment_request"])
    received = [next(updates) for _ in range(3)]
    assert [(invoice.value_msat, state(invoice)) for invoice in received] == [
        (2_000, "OPEN"),
        (3_000, "OPEN"),
        (3_000, "SETTLED"),
    ]
    assert received[-1].settle_index == 2


def test_subscription_replays_adds_then_settlements_after_the_given_indexes(pair: Pair) -> None:
    wallets, control = pair.payee_wire, pair.control
    invoices = [control.invoice(pair.payee, amount_msat) for amount_msat in (1_000, 2_000, 3_000, 4_000)]
    for invoice in (invoices[2], invoices[0], invoices[1]):
        control.pay(pair.payer, invoice["payment_request"])
    updates = wallets.stream(methods.SUBSCRIBE_INVOICES, add_index=2, settle_index=1)
    received = [next(updates) for _ in range(4)]
    assert [invoice.add_index for invoice in received[:2]] == [3, 4]
    assert [(invoice.settle_index, invoice.value_msat) for invoice in received[2:]] == [
        (2, 1_000),
        (3, 2_000),
    ]
    control.pay(pair.payer, invoices[3]["payment_request"])
    live = next(updates)
    assert (live.settle_index, live.amt_paid_msat, state(live)) == (4, 4_000, "SETTLED")


def test_single_subscription_ends_at_the_final_state(wallets: Wire, control: Control) -> None:
    paid, cancelled = control.invoice("wallets", 1_000), control.invoice("wallets", 1_000)
    streams = [
        wallets.stream(methods.SUBSCRIBE_SINGLE_INVOICE, r_hash=bytes.fromhex(invoice["payment_hash"]))
        for invoice in (paid, cancelled)
    ]
    assert [state(next(stream)) for stream in streams] == ["OPEN", "OPEN"]
    control.pay("platform", paid["payment_request"])
    wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(cancelled["payment_hash"]))
    assert [[state(message) for message in stream] for stream in streams] == [["SETTLED"], ["CANCELED"]]


def test_single_subscription_to_an_unknown_hash_waits_without_an_answer(wallets: Wire) -> None:
    preimage = fresh_preimage()
    stream = wallets.stream(methods.SUBSCRIBE_SINGLE_INVOICE, r_hash=hashlib.sha256(preimage).digest())
    time.sleep(0.1)
    wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    assert state(next(stream)) == "OPEN"
    stream.cancel()


# Cancelling, holding, expiring


def test_cancel_is_idempotent_and_refused_after_settlement(wallets: Wire, control: Control) -> None:
    invoice, paid = control.invoice("wallets", 1_000), control.invoice("wallets", 1_000)
    for _ in range(2):
        wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(invoice["payment_hash"]))
    control.pay("platform", paid["payment_request"])
    with refused(UNKNOWN, "invoice already settled"):
        wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(paid["payment_hash"]))
    with refused(UNKNOWN, "unable to locate invoice"):
        wallets.call(methods.CANCEL_INVOICE, payment_hash=UNKNOWN_HASH)


def test_hold_invoice_is_settled_by_its_preimage(platform: Wire, wallets: Wire) -> None:
    preimage = fresh_preimage()
    held = wallets.call(methods.ADD_HOLD_INVOICE, hash=hashlib.sha256(preimage).digest(), value_msat=9_000)
    with refused(UNKNOWN, "invoice still open"):
        wallets.call(methods.SETTLE_INVOICE, preimage=preimage)
    stream = platform.start(held.payment_request)
    payment_hash = hashlib.sha256(preimage).digest()
    _wait_accepted(wallets, payment_hash)
    assert platform.status_of(payment_hash.hex()) == "IN_FLIGHT"
    for _ in range(2):
        wallets.call(methods.SETTLE_INVOICE, preimage=preimage)
    assert bytes.fromhex(list(stream)[-1].payment_preimage) == preimage
    assert state(wallets.call(methods.LOOKUP_INVOICE_V2, payment_hash=payment_hash)) == "SETTLED"


def test_cancelled_hold_invoice_returns_the_money(platform: Wire, wallets: Wire) -> None:
    before = platform.call(methods.CHANNEL_BALANCE), wallets.call(methods.CHANNEL_BALANCE)
    payment_hash = hashlib.sha256(fresh_preimage()).digest()
    held = wallets.call(methods.ADD_HOLD_INVOICE, hash=payment_hash, value_msat=9_000)
    stream = platform.start(held.payment_request)
    _wait_accepted(wallets, payment_hash)
    assert wallets.call(methods.CHANNEL_BALANCE).unsettled_local_balance.msat == 9_000
    wallets.call(methods.CANCEL_INVOICE, payment_hash=payment_hash)
    last = list(stream)[-1]
    assert (status(last), reason(last)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    assert (platform.call(methods.CHANNEL_BALANCE), wallets.call(methods.CHANNEL_BALANCE)) == before


def test_expiry_cancels_open_invoices_and_leaves_accepted_ones(
    platform: Wire, wallets: Wire, control: Control
) -> None:
    invoice = control.invoice("wallets", 1_000, expiry=60)
    preimage = fresh_preimage()
    payment_hash = hashlib.sha256(preimage).digest()
    held = wallets.call(methods.ADD_HOLD_INVOICE, hash=payment_hash, value_msat=9_000, expiry=60)
    stream = platform.start(held.payment_request)
    _wait_accepted(wallets, payment_hash)
    follow = wallets.stream(methods.SUBSCRIBE_SINGLE_INVOICE, r_hash=bytes.fromhex(invoice["payment_hash"]))
    assert state(next(follow)) == "OPEN"
    control.set_clock(advance_seconds=61)
    assert state(next(follow)) == "CANCELED"
    assert state(wallets.call(methods.LOOKUP_INVOICE, r_hash=payment_hash)) == "ACCEPTED"
    wallets.call(methods.SETTLE_INVOICE, preimage=preimage)
    assert status(list(stream)[-1]) == "SUCCEEDED"


# DecodePayReq


def test_decode_returns_hex_and_defaults_and_reads_expired_invoices(
    platform: Wire, control: Control, world: SimulatorProcess
) -> None:
    invoice = control.invoice("wallets", 21_500, memo="salut", expiry=60)
    control.set_clock(advance_seconds=3_600)
    read = platform.call(methods.DECODE_PAY_REQ, pay_req=invoice["payment_request"])
    assert (read.destination, read.payment_hash) == (world.node("wallets").pubkey, invoice["payment_hash"])
    assert (read.num_msat, read.num_satoshis, read.expiry, read.description) == (21_500, 21, 60, "salut")
    assert (read.features[14].name, read.features[14].is_required) == ("payment-addr", True)


def test_decode_refuses_a_changed_character(platform: Wire, control: Control) -> None:
    text = control.invoice("wallets", 1_000)["payment_request"]
    with refused(UNKNOWN, "checksum failed"):
        platform.call(methods.DECODE_PAY_REQ, pay_req=text[:-1] + ("q" if text[-1] != "q" else "p"))


def _wait_accepted(wallets: Wire, payment_hash: bytes) -> None:
    for message in wallets.stream(methods.SUBSCRIBE_SINGLE_INVOICE, r_hash=payment_hash):
        if message.state == Invoice.ACCEPTED:
            return
