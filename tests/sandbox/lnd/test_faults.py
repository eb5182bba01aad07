"""Every scripted fault: what the caller receives, and the outcome of the payment."""

from __future__ import annotations

import hashlib
import time

import grpc
import pytest

from lightning.proto import methods
from sandbox.lnd.control import Control, ControlError
from tests.sandbox.lnd.conftest import Pair
from tests.sandbox.lnd.wire import Wire, fresh_preimage, reason, refused, status

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def test_drop_on_arrival_stores_nothing(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "drop", "at": "arrived"}, payment_hash=invoice["payment_hash"], count=1)
    with refused(UNAVAILABLE, ""):
        platform.send(invoice["payment_request"])
    assert platform.status_of(invoice["payment_hash"]) == "NOT_FOUND"
    assert status(platform.send(invoice["payment_request"])[-1]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("phase", "seen"),
    [("created", []), ("in_flight", ["IN_FLIGHT", "IN_FLIGHT"]), ("resolved", ["IN_FLIGHT", "IN_FLIGHT"])],
)
@pytest.mark.parametrize("step", ["drop", "end"])
def test_stream_broken_after_row_creation_is_paid(
    platform: Wire, control: Control, phase: str, seen: list[str], step: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": step, "at": phase}, payment_hash=invoice["payment_hash"])
    messages: list[str] = []
    stream = platform.start(invoice["payment_request"])
    if step == "end":
        messages += [status(message) for message in stream]
    else:
        with refused(UNAVAILABLE, ""):
            for message in stream:
                messages.append(status(message))
    assert messages == seen
    assert status(list(platform.track(invoice["payment_hash"]))[-1]) == "SUCCEEDED"


def test_error_after_row_creation_carries_code_and_text(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    step = {"do": "error", "at": "created", "code": "INTERNAL", "text": "the database is locked"}
    control.script("platform", step, payment_hash=invoice["payment_hash"])
    with refused(grpc.StatusCode.INTERNAL, "the database is locked"):
        platform.send(invoice["payment_request"])
    assert status(list(platform.track(invoice["payment_hash"]))[-1]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [
        ("arrived", "NOT_FOUND"),
        ("created", "SUCCEEDED"),
        ("in_flight", "SUCCEEDED"),
        ("resolved", "SUCCEEDED"),
    ],
)
def test_hang_lasts_until_the_callers_deadline(
    platform: Wire, control: Control, phase: str, outcome: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hang", "at": phase}, payment_hash=invoice["payment_hash"], count=1)
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        platform.send(invoice["payment_request"], deadline=0.3)
    time.sleep(0.1)
    assert platform.status_of(invoice["payment_hash"]) == outcome


def test_end_on_arrival_is_ok_with_nothing_stored(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "end", "at": "arrived"}, payment_hash=invoice["payment_hash"])
    assert platform.send(invoice["payment_request"]) == []
    assert platform.status_of(invoice["payment_hash"]) == "NOT_FOUND"


def test_delay_before_row_creation_stores_the_request_after_its_caller_left(
    platform: Wire, control: Control
) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "arrived"}, payment_hash=invoice["payment_hash"], count=1)
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        platform.send(invoice["payment_request"], deadline=0.2)
    assert platform.status_of(invoice["payment_hash"]) == "NOT_FOUND"
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert _eventually(lambda: platform.status_of(invoice["payment_hash"])) == "SUCCEEDED"


