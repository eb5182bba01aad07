"""The differences on the wire between LND 0.15 and 0.21."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from lightning.proto import methods
from sandbox.lnd.control import Control, ControlError
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.conftest import Pair
from tests.sandbox.lnd.wire import UNKNOWN_HASH, Wire, refused, status

UNKNOWN, ALREADY_EXISTS = grpc.StatusCode.UNKNOWN, grpc.StatusCode.ALREADY_EXISTS
VERSIONS = (
    "0.15.5-beta",
    "0.16.4-beta",
    "0.17.5-beta",
    "0.18.5-beta",
    "0.19.3-beta",
    "0.20.1-beta",
    "0.21.2-beta",
)
OLD, NEW = VERSIONS[:4], VERSIONS[4:]


@pytest.mark.parametrize("version", VERSIONS)
def test_paid_hash_is_refused_by_code_or_text(platform: Wire, control: Control, version: str) -> None:
    control.set_options("platform", version=version)
    invoice = control.invoice("wallets", 5_000)
    platform.send(invoice["payment_request"])
    with refused(UNKNOWN if version == "0.17.5-beta" else ALREADY_EXISTS, "invoice is already paid"):
        platform.send(invoice["payment_request"])


@pytest.mark.parametrize("version", OLD)
def test_missing_timeout_is_refused_before_0_19(platform: Wire, control: Control, version: str) -> None:
    control.set_options("platform", version=version)
    invoice = control.invoice("wallets", 5_000)
    with refused(UNKNOWN, "timeout_seconds must be specified"):
        platform.send(invoice["payment_request"], timeout_seconds=0)


@pytest.mark.parametrize("version", NEW)
def test_missing_timeout_is_a_minute_from_0_19(platform: Wire, control: Control, version: str) -> None:
    control.set_options("platform", version=version)
    invoice = control.invoice("wallets", 5_000)
    assert status(platform.send(invoice["payment_request"], timeout_seconds=0)[-1]) == "SUCCEEDED"


def test_negative_fee_limit_is_none_before_0_19_and_refused_since(platform: Wire, control: Control) -> None:
    """A negative limit meant no limit; we always send a positive one."""
    control.set_money("platform", fee_base_msat=2_000_000)
    control.set_options("platform", version="0.18.5-beta")
    paid = platform.send(control.invoice("wallets", 5_000)["payment_request"], fee_limit_msat=-1)[-1]
    assert (status(paid), paid.fee_msat) == ("SUCCEEDED", 2_000_000)
    control.set_options("platform", version="0.19.3-beta")
    with refused(UNKNOWN, "amount cannot be negative"):
        platform.send(control.invoice("wallets", 5_000)["payment_request"], fee_limit_msat=-1)


@pytest.mark.parametrize(
    ("version", "shown", "text"),
    [
        ("0.17.5-beta", "IN_FLIGHT", "payment is in transition"),
        ("0.18.5-beta", "INITIATED", "payment already exists"),
    ],
)
def test_row_without_htlc_is_initiated_from_0_18(
    platform: Wire, control: Control, version: str, shown: str, text: str
) -> None:
    control.set_options("platform", version=version, use_status_initiated=True)
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "stuck"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"])
    assert status(next(stream)) == shown
    with refused(UNKNOWN if version == "0.17.5-beta" else ALREADY_EXISTS, text):
        platform.send(invoice["payment_request"])
    stream.cancel()


def test_cancelable_is_ignored_before_0_18(platform: Wire, control: Control) -> None:
    control.set_options("platform", version="0.17.5-beta")
    invoice = control.invoice("wallets", 5_000)
    control.script("platform", {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = platform.start(invoice["payment_request"], cancelable=True)
    control.wait("platform", "in_flight", payment_hash=invoice["payment_hash"])
    stream.cancel()
    assert next(platform.track(invoice["payment_hash"])).failure_reason == 0
    control.release("platform", payment_hash=invoice["payment_hash"])


def test_track_payments_exists_from_0_16(platform: Wire, control: Control) -> None:
    control.set_options("platform", version="0.15.5-beta")
    with refused(grpc.StatusCode.UNIMPLEMENTED, "TrackPayments"):
        list(platform.stream(methods.TRACK_PAYMENTS))


@pytest.mark.parametrize(
    ("version", "store", "hops"),
    [("0.20.1-beta", "sql", 2), ("0.21.2-beta", "kv", 2), ("0.21.2-beta", "sql", 0)],
)
def test_omit_hops_works_from_0_21_in_the_sql_store(
    platform: Wire, control: Control, version: str, store: str, hops: int
) -> None:
    control.set_options("platform", version=version, payment_store=store)
    platform.send(control.invoice("wallets", 5_000)["payment_request"])
    last: Any = platform.call(methods.LIST_PAYMENTS, omit_hops=True, max_payments=1, reversed=True)
    assert len(last.payments[0].htlcs[0].route.hops) == hops


@pytest.mark.parametrize(
    ("version", "code"), [("0.19.3-beta", UNKNOWN), ("0.20.1-beta", grpc.StatusCode.NOT_FOUND)]
)
def test_lookup_in_an_empty_table_is_not_found_from_0_20(
    pair: Pair, version: str, code: grpc.StatusCode
) -> None:
    pair.control.set_options(pair.payee, version=version)
    with refused(code, "there are no existing invoices"):
        pair.payee_wire.call(methods.LOOKUP_INVOICE, r_hash=UNKNOWN_HASH)


@pytest.mark.parametrize(
    ("version", "bits", "name"),
    [
        ("0.18.5-beta", {45}, ""),
        ("0.20.1-beta", {35, 45, 261}, "endorsement-x"),
        ("0.21.2-beta", {35, 39, 44, 261}, "accountable-x"),
    ],
)
def test_features_of_a_node_are_those_of_its_release(
    platform: Wire, control: Control, version: str, bits: set[int], name: str
) -> None:
    control.set_options("platform", version=version)
    features = platform.call(methods.GET_INFO).features
    assert {35, 39, 44, 45, 261} & set(features) == bits
    assert not name or features[261].name == name


def test_unreadable_version_is_refused(world: SimulatorProcess, control: Control) -> None:
    with pytest.raises(ControlError, match="a version reads like"):
        control.set_options("platform", version="latest")
