"""TrackPaymentV2, TrackPayments, ListPayments, EstimateRouteFee."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from lightning.proto import methods
from lightning.proto.lightning_pb2 import Payment, PaymentFailureReason
from sandbox.lnd.control import Control
from tests.sandbox.lnd.conftest import Pair
from tests.sandbox.lnd.wire import UNKNOWN_HASH, Wire, refused, status

UNKNOWN, NOT_FOUND = grpc.StatusCode.UNKNOWN, grpc.StatusCode.NOT_FOUND


def start_in_flight(platform: Wire, control: Control) -> tuple[dict[str, str], Any]:
    """Start a payment that stays in flight until it is released."""
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    return invoice, stream


def test_track_unknown_hash_is_not_found(platform: Wire) -> None:
    with refused(NOT_FOUND, "payment isn't initiated"):
        next(platform.track(UNKNOWN_HASH.hex()))


def test_track_hash_of_wrong_length_is_unknown(platform: Wire) -> None:
    with refused(UNKNOWN, "invalid hash length"):
        next(platform.track("00" * 31))


@pytest.mark.parametrize("no_inflight_updates", [False, True])
def test_track_terminal_payment_answers_once(
    platform: Wire, control: Control, no_inflight_updates: bool
) -> None:
    invoice = control.invoice("wallets", 5_000)
    paid = platform.send(invoice["payment_request"])[-1]
    assert list(platform.track(invoice["payment_hash"], no_inflight_updates=no_inflight_updates)) == [paid]


def test_track_open_payment_updates_every_stream(platform: Wire, control: Control) -> None:
    invoice, stream = start_in_flight(platform, control)
    watchers = [platform.track(invoice["payment_hash"]) for _ in range(3)]
    assert [status(next(watcher)) for watcher in watchers] == ["IN_FLIGHT"] * 3
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert [status(list(watcher)[-1]) for watcher in (*watchers, stream)] == ["SUCCEEDED"] * 4


def test_track_open_payment_without_updates_is_silent_until_the_deadline(
    platform: Wire, control: Control
) -> None:
    invoice, _stream = start_in_flight(platform, control)
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        next(platform.track(invoice["payment_hash"], deadline=0.2, no_inflight_updates=True))
    control.release("platform", payment_hash=invoice["payment_hash"])


def test_track_payments_sends_open_ones_first_then_all(platform: Wire, control: Control) -> None:
    flying, _stream = start_in_flight(platform, control)
    everything = platform.stream(methods.TRACK_PAYMENTS)
    assert next(everything).payment_hash == flying["payment_hash"]
    invoice = control.invoice("wallets", 5_000)
    platform.send(invoice["payment_request"])
    assert next(message.payment_hash for message in everything) == invoice["payment_hash"]
    control.release("platform", payment_hash=flying["payment_hash"])
    finished = next(message for message in everything if message.payment_hash == flying["payment_hash"])
    assert status(finished) == "SUCCEEDED"
    everything.cancel()


# Lists


def test_list_payments_pages_by_exclusive_index_and_hides_unpaid(pair: Pair) -> None:
    platform, control = pair.payer_wire, pair.control
    control.script(pair.payer, {"do": "fail", "reason": "TIMEOUT"}, count=1)
    for amount_msat in (1_000, 2_000, 3_000, 4_000):
        platform.send(control.invoice(pair.payee, amount_msat)["payment_request"])

    def listed(**fields: Any) -> list[int]:
        return [payment.value_msat for payment in platform.call(methods.LIST_PAYMENTS, **fields).payments]

    assert listed() == [2_000, 3_000, 4_000]
    assert listed(include_incomplete=True) == [1_000, 2_000, 3_000, 4_000]
    assert listed(include_incomplete=True, index_offset=2) == [3_000, 4_000]
    assert listed(include_incomplete=True, max_payments=2) == [1_000, 2_000]
    assert listed(include_incomplete=True, max_payments=2, reversed=True) == [3_000, 4_000]
    assert listed(include_incomplete=True, index_offset=3, reversed=True) == [1_000, 2_000]
    answer = platform.call(methods.LIST_PAYMENTS, count_total_payments=True)
    assert (answer.first_index_offset, answer.last_index_offset, answer.total_num_payments) == (2, 4, 4)


def test_list_payments_returns_a_hundred_by_default_and_more_than_four_mebibytes(pair: Pair) -> None:
    """A client that does not raise its limit of 4 MiB gets RESOURCE_EXHAUSTED from a big list."""
    platform, control = pair.payer_wire, pair.control
    request = control.invoice(pair.payee, 1_000)["payment_request"]
    # Probes leave failed payments with random hashes; the long memo makes each about 1,700 bytes.
    long_request = control.invoice(pair.payee, 1_000, memo="x" * 600)["payment_request"]
    for _ in range(101):
        platform.call(methods.ESTIMATE_ROUTE_FEE, payment_request=request)
    assert len(platform.call(methods.LIST_PAYMENTS, include_incomplete=True).payments) == 100
    options = [("grpc.max_receive_message_length", 100_000)]
    address = pair.world.node(pair.payer)
    narrow = Wire(address)
    narrow.channel = grpc.secure_channel(
        address.target, grpc.ssl_channel_credentials(address.tls_cert_path.read_bytes()), options=options
    )
    for _ in range(100):
        platform.call(methods.ESTIMATE_ROUTE_FEE, payment_request=long_request)
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, ""):
        narrow.call(methods.LIST_PAYMENTS, include_incomplete=True, max_payments=1_000)
    assert (
        len(platform.call(methods.LIST_PAYMENTS, include_incomplete=True, max_payments=1_000).payments) == 201
    )


def test_list_payments_can_omit_hops(platform: Wire, control: Control) -> None:
    control.set_options("platform", version="0.21.2-beta", payment_store="sql")
    platform.send(control.invoice("wallets", 5_000)["payment_request"])
    last: dict[str, Any] = {"max_payments": 1, "reversed": True}
    assert len(platform.call(methods.LIST_PAYMENTS, **last).payments[0].htlcs[0].route.hops) == 2
    assert not platform.call(methods.LIST_PAYMENTS, omit_hops=True, **last).payments[0].htlcs[0].route.hops


# Fee estimates


def test_estimate_by_invoice_probes_and_stores_a_failed_payment(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 1_000_000)
    rows = len(control.payments("platform"))
    answer = platform.call(methods.ESTIMATE_ROUTE_FEE, payment_request=invoice["payment_request"])
    assert (answer.routing_fee_msat, answer.failure_reason) == (1_001, 0)
    probe = control.payments("platform")[rows:]
    assert [(row["status"], row["payment_hash"] == invoice["payment_hash"]) for row in probe] == [
        ("FAILED", False)
    ]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "but not both"),
        ({"dest": b"\x02" * 33, "payment_request": "lnbcrt1"}, "but not both"),
        ({"dest": b"\x02" * 33}, "amount must be greater than 0"),
    ],
)
def test_estimate_refuses_ambiguous_requests(platform: Wire, fields: dict[str, Any], text: str) -> None:
    with refused(UNKNOWN, text):
        platform.call(methods.ESTIMATE_ROUTE_FEE, **fields)


def test_estimate_to_unknown_node_returns_ok_with_a_reason(platform: Wire) -> None:
    answer = platform.call(methods.ESTIMATE_ROUTE_FEE, dest=b"\x02" * 33, amt_sat=1)
    assert answer.failure_reason == PaymentFailureReason.FAILURE_REASON_NO_ROUTE


def test_deleted_payment_is_not_found_but_listed_by_control(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    platform.send(invoice["payment_request"])
    platform.call(methods.DELETE_PAYMENT, payment_hash=bytes.fromhex(invoice["payment_hash"]))
    assert platform.status_of(invoice["payment_hash"]) == "NOT_FOUND"
    (row,) = control.payments_of("platform", invoice["payment_hash"])
    assert (row["row_state"], row["status"]) == ("deleted", Payment.PaymentStatus.Name(Payment.SUCCEEDED))