def test_delays_end_without_a_release(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    steps = [
        {"do": "delay", "at": phase, "seconds": 0.05}
        for phase in ("arrived", "created", "in_flight", "resolved")
    ]
    control.script("platform", *steps, payment_hash=invoice["payment_hash"])
    began = time.monotonic()
    assert status(platform.send(invoice["payment_request"])[-1]) == "SUCCEEDED"
    assert time.monotonic() - began >= 0.2


def test_hold_at_created_is_a_row_without_htlc(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "created"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    assert control.wait("platform", "created", payment_hash=invoice["payment_hash"]) == 1
    open_now = next(platform.track(invoice["payment_hash"]))
    assert (status(open_now), len(open_now.htlcs)) == ("IN_FLIGHT", 0)
    assert control.release("platform", payment_hash=invoice["payment_hash"]) == 1
    assert status(list(stream)[-1]) == "SUCCEEDED"


def test_hold_at_resolved_is_settled_but_not_answered(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "resolved"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    assert control.wait("platform", "resolved", payment_hash=invoice["payment_hash"]) == 1
    assert platform.status_of(invoice["payment_hash"]) == "SUCCEEDED"
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert status(list(stream)[-1]) == "SUCCEEDED"


def test_in_flight_for_seconds_of_the_simulated_clock(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "in_flight", "seconds": 40}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    assert platform.status_of(invoice["payment_hash"]) == "IN_FLIGHT"
    control.set_clock(advance_seconds=41)
    assert status(list(stream)[-1]) == "SUCCEEDED"


@pytest.mark.parametrize(
    "name",
    ["TIMEOUT", "NO_ROUTE", "ERROR", "INCORRECT_PAYMENT_DETAILS", "INSUFFICIENT_BALANCE", "CANCELED", "NONE"],
)
def test_fail_with_each_reason_moves_no_money(platform: Wire, control: Control, name: str) -> None:
    invoice = control.invoice("wallets", 5_000)
    before = platform.call(methods.CHANNEL_BALANCE)
    control.script("platform", {"do": "fail", "reason": name}, payment_hash=invoice["payment_hash"])
    last = platform.send(invoice["payment_request"])[-1]
    assert (status(last), reason(last), last.payment_preimage) == ("FAILED", name, "00" * 32)
    assert platform.call(methods.CHANNEL_BALANCE) == before
    assert control.invoices("wallets")[-1]["state"] == "OPEN"


def test_stuck_payment_has_no_htlc_until_settled_or_failed(platform: Wire, control: Control) -> None:
    for decide, outcome in ((control.settle, "SUCCEEDED"), (control.fail, "FAILED")):
        invoice = control.invoice("wallets", 5_000)
        control.script("platform", {"do": "stuck"}, payment_hash=invoice["payment_hash"])
        with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
            platform.send(invoice["payment_request"], deadline=0.2)
        stuck = next(platform.track(invoice["payment_hash"]))
        assert (status(stuck), len(stuck.htlcs)) == ("IN_FLIGHT", 0)
        decide("platform", invoice["payment_hash"])
        assert platform.status_of(invoice["payment_hash"]) == outcome


def test_settle_after_a_dropped_call_succeeds(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script(
        "platform",
        {"do": "hold", "at": "in_flight"},
        {"do": "drop", "at": "created"},
        payment_hash=invoice["payment_hash"],
    )
    with refused(UNAVAILABLE, ""):
        platform.send(invoice["payment_request"])
    assert platform.status_of(invoice["payment_hash"]) == "IN_FLIGHT"
    assert control.settle("platform", invoice["payment_hash"])["status"] == "SUCCEEDED"
    assert platform.status_of(invoice["payment_hash"]) == "SUCCEEDED"
    assert control.payments_of("platform", invoice["payment_hash"])[0]["successes"] == 1


def test_bad_preimage_does_not_hash_to_the_payment_hash(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "bad_preimage"}, payment_hash=invoice["payment_hash"])
    last = platform.send(invoice["payment_request"])[-1]
    assert status(last) == "SUCCEEDED"
    assert hashlib.sha256(bytes.fromhex(last.payment_preimage)).hexdigest() != last.payment_hash


def test_fee_step_overrides_the_price(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "fee", "fee_msat": 2_999}, payment_hash=invoice["payment_hash"])
    last = platform.send(invoice["payment_request"])[-1]
    assert (last.fee_msat, last.fee_sat) == (2_999, 2)


def test_misreport_returns_another_value_and_invoice(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    step = {"do": "misreport", "value_msat": 1, "payment_request": "lnbcrt1other"}
    control.script("platform", step, payment_hash=invoice["payment_hash"])
    last = platform.send(invoice["payment_request"])[-1]
    assert (last.value_msat, last.payment_request) == (1, "lnbcrt1other")
    assert control.payments_of("platform", invoice["payment_hash"])[0]["value_msat"] == 5_000


@pytest.mark.parametrize("phase", ["created", "in_flight", "resolved"])
def test_deleted_row_is_not_found_though_the_money_left(platform: Wire, control: Control, phase: str) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "delete_row", "at": phase}, payment_hash=invoice["payment_hash"])
    platform.send(invoice["payment_request"])
    assert _eventually(lambda: platform.status_of(invoice["payment_hash"]), "NOT_FOUND") == "NOT_FOUND"
    (row,) = control.payments_of("platform", invoice["payment_hash"])
    assert (row["row_state"], row["successes"]) == ("deleted", 1)


def test_script_for_all_payments_counts_down(platform: Wire, control: Control) -> None:
    control.script("platform", {"do": "fail", "reason": "NO_ROUTE"}, count=2)
    answers = [
        status(platform.send(control.invoice("wallets", 1_000)["payment_request"])[-1]) for _ in range(3)
    ]
    assert answers == ["FAILED", "FAILED", "SUCCEEDED"]


@pytest.mark.parametrize(
    "step",
    [
        {"do": "explode"},
        {"do": "drop"},
        {"do": "drop", "at": "teatime"},
        {"do": "drop", "at": "created", "loudly": True},
        {"do": "fail", "reason": "BOREDOM"},
        {"do": "fail"},
    ],
)
def test_unreadable_script_is_refused(control: Control, step: dict[str, object]) -> None:
    with pytest.raises(ControlError):
        control.script("platform", step)


# Whole calls


def test_lost_answer_of_add_invoice_keeps_the_invoice(wallets: Wire, control: Control) -> None:
    preimage = fresh_preimage()
    control.script_calls("wallets", "AddInvoice", "after", {"do": "drop"})
    with refused(UNAVAILABLE, ""):
        wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    with refused(grpc.StatusCode.UNKNOWN, "invoice with payment hash already exists"):
        wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)


