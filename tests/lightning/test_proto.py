"""Our subset of LND's messages is current and keeps unknown fields and enum values."""

from __future__ import annotations

import pytest

from lightning.proto import generate, methods
from lightning.proto import lightning_pb2 as pb


def test_generated_code_is_current() -> None:
    assert generate.stale_files(generate.generated_files()) == []


def test_stale_files_names_changed_missing_and_extra_files() -> None:
    generated = generate.generated_files()
    changed = {**generated, "state_pb2.py": "", "new_pb2.py": ""}
    del changed["router_pb2.py"]
    assert generate.stale_files(changed) == ["new_pb2.py", "router_pb2.py", "state_pb2.py"]


def test_unknown_fields_survive_a_round_trip() -> None:
    """LND's Payment has a deprecated `value` (2) and `first_hop_custom_records` (17): both are kept."""
    known = pb.Payment(payment_hash="ab", status=pb.Payment.SUCCEEDED, fee_msat=7)
    unknown = bytes([2 << 3, 42]) + bytes([17 << 3 & 0x7F | 0x82, 1, 2, 8, 1])
    read = pb.Payment.FromString(known.SerializeToString() + unknown)
    assert (read.payment_hash, read.fee_msat) == ("ab", 7)
    assert pb.Payment.FromString(read.SerializeToString()) == read
    assert unknown in read.SerializeToString()


def test_unknown_enum_numbers_survive() -> None:
    read = pb.Payment.FromString(bytes([10 << 3, 99]))
    assert read.status == 99
    assert read.SerializeToString() == bytes([10 << 3, 99])


@pytest.mark.parametrize("method", methods.METHODS.values(), ids=lambda method: method.name)
def test_method_path_is_lnds(method: methods.Method) -> None:
    assert method.service in ("lnrpc.State", "lnrpc.Lightning", "routerrpc.Router", "invoicesrpc.Invoices")
    assert method.request.DESCRIPTOR.file.package == "sunusav.lnd"
    assert bool(method.permissions) == (method.service != "lnrpc.State")


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        (
            "Payment",
            {"payment_hash": 1, "payment_preimage": 6, "value_msat": 8, "status": 10, "fee_msat": 12},
        ),
        ("Payment", {"htlcs": 14, "payment_index": 15, "failure_reason": 16, "payment_request": 9}),
        ("Invoice", {"r_preimage": 3, "r_hash": 4, "add_index": 16, "settle_index": 17, "amt_paid_msat": 20}),
        ("Invoice", {"state": 21, "value_msat": 23, "payment_addr": 26, "is_amp": 27}),
        ("AddInvoiceResponse", {"r_hash": 1, "payment_request": 2, "add_index": 16, "payment_addr": 17}),
        (
            "GetInfoResponse",
            {"identity_pubkey": 1, "synced_to_chain": 9, "chains": 16, "synced_to_graph": 18},
        ),
        ("ListChannelsRequest", {"active_only": 1}),
        ("ListChannelsResponse", {"channels": 11}),
        ("Channel", {"active": 1, "local_balance": 6, "commit_fee": 8, "fee_per_kw": 10, "initiator": 18}),
        ("Channel", {"remote_pubkey": 2, "channel_point": 3, "remote_balance": 7, "pending_htlcs": 15}),
        ("Channel", {"local_constraints": 29, "remote_constraints": 30}),
        ("HTLC", {"incoming": 1, "amount": 2}),
        (
            "ChannelConstraints",
            {"chan_reserve_sat": 2, "max_pending_amt_msat": 4, "max_accepted_htlcs": 6},
        ),
        ("PayReq", {"destination": 1, "payment_addr": 11, "num_msat": 12, "features": 13}),
    ],
)
def test_field_numbers_are_lnds(message: str, numbers: dict[str, int]) -> None:
    fields = pb.DESCRIPTOR.message_types_by_name[message].fields_by_name
    assert {name: fields[name].number for name in numbers} == numbers
