"""Routes and their heights: over a node in between, or direct; features and blocks; worlds of earlier releases."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from lightning import bolt11
from lightning.proto import methods
from lightning.proto.lightning_pb2 import Failure, HTLCAttempt, Route
from sandbox.lnd.chain import BLOCK_SECONDS, GENESIS_AT, height_at, mined_at
from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from sandbox.lnd.rows import HtlcRow
from sandbox.lnd.store import Store
from tests.sandbox.lnd.wire import Wire, refused, status

HEIGHT = 900_000
FINAL_DELTA, PADDING, FORWARDING_DELTA = 80, 3, 80
PAYEE_EXPIRY = HEIGHT + FINAL_DELTA + PADDING


@pytest.fixture
def at_height(control: Control) -> Control:
    """Freeze the clock a minute after a block."""
    control.set_clock(frozen_at=mined_at(HEIGHT) + 60)
    return control


def paid(payer: Wire, control: Control, **fields: int) -> HTLCAttempt:
    last = payer.send(control.invoice("wallets", 5_000)["payment_request"], **fields)[-1]
    assert status(last) == "SUCCEEDED"
    (attempt,) = last.htlcs
    return attempt


def expiries(route: Route) -> list[int]:
    return [hop.expiry for hop in route.hops]


def test_height_rises_every_ten_minutes_since_the_first_block() -> None:
    assert (height_at(GENESIS_AT), height_at(GENESIS_AT + BLOCK_SECONDS - 1)) == (0, 0)
    assert height_at(mined_at(HEIGHT) - 1) == HEIGHT - 1
    assert height_at(mined_at(HEIGHT)) == HEIGHT


def test_route_over_a_node_adds_its_delta_and_fee(platform: Wire, at_height: Control) -> None:
    route = paid(platform, at_height).route
    assert expiries(route) == [PAYEE_EXPIRY, PAYEE_EXPIRY]
    assert route.total_time_lock == PAYEE_EXPIRY + FORWARDING_DELTA
    assert [hop.fee_msat for hop in route.hops] == [1_000, 0]
    assert (route.total_fees_msat, route.total_amt_msat) == (1_000, 6_000)


def test_direct_route_has_one_hop_and_costs_nothing(platform: Wire, at_height: Control) -> None:
    at_height.set_options("platform", direct=True)
    route = paid(platform, at_height, fee_limit_msat=0).route
    assert expiries(route) == [PAYEE_EXPIRY]
    assert route.total_time_lock == PAYEE_EXPIRY
    assert (route.total_fees_msat, route.total_amt_msat) == (0, 5_000)


def test_expiry_follows_the_delta_of_the_invoice(platform: Wire, wallets: Wire, at_height: Control) -> None:
    text = wallets.call(methods.ADD_INVOICE, value_msat=5_000, cltv_expiry=144).payment_request
    (attempt,) = platform.send(text)[-1].htlcs
    assert expiries(attempt.route)[-1] == HEIGHT + 144 + PADDING


def test_htlc_of_an_invoice_has_heights_and_index(platform: Wire, wallets: Wire, at_height: Control) -> None:
    before = paid(platform, at_height).attempt_id
    invoice = at_height.invoice("wallets", 5_000)
    platform.send(invoice["payment_request"])
    stored = wallets.call(methods.LOOKUP_INVOICE, r_hash=bytes.fromhex(invoice["payment_hash"]))
    (htlc,) = stored.htlcs
    assert (htlc.accept_height, htlc.expiry_height, htlc.htlc_index) == (HEIGHT, PAYEE_EXPIRY, before)
    assert htlc.resolve_time == stored.settle_date > 0


@pytest.mark.parametrize(("direct", "last"), [(True, 1), (False, 2)])
def test_refusal_by_the_payee_names_the_last_hop(
    platform: Wire, wallets: Wire, control: Control, direct: bool, last: int
) -> None:
    """LND stores the reason before it fails the attempt."""
    control.set_options("platform", direct=direct)
    invoice = control.invoice("wallets", 5_000)
    wallets.call(methods.CANCEL_INVOICE, payment_hash=bytes.fromhex(invoice["payment_hash"]))
    *_, reasoned, failed = platform.send(invoice["payment_request"])
    assert (status(reasoned), reasoned.failure_reason) == ("IN_FLIGHT", failed.failure_reason)
    assert reasoned.htlcs[0].status == HTLCAttempt.IN_FLIGHT
    failure = failed.htlcs[0].failure
    assert failure.code == Failure.INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
    assert failure.failure_source_index == last


@pytest.mark.parametrize(("direct", "source"), [(True, 0), (False, 1)])
def test_failure_on_the_way_names_the_node_before_the_payee(
    platform: Wire, control: Control, direct: bool, source: int
) -> None:
    control.set_options("platform", direct=direct)
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "fail", "reason": "ERROR"}, payment_hash=invoice["payment_hash"])
    failure = platform.send(invoice["payment_request"])[-1].htlcs[0].failure
    assert (failure.code, failure.failure_source_index) == (Failure.TEMPORARY_CHANNEL_FAILURE, source)


def test_held_and_cancelled_invoice_keeps_what_was_accepted(platform: Wire, wallets: Wire) -> None:
    """LND does not take back `amt_paid` when a held invoice is cancelled: only its state shows it is unpaid."""
    payment_hash = b"\x07" * 32
    text = wallets.call(methods.ADD_HOLD_INVOICE, hash=payment_hash, value_msat=5_000).payment_request
    stream = platform.start(text)
    assert [len(next(stream).htlcs) for _ in range(2)] == [0, 1]
    assert wallets.call(methods.LOOKUP_INVOICE, r_hash=payment_hash).amt_paid_msat == 5_000
    wallets.call(methods.CANCEL_INVOICE, payment_hash=payment_hash)
    stored = wallets.call(methods.LOOKUP_INVOICE, r_hash=payment_hash)
    assert (stored.amt_paid_msat, stored.settle_date, stored.htlcs[0].resolve_time > 0) == (5_000, 0, True)


def test_get_info_has_block_and_features(platform: Wire, at_height: Control) -> None:
    info = platform.call(methods.GET_INFO)
    assert (info.block_height, info.best_header_timestamp) == (HEIGHT, mined_at(HEIGHT))
    assert len(bytes.fromhex(info.block_hash)) == 32
    assert (info.features[14].name, info.features[14].is_required) == ("payment-addr", True)


def test_wrong_checksum_is_refused_with_both_checksums(platform: Wire, control: Control) -> None:
    text = control.invoice("wallets", 5_000)["payment_request"]
    wrong = text[:-1] + ("q" if text[-1] != "q" else "p")
    expected = f"checksum failed. Expected {text[-6:]}, got {wrong[-6:]}."
    with refused(grpc.StatusCode.UNKNOWN, expected):
        platform.call(methods.DECODE_PAY_REQ, pay_req=wrong)
    with refused(grpc.StatusCode.UNKNOWN, expected):
        platform.call(methods.DECODE_PAY_REQ, pay_req=wrong.upper())


def test_expired_invoice_is_refused_with_its_end_in_local_time(platform: Wire, control: Control) -> None:
    text = control.invoice("wallets", 5_000, expiry=60)["payment_request"]
    ends = bolt11.decode(text).timestamp + 60
    control.set_clock(advance_seconds=120)
    local = datetime.fromtimestamp(ends, UTC).astimezone()
    with refused(grpc.StatusCode.UNKNOWN, f"invoice expired. Valid until {local:%Y-%m-%d %H:%M:%S %z %Z}"):
        platform.send(text)


def test_world_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """A row stored before a column existed has its default."""
    file = tmp_path / "world.sqlite3"
    with sqlite3.connect(file) as old:
        old.execute(
            "CREATE TABLE HtlcRow (node TEXT, attempt_id INTEGER, payment_index INTEGER, amount_msat INTEGER, "
            "fee_msat INTEGER, attempt_ns INTEGER, status INTEGER, resolve_ns INTEGER, failure_code INTEGER, "
            "preimage BLOB, PRIMARY KEY (node, attempt_id)) WITHOUT ROWID"
        )
        old.execute("INSERT INTO HtlcRow VALUES ('platform', 1, 2, 3, 4, 5, 1, 6, 0, x'07')")
    stored = HtlcRow("platform", 1, 2, 3, 4, 5, 1, 6, 0, b"\x07")
    store = Store(file)
    assert store.load(HtlcRow) == [stored]
    stored.expiry_height = HEIGHT
    store.save(stored)
    store.close()
    assert Store(file).load(HtlcRow) == [stored]


def test_direct_is_an_option_of_the_first_start(tmp_path: Path) -> None:
    with SimulatorProcess(tmp_path, extra_arguments=("--direct",)) as world:
        assert world.control.nodes()["platform"]["options"]["direct"] is True
        assert len(paid(Wire(world.node("platform")), world.control, fee_limit_msat=0).route.hops) == 1