def test_call_broken_before_execution_stores_nothing(wallets: Wire, platform: Wire, control: Control) -> None:
    preimage = fresh_preimage()
    control.script_calls("wallets", "AddInvoice", "before", {"do": "error", "code": "INTERNAL", "text": "no"})
    with refused(grpc.StatusCode.INTERNAL, "no"):
        wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    wallets.call(methods.ADD_INVOICE, value=1, r_preimage=preimage)
    control.script_calls("platform", "TrackPaymentV2", "before", {"do": "hang"})
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        next(platform.track(fresh_preimage().hex(), deadline=0.2))


def test_call_held_when_received_is_executed_after_its_caller_left(pair: Pair) -> None:
    platform, control = pair.payer_wire, pair.control
    invoice = control.invoice(pair.payee, 5_000)
    payment_hash = invoice["payment_hash"]
    control.script_calls(pair.payer, "SendPaymentV2", "received", {"do": "hold"})
    control.script(pair.payer, {"do": "delay", "at": "created", "seconds": 0}, payment_hash=payment_hash)
    stream = platform.start(invoice["payment_request"])
    assert control.wait_for_call(pair.payer, "SendPaymentV2") == 1
    stream.cancel()
    assert platform.status_of(payment_hash) == "NOT_FOUND"
    assert control.release_call(pair.payer, "SendPaymentV2") == 1
    assert control.wait(pair.payer, "created", payment_hash=payment_hash) == 1
    assert status(list(platform.track(payment_hash))[-1]) == "SUCCEEDED"


