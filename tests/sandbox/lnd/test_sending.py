"""SendPaymentV2: what is refused, what is stored, what the stream sends."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from lightning.proto import methods
from lightning.proto.lightning_pb2 import Payment
from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.wire import Wire, reason, refused, status

UNKNOWN, ALREADY_EXISTS = grpc.StatusCode.UNKNOWN, grpc.StatusCode.ALREADY_EXISTS


def test_send_succeeds_with_preimage_fee_and_zeros_until_settled(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 21_000_500)
    first, flying, last = platform.send(invoice["payment_request"])
    assert [status(message) for message in (first, flying, last)] == ["IN_FLIGHT", "IN_FLIGHT", "SUCCEEDED"]
    assert (len(first.htlcs), len(flying.htlcs)) == (0, 1)
    assert first.payment_preimage == flying.payment_preimage == "00" * 32
    assert hashlib.sha256(bytes.fromhex(last.payment_preimage)).hexdigest() == last.payment_hash
    assert last.payment_hash == invoice["payment_hash"]
    assert (last.value_msat, last.value_sat) == (21_000_500, 21_000)
    assert (last.fee_msat, last.fee_sat) == (1_021, 1)  # base 1,000 msat and 1 ppm, both floored
    assert (last.payment_request, reason(last)) == (invoice["payment_request"], "NONE")


def test_send_with_no_inflight_updates_answers_once(platform: Wire, control: Control) -> None:
    messages = platform.send(control.invoice("wallets", 1_000)["payment_request"], no_inflight_updates=True)
    assert [status(message) for message in messages] == ["SUCCEEDED"]


# The payment table


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"do": "stuck"}, "payment already exists"),
        ({"do": "hold", "at": "in_flight"}, "payment is in transition"),
        ({"do": "succeed"}, "invoice is already paid"),
    ],
    ids=["initiated", "in-flight", "succeeded"],
)
def test_send_known_hash_answers_already_exists(
    platform: Wire, control: Control, step: dict[str, str], text: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", step, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    for _message in (next(stream), *([next(stream)] if step["do"] != "stuck" else [])):
        pass
    if step["do"] == "succeed":
        list(stream)
    with refused(ALREADY_EXISTS, text):
        platform.send(invoice["payment_request"])
    record = control.payments_of("platform", invoice["payment_hash"])
    assert [(row["sends"], row["accepted"]) for row in record] == [(2, 1)]


def test_send_failed_hash_again_has_a_new_index_and_no_old_attempts(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script(
        "platform", {"do": "fail", "reason": "TIMEOUT"}, payment_hash=invoice["payment_hash"], count=1
    )
    failed = platform.send(invoice["payment_request"])[-1]
    assert (status(failed), reason(failed)) == ("FAILED", "TIMEOUT")
    paid = platform.send(invoice["payment_request"])[-1]
    assert status(paid) == "SUCCEEDED"
    assert paid.payment_index > failed.payment_index
    assert len(paid.htlcs) == 1
    record = control.payments_of("platform", invoice["payment_hash"])
    assert [(row["row_state"], row["status"]) for row in record] == [
        ("overwritten", "FAILED"),
        ("current", "SUCCEEDED"),
    ]
    assert (record[-1]["sends"], record[-1]["accepted"], record[-1]["successes"]) == (2, 2, 1)


def test_send_same_invoice_from_sixteen_threads_pays_once(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)

    def pay(_number: int) -> str:
        try:
            return status(platform.send(invoice["payment_request"])[-1])
        except grpc.RpcError as error:
            return str(error.code().name)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(pay, range(16)))
    assert sorted(answers) == ["ALREADY_EXISTS"] * 15 + ["SUCCEEDED"]
    (row,) = control.payments_of("platform", invoice["payment_hash"])
    assert (row["sends"], row["accepted"], row["successes"]) == (16, 1, 1)


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"payment_store": "sql"}, ALREADY_EXISTS, "failed to initialize payment: invoice is already paid"),
        ({"version": "0.17.5-beta"}, UNKNOWN, "invoice is already paid"),
    ],
    ids=["sql", "0.17"],
)
def test_send_paid_hash_text_depends_on_store_and_version(
    platform: Wire, control: Control, options: dict[str, str], code: grpc.StatusCode, text: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    platform.send(invoice["payment_request"])
    control.set_options("platform", **options)
    with refused(code, text):
        platform.send(invoice["payment_request"])


# What is validated before the table


def test_send_expired_and_paid_is_unknown_and_tracking_finds_it_paid(
    platform: Wire, control: Control
) -> None:
    invoice = control.invoice("wallets", 5_000, expiry=600)
    platform.send(invoice["payment_request"])
    control.set_clock(advance_seconds=601)
    with refused(UNKNOWN, "invoice expired. Valid until"):
        platform.send(invoice["payment_request"])
    assert platform.status_of(invoice["payment_hash"]) == "SUCCEEDED"


def test_send_at_the_last_second_of_validity_is_accepted(platform: Wire, control: Control) -> None:
    control.set_clock(frozen_at=1_900_000_000)
    invoice = control.invoice("wallets", 5_000, expiry=600)
    control.set_clock(frozen_at=1_900_000_600)
    assert status(platform.send(invoice["payment_request"])[-1]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"amt": 1, "amt_msat": 1}, "sat and msat arguments are mutually exclusive"),
        ({"fee_limit_sat": 1, "fee_limit_msat": 1}, "sat and msat arguments are mutually exclusive"),
        ({"amt_msat": -1}, "amount cannot be negative"),
        ({"fee_limit_msat": -1}, "amount cannot be negative"),
        ({"dest": b"\x02" * 33}, "dest and payment_request cannot appear together"),
        ({"payment_hash": b"\x02" * 32}, "payment_hash and payment_request cannot appear together"),
        ({"final_cltv_delta": 9}, "final_cltv_delta and payment_request cannot appear together"),
        ({"amt_msat": 5_000}, "amount must not be specified when paying a non-zero amount invoice"),
        ({"max_parts": 2, "max_shard_size_msat": 1_000}, "exceeds maximum possible amount"),
        ({"payment_request": "lnbcrt1qqqqqq"}, "checksum failed"),
        ({"payment_request": "LNBCRT1qqqqqq"}, "string not all lowercase or all uppercase"),
        ({"payment_request": "lnbcrt"}, "invalid index of 1"),
        ({"payment_request": "lnbcrt1" + "q" * 7_083}, "invoice is too large"),
    ],
)
def test_send_invalid_request_is_refused_and_stores_nothing(
    platform: Wire, control: Control, fields: dict[str, Any], text: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    rows = len(control.payments("platform"))
    with refused(UNKNOWN, text):
        platform.send(**{"payment_request": invoice["payment_request"], **fields})
    assert len(control.payments("platform")) == rows


def test_send_zero_amount_invoice_needs_an_amount(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 0)
    with refused(UNKNOWN, "amount must be specified when paying a zero amount invoice"):
        platform.send(invoice["payment_request"])
    assert platform.send(invoice["payment_request"], amt_msat=7_000)[-1].value_msat == 7_000


def test_send_to_itself_needs_permission(platform: Wire, control: Control) -> None:
    invoice = control.invoice("platform", 5_000)
    with refused(UNKNOWN, "self-payments not allowed"):
        platform.send(invoice["payment_request"])
    assert status(platform.send(invoice["payment_request"], allow_self_payment=True)[-1]) == "SUCCEEDED"


# Routes, fees, balances


def test_send_with_fee_limit_zero_uses_free_routes_only(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    failed = platform.send(invoice["payment_request"], fee_limit_msat=0)[-1]
    assert (status(failed), reason(failed)) == ("FAILED", "NO_ROUTE")
    control.set_money("platform", fee_base_msat=0, fee_ppm=0)
    paid = platform.send(invoice["payment_request"], fee_limit_msat=0)[-1]
    assert (status(paid), paid.fee_msat) == ("SUCCEEDED", 0)


def test_send_with_fee_at_the_limit_succeeds_and_above_fails(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 1_000_000)
    assert reason(platform.send(invoice["payment_request"], fee_limit_msat=1_000)[-1]) == "NO_ROUTE"
    assert platform.send(invoice["payment_request"], fee_limit_msat=1_001)[-1].fee_msat == 1_001


def test_send_more_than_local_balance_minus_reserve_fails_and_moves_nothing(
    platform: Wire, control: Control
) -> None:
    control.set_money("platform", local_msat=60_000, reserve_msat=10_001)
    failed = platform.send(control.invoice("wallets", 50_000)["payment_request"])[-1]
    assert (status(failed), reason(failed)) == ("FAILED", "INSUFFICIENT_BALANCE")
    assert control.nodes()["platform"]["local_msat"] == 60_000


def test_send_beyond_the_receivers_inbound_liquidity_finds_no_route(platform: Wire, control: Control) -> None:
    control.set_money("wallets", remote_msat=49_999)
    assert reason(platform.send(control.invoice("wallets", 50_000)["payment_request"])[-1]) == "NO_ROUTE"


def test_balance_falls_while_in_flight_and_returns_on_failure(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 50_000)
    before = platform.call(methods.CHANNEL_BALANCE)
    control.script(
        "platform",
        {"do": "hold", "at": "in_flight"},
        {"do": "fail", "reason": "NO_ROUTE"},
        payment_hash=invoice["payment_hash"],
    )
    stream = platform.start(invoice["payment_request"])
    assert control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"]) == 1
    during = platform.call(methods.CHANNEL_BALANCE)
    assert before.local_balance.msat - during.local_balance.msat == 51_000
    assert during.unsettled_remote_balance.msat - before.unsettled_remote_balance.msat == 51_000
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert status(list(stream)[-1]) == "FAILED"
    assert platform.call(methods.CHANNEL_BALANCE) == before


def test_money_is_conserved_over_a_payment(platform: Wire, control: Control) -> None:
    def total(name: str) -> int:
        facts = control.nodes()[name]
        return sum(int(facts[part]) for part in ("local_msat", "remote_msat", "unsettled_out_msat"))

    before = {name: (facts["local_msat"], total(name)) for name, facts in control.nodes().items()}
    platform.send(control.invoice("wallets", 50_000)["payment_request"])
    after = {name: (facts["local_msat"], total(name)) for name, facts in control.nodes().items()}
    assert after["platform"] == (before["platform"][0] - 51_000, before["platform"][1])
    assert after["wallets"] == (before["wallets"][0] + 50_000, before["wallets"][1])


# The receiver


def test_send_to_cancelled_invoice_fails_with_incorrect_details(
    platform: Wire, wallets: Wire, control: Control
) -> None:
    invoice = control.invoice("wallets", 5_000)
    wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(invoice["payment_hash"]))
    failed = platform.send(invoice["payment_request"])[-1]
    assert (status(failed), reason(failed)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    assert failed.htlcs[0].failure.code == 1


def test_send_invoice_paid_by_another_fails_with_incorrect_details(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.pay("platform", invoice["payment_request"])
    control.forget("platform", invoice["payment_hash"])  # a lost row does not let the payer pay twice
    assert reason(platform.send(invoice["payment_request"])[-1]) == "INCORRECT_PAYMENT_DETAILS"
    assert control.payments_of("platform", invoice["payment_hash"])[-1]["successes"] == 1


def test_receiver_accepts_overpayment_and_refuses_underpayment(control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    under = control.pay("platform", invoice["payment_request"], force_amount_msat=4_999)
    assert (under["status"], under["failure_reason"]) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    over = control.pay("platform", invoice["payment_request"], force_amount_msat=6_000)
    assert over["status"] == "SUCCEEDED"
    stored = control.invoices("wallets")[-1]
    assert (stored["value_msat"], stored["amt_paid_msat"], stored["state"]) == (5_000, 6_000, "SETTLED")


# Time, disconnection, cancellation


def test_payment_continues_after_the_client_disconnects(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    stream.cancel()
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert status(list(platform.track(invoice["payment_hash"]))[-1]) == "SUCCEEDED"


def test_cancelable_payment_keeps_its_htlc_and_may_still_settle(platform: Wire, control: Control) -> None:
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"], cancelable=True)
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    stream.cancel()
    tracked = platform.track(invoice["payment_hash"])
    message = next(tracked)
    while reason(message) == "NONE":
        message = next(tracked)
    assert (status(message), reason(message)) == ("IN_FLIGHT", "CANCELED")
    control.release("platform", payment_hash=invoice["payment_hash"])
    assert status(list(tracked)[-1]) == "SUCCEEDED"


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED"])
def test_timeout_with_htlc_out_is_in_flight_with_a_reason(
    platform: Wire, control: Control, outcome: str
) -> None:
    invoice = control.invoice("wallets", 5_000)
    steps: list[dict[str, str]] = [{"do": "hold", "at": "in_flight"}]
    steps += [{"do": "fail", "reason": "ERROR"}] if outcome == "FAILED" else []
    control.script("platform", *steps, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"], timeout_seconds=30)
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    control.set_clock(advance_seconds=31)
    noted = next(message for message in stream if reason(message) != "NONE")
    assert (status(noted), reason(noted)) == ("IN_FLIGHT", "TIMEOUT")
    control.release("platform", payment_hash=invoice["payment_hash"])
    last = list(stream)[-1]
    assert (status(last), reason(last)) == (outcome, "TIMEOUT")


def test_initiated_is_shown_only_with_the_option(platform: Wire, control: Control) -> None:
    first, second = control.invoice("wallets", 5_000), control.invoice("wallets", 5_000)
    assert platform.send(first["payment_request"])[0].status == Payment.IN_FLIGHT
    control.set_options("platform", use_status_initiated=True)
    assert platform.send(second["payment_request"])[0].status == Payment.INITIATED


# Other networks


def test_invoice_of_another_network_is_refused_by_prefix(
    platform: Wire, control: Control, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """LND compares prefixes: a regtest invoice passes a mainnet node's check and fails as an unreadable amount."""
    with SimulatorProcess(tmp_path_factory.mktemp("mainnet"), ["main"], network="mainnet") as mainnet:
        foreign = mainnet.control.invoice("main", 5_000)["payment_request"]
        with refused(UNKNOWN, "invoice not for current active network 'regtest'"):
            platform.send(foreign)
        with refused(UNKNOWN, "strconv.ParseUint"):
            Wire(mainnet.node("main")).send(control.invoice("wallets", 5_000)["payment_request"])
        unroutable = mainnet.control.invoice("main", 5_000)
        assert unroutable["payment_request"].startswith("lnbc50n1")
