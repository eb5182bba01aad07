"""Macaroons and startup states."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest

from lightning.macaroons import Macaroon, serialized, with_caveat
from lightning.proto import methods
from sandbox.lnd import macaroons
from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.wire import UNKNOWN_HASH, Wire, refused

UNKNOWN = grpc.StatusCode.UNKNOWN


def with_metadata(world: SimulatorProcess, *entries: tuple[str, str]) -> Wire:
    wire = Wire(world.node("platform"))
    wire.metadata = entries
    return wire


def limited(world: SimulatorProcess, caveat: str) -> Wire:
    """Return a client with the admin macaroon and this caveat."""
    address = world.node("platform")
    macaroon = macaroons.parse(bytes.fromhex(address.macaroon_hex("admin")))
    return Wire(address, serialized(with_caveat(macaroon, caveat)).hex())


def test_call_without_or_with_two_macaroons_is_refused(world: SimulatorProcess) -> None:
    macaroon = ("macaroon", world.node("platform").macaroon_hex("admin"))
    with refused(UNKNOWN, "expected 1 macaroon, got 0"):
        with_metadata(world).call(methods.GET_INFO)
    with refused(UNKNOWN, "expected 1 macaroon, got 2"):
        with_metadata(world, macaroon, macaroon).call(methods.GET_INFO)


@pytest.mark.parametrize(
    ("hex_text", "text"),
    [
        ("0g", "encoding/hex: invalid byte: U+0067 'g'"),
        ("020", "encoding/hex: odd length hex string"),
        ("", "empty macaroon data"),
        ("0102", "cannot determine data format of binary-encoded macaroon"),
        ("0201", "unmarshal v2: varint value extends past end of buffer"),
        ("02", "unmarshal v2: section extends past end of buffer"),
        ("30323031", "unmarshal v1: packet too short"),
    ],
)
def test_call_with_unreadable_macaroon_is_refused(world: SimulatorProcess, hex_text: str, text: str) -> None:
    with refused(UNKNOWN, text):
        with_metadata(world, ("macaroon", hex_text)).call(methods.GET_INFO)


@pytest.mark.parametrize(
    ("cut", "text"),
    [(1, "field data extends past end of buffer"), (33, "varint value extends past end of buffer")],
)
def test_truncated_macaroon_is_refused_by_unary_and_streaming_calls(
    world: SimulatorProcess, cut: int, text: str
) -> None:
    address = world.node("platform")
    wire = Wire(address, address.macaroon_paths["paying"].read_bytes()[:-cut].hex())
    with refused(UNKNOWN, f"unmarshal v2: {text}"):
        wire.call(methods.GET_INFO)
    for method, fields in (
        (methods.SEND_PAYMENT_V2, {"payment_request": "lnbcrt1"}),
        (methods.TRACK_PAYMENT_V2, {"payment_hash": UNKNOWN_HASH}),
        (methods.SUBSCRIBE_INVOICES, {}),
    ):
        with refused(UNKNOWN, f"unmarshal v2: {text}"):
            list(wire.stream(method, **fields))


# Each text is what LND's macaroons/service.go returned for such a macaroon.
@pytest.mark.parametrize(
    ("macaroon", "text"),
    [
        (Macaroon(b"\x02abc", (), b"s" * 32), "invalid ID"),
        (
            Macaroon(b"\x03\xff\xff", (), b"s" * 32),
            "cannot retrieve macaroon: cannot unmarshal macaroon id: proto: cannot parse invalid wire-format data",
        ),
        (Macaroon(b"\x03", (), b"s" * 32), "cannot retrieve macaroon: no operations found in macaroon"),
    ],
    ids=["another version of the identifier", "no identifier", "no operations"],
)
def test_macaroon_with_an_identifier_of_no_use_is_refused(
    world: SimulatorProcess, macaroon: Macaroon, text: str
) -> None:
    with refused(UNKNOWN, text):
        Wire(world.node("platform"), serialized(macaroon).hex()).call(methods.GET_INFO)


@pytest.mark.parametrize(
    ("caveat", "reason"), [("", "empty caveat"), (" x", "caveat starts with space character")]
)
def test_macaroon_with_an_unreadable_caveat_is_refused(
    world: SimulatorProcess, caveat: str, reason: str
) -> None:
    with refused(UNKNOWN, f'cannot parse caveat "{caveat}": {reason}'):
        limited(world, caveat).call(methods.GET_INFO)


GO_TIME = "2006-01-02T15:04:05.999999999Z07:00"
NO_ZONE = "2027-01-01T00:00:00"


@pytest.mark.parametrize(
    ("caveat", "reason"),
    [
        ("made-up x", "caveat not recognized"),
        ("time-before soon", f'parsing time "soon" as "{GO_TIME}": cannot parse "soon" as "2006"'),
        (f"time-before {NO_ZONE}", f'parsing time "{NO_ZONE}" as "{GO_TIME}": cannot parse "" as "Z07:00"'),
        ("ipaddr 10.0.0.1", "macaroon locked to different IP address"),
        ("iprange 10.0.0.0/8", "macaroon locked to different IP range"),
        ("iprange x", "unable to parse macaroon IP range: invalid CIDR address: x"),
        (
            "lnd-custom a b",
            "cannot accept macaroon with custom caveat 'a', no middleware registered to handle it",
        ),
    ],
)
def test_macaroon_with_an_unsatisfied_caveat_is_refused(
    world: SimulatorProcess, caveat: str, reason: str
) -> None:
    with refused(UNKNOWN, f'caveat "{caveat}" not satisfied: {reason}'):
        limited(world, caveat).call(methods.GET_INFO)


@pytest.mark.parametrize("caveat", ["ipaddr 127.0.0.1", "iprange 127.0.0.0/8"])
def test_macaroon_for_the_callers_address_is_accepted(world: SimulatorProcess, caveat: str) -> None:
    limited(world, caveat).call(methods.GET_INFO)


def test_macaroon_of_another_node_fails_verification(world: SimulatorProcess) -> None:
    with refused(UNKNOWN, "verification failed: signature mismatch after caveat verification"):
        Wire(world.node("platform"), world.node("wallets").macaroon_hex("admin")).call(methods.GET_INFO)


def test_macaroon_of_another_root_key_is_not_found(world: SimulatorProcess) -> None:
    foreign = serialized(macaroons.mint(b"k" * 32, [("info", "read")], root_key_id=b"7")).hex()
    with refused(UNKNOWN, "cannot get macaroon: root key with id 7 doesn't exist"):
        Wire(world.node("platform"), foreign).call(methods.GET_INFO)


def test_readonly_macaroon_can_read_and_not_write(world: SimulatorProcess) -> None:
    wire = Wire(world.node("platform"), world.node("platform").macaroon_hex("readonly"))
    wire.call(methods.CHANNEL_BALANCE)
    for method, fields in (
        (methods.ADD_INVOICE, {"value": 1}),
        (methods.LOOKUP_INVOICE_V2, {"payment_hash": UNKNOWN_HASH}),
        (methods.DELETE_PAYMENT, {"payment_hash": UNKNOWN_HASH}),
    ):
        with refused(UNKNOWN, "permission denied"):
            wire.call(method, **fields)
    with refused(UNKNOWN, "permission denied"):
        list(wire.stream(methods.SEND_PAYMENT_V2, payment_request="lnbcrt1"))


def test_paying_and_invoicing_macaroons_allow_only_their_scope(world: SimulatorProcess) -> None:
    address = world.node("platform")
    paying, invoicing = (Wire(address, address.macaroon_hex(kind)) for kind in ("paying", "invoicing"))
    paying.call(methods.CHANNEL_BALANCE)
    invoicing.call(methods.ADD_INVOICE, value=1)
    with refused(UNKNOWN, "permission denied"):
        paying.call(methods.ADD_INVOICE, value=1)
    with refused(UNKNOWN, "permission denied"):
        list(invoicing.stream(methods.SEND_PAYMENT_V2, payment_request="lnbcrt1"))
    with refused(UNKNOWN, "permission denied"):
        paying.call(methods.DELETE_PAYMENT, payment_hash=UNKNOWN_HASH)


def test_uri_permission_allows_one_method(world: SimulatorProcess, control: Control) -> None:
    baked = control.bake_macaroon("platform", [("uri", methods.GET_INFO.path)])
    wire = Wire(world.node("platform"), baked)
    wire.call(methods.GET_INFO)
    with refused(UNKNOWN, "permission denied"):
        wire.call(methods.CHANNEL_BALANCE)


def test_time_before_caveat_ends_by_the_nodes_clock(world: SimulatorProcess, control: Control) -> None:
    wire = Wire(
        world.node("platform"),
        control.bake_macaroon("platform", [("info", "read")], time_before=int(time.time()) + 600),
    )
    wire.call(methods.GET_INFO)
    control.set_clock(advance_seconds=601)
    with refused(UNKNOWN, "macaroon has expired"):
        wire.call(methods.GET_INFO)


def test_caveat_can_be_added_and_not_removed_without_the_root_key(world: SimulatorProcess) -> None:
    address = world.node("platform")
    admin = macaroons.parse(bytes.fromhex(address.macaroon_hex("admin")))
    narrowed = with_caveat(admin, "time-before 2100-01-01T00:00:00Z")
    assert macaroons.parse(serialized(narrowed)) == narrowed
    Wire(address, serialized(narrowed).hex()).call(methods.GET_INFO)
    stripped = Macaroon(narrowed.identifier, (), narrowed.signature)
    with refused(UNKNOWN, "signature mismatch"):
        Wire(address, serialized(stripped).hex()).call(methods.GET_INFO)
    with refused(UNKNOWN, "not satisfied"):
        Wire(address, serialized(with_caveat(admin, "ipaddr 10.0.0.1")).hex()).call(methods.GET_INFO)


def test_check_permissions_needs_macaroon_read(world: SimulatorProcess) -> None:
    address = world.node("platform")
    arguments: dict[str, Any] = {
        "macaroon": bytes.fromhex(address.macaroon_hex("paying")),
        "fullMethod": methods.SEND_PAYMENT_V2.path,
    }
    admin, paying = Wire(address), Wire(address, address.macaroon_hex("paying"))
    assert admin.call(
        methods.CHECK_MACAROON_PERMISSIONS, check_default_perms_from_full_method=True, **arguments
    ).valid
    with refused(UNKNOWN, "permission denied"):
        paying.call(
            methods.CHECK_MACAROON_PERMISSIONS, check_default_perms_from_full_method=True, **arguments
        )


@pytest.mark.parametrize(
    ("wallet_state", "text"),
    [
        ("WAITING_TO_START", "waiting to start, RPC services not available"),
        ("NON_EXISTING", "wallet not created, create one to enable full RPC access"),
        ("LOCKED", "wallet locked, unlock it to enable full RPC access"),
        ("UNLOCKED", "the RPC server is in the process of starting up, but not yet ready to accept calls"),
    ],
)
def test_node_before_ready_serves_only_its_state(
    world: SimulatorProcess, control: Control, wallet_state: str, text: str
) -> None:
    control.set_options("platform", wallet_state=wallet_state)
    without_macaroon = with_metadata(world)
    answer = without_macaroon.call(methods.GET_STATE)
    assert (
        answer.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[answer.state].name
        == wallet_state
    )
    with refused(UNKNOWN, text):
        Wire(world.node("platform")).call(methods.GET_INFO)


def test_state_is_active_when_ready(world: SimulatorProcess) -> None:
    assert with_metadata(world).call(methods.GET_STATE).state == 4
    assert [answer.state for answer in with_metadata(world).stream(methods.SUBSCRIBE_STATE)] == [4]