def test_macaroon_of_call_held_when_received_is_judged_when_it_goes_on(pair: Pair, control: Control) -> None:
    invoice = control.invoice(pair.payee, 5_000)
    narrowed = control.bake_macaroon(pair.payer, [("offchain", "write")], time_before=int(time.time()) + 60)
    control.script_calls(pair.payer, "SendPaymentV2", "received", {"do": "hold"})
    stream = Wire(pair.world.node(pair.payer), narrowed).start(invoice["payment_request"])
    assert control.wait_for_call(pair.payer, "SendPaymentV2") == 1
    control.set_clock(offset_seconds=61)
    assert control.release_call(pair.payer, "SendPaymentV2") == 1
    with refused(grpc.StatusCode.UNKNOWN, "macaroon has expired"):
        list(stream)
    assert control.payments_of(pair.payer, invoice["payment_hash"]) == []


def test_call_delayed_when_received_is_answered(wallets: Wire, control: Control) -> None:
    control.script_calls("wallets", "GetInfo", "received", {"do": "delay", "seconds": 0.05})
    delayed = wallets.call(methods.GET_INFO)
    assert delayed.identity_pubkey == wallets.call(methods.GET_INFO).identity_pubkey


def test_unreadable_call_script_is_refused(control: Control) -> None:
    for at, step in (
        ("later", {"do": "drop"}),
        ("before", {"do": "hold"}),
        ("received", {"do": "drop"}),
        ("received", {"do": "hold", "at": "created"}),
        ("after", {"do": "drop", "at": "created"}),
    ):
        with pytest.raises(ControlError):
            control.script_calls("wallets", "AddInvoice", at, step)


# The node as a whole


def test_get_info_with_shown_options_returns_them(platform: Wire, control: Control) -> None:
    control.set_options(
        "platform", shown_pubkey="02" + "ab" * 32, shown_network="mainnet", synced_to_chain=False
    )
    info = platform.call(methods.GET_INFO)
    assert (info.identity_pubkey, info.chains[0].network, info.synced_to_chain) == (
        "02" + "ab" * 32,
        "mainnet",
        False,
    )


def test_stopped_node_starts_again_on_the_same_port(pair: Pair) -> None:
    platform, control = pair.payer_wire, pair.control
    invoice = control.invoice(pair.payee, 5_000)
    control.script(pair.payer, {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    control.wait(pair.payer, "in_flight", payment_hash=invoice["payment_hash"])
    control.stop_serving(pair.payer)
    with pytest.raises(grpc.RpcError):
        list(stream)
    with refused(UNAVAILABLE, ""):
        platform.call(methods.GET_INFO)
    control.release(pair.payer, payment_hash=invoice["payment_hash"])
    control.start_serving(pair.payer)
    again = pair.payer_wire
    assert _eventually(lambda: again.status_of(invoice["payment_hash"])) == "SUCCEEDED"


def test_stop_serving_with_goodbye_ends_streams_with_unknown(pair: Pair) -> None:
    platform, control = pair.payer_wire, pair.control
    invoice = control.invoice(pair.payee, 5_000)
    control.script(pair.payer, {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    control.wait(pair.payer, "in_flight", payment_hash=invoice["payment_hash"])
    control.stop_serving(pair.payer, goodbye=True)
    with refused(grpc.StatusCode.UNKNOWN, "routerrpc server shutting down"):
        list(stream)


def test_renewed_certificate_is_refused_by_old_clients(pair: Pair) -> None:
    address = pair.world.node(pair.payer)
    old = address.tls_cert_path.read_bytes()
    Wire(address).call(methods.GET_INFO)
    pair.control.renew_certificate(pair.payer)
    distrusting = Wire(address)
    distrusting.channel = grpc.secure_channel(address.target, grpc.ssl_channel_credentials(old))
    with pytest.raises(grpc.RpcError) as caught:
        distrusting.call(methods.GET_INFO, deadline=10)
    assert caught.value.code() == UNAVAILABLE
    assert Wire(address).call(methods.GET_INFO).identity_pubkey == address.pubkey


def _eventually(read: object, wanted: str = "SUCCEEDED", seconds: float = 3) -> str:
    """Poll until the wanted answer, or return the last one after the time limit."""
    ends = time.monotonic() + seconds
    while (answer := read()) != wanted and time.monotonic() < ends:  # type: ignore[operator]
        time.sleep(0.02)
    return str(answer)
