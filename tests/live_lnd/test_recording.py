"""Recordings: what is masked, what is compared, and that each one belongs to a test."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lightning.client import NodeRefused
from lightning.proto import lightning_pb2 as pb
from tests.live_lnd.recording import ALLOWED, RECORDED, Recorder

VERSION = "0.21.2-beta"
PREIMAGES = tuple(bytes([number]) * 32 for number in (1, 2))


def payment(preimage: bytes, **fields: Any) -> pb.Payment:
    values = {
        "payment_hash": sha256(preimage).hexdigest(),
        "payment_preimage": preimage.hex(),
        "status": pb.Payment.SUCCEEDED,
        "creation_time_ns": 10**18 + preimage[0],
    }
    return pb.Payment(**{**values, **fields})


def recorder(preimage: bytes, *, test: str = "test_pay", **fields: Any) -> Recorder:
    """Return the answers of a payment, of its invoice, and of a second attempt to pay it."""
    record = Recorder(test, version=VERSION)
    attempt = pb.HTLCAttempt(status=pb.HTLCAttempt.IN_FLIGHT, attempt_id=preimage[0])
    flying = payment(preimage, status=pb.Payment.IN_FLIGHT, htlcs=[attempt])
    record.note_stream("pay", [flying, payment(preimage, **fields)])
    record.note("invoice", pb.Invoice(r_preimage=preimage, r_hash=sha256(preimage).digest(), expiry=60))
    text = f"invoice expired. Valid until 2026-11-22 10:00:0{preimage[0]} +0000 GMT"
    record.note("again", NodeRefused(text, code="UNKNOWN"))
    return record


def written(record: Recorder, folder: Path) -> list[Any]:
    record.write(folder)
    steps: list[Any] = json.loads((folder / VERSION / f"{record.test}.json").read_text())
    return steps


def test_recordings_of_two_runs_are_equal(tmp_path: Path) -> None:
    first, second = (recorder(preimage) for preimage in PREIMAGES)
    assert written(first, tmp_path / "a") == written(second, tmp_path / "b")
    assert second.differences(tmp_path / "a") == []


def test_recording_has_states_codes_texts_and_numbers_instead_of_values(tmp_path: Path) -> None:
    pay, invoice, again = written(recorder(PREIMAGES[0]), tmp_path)
    assert pay["states"] == [["IN_FLIGHT", "NONE", "IN_FLIGHT"]]
    assert (pay["answer"]["payment_hash"], pay["answer"]["payment_preimage"]) == ("<1>", "<2>")
    assert (pay["answer"]["status"], pay["answer"]["creation_time_ns"]) == ("SUCCEEDED", "<set>")
    assert (invoice["answer"]["r_hash"], invoice["answer"]["r_preimage"]) == ("<1>", "<2>")
    assert (invoice["answer"]["expiry"], invoice["answer"]["settle_index"]) == ("60", "<unset>")
    assert again["answer"] == {
        "error": "NodeRefused",
        "method": "",
        "code": "UNKNOWN",
        "text": "invoice expired. Valid until <time>",
    }


def test_zeros_differ_from_an_unset_value(tmp_path: Path) -> None:
    pay, _invoice, _again = written(
        recorder(PREIMAGES[0], payment_preimage="0" * 64, creation_time_ns=0), tmp_path
    )
    assert (pay["answer"]["payment_preimage"], pay["answer"]["creation_time_ns"]) == ("<zeros>", "<unset>")


@pytest.mark.parametrize(
    "fields", [{"fee_msat": 1}, {"payment_preimage": "0" * 64}, {"payment_hash": "ab" * 32}], ids=str
)
def test_another_answer_is_a_difference(tmp_path: Path, fields: dict[str, Any]) -> None:
    """Another hash is seen because it is no longer the one of the invoice."""
    recorder(PREIMAGES[0]).write(tmp_path)
    assert recorder(PREIMAGES[1], **fields).differences(tmp_path)


def test_steps_that_are_not_recorded_are_a_difference(tmp_path: Path) -> None:
    recorder(PREIMAGES[0]).write(tmp_path)
    assert recorder(PREIMAGES[0], test="test_other").differences(tmp_path)
    assert Recorder("test_pay", version=VERSION).differences(tmp_path)


def test_version_without_recordings_is_not_compared(tmp_path: Path) -> None:
    recorder(PREIMAGES[0]).write(tmp_path)
    other = Recorder("test_pay", version="0.0.1-beta")
    other.note("pay", payment(PREIMAGES[0]))
    assert other.differences(tmp_path) == []


def test_allowed_fields_may_differ_in_their_step_only(tmp_path: Path) -> None:
    (test, step, field), *_ = ALLOWED
    assert field == "value_msat"

    def record(step: str, value_msat: int) -> Recorder:
        noted = Recorder(test, version=VERSION)
        noted.note(step, payment(PREIMAGES[0], value_msat=value_msat))
        return noted

    record(step, 1).write(tmp_path)
    assert record(step, 2).differences(tmp_path) == []
    record("another", 1).write(tmp_path)
    assert record("another", 2).differences(tmp_path)


def test_each_recording_belongs_to_a_test() -> None:
    source = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    names = {file.stem.partition("-")[0] for folder in RECORDED.iterdir() for file in folder.iterdir()}
    assert names
    assert [name for name in sorted(names) if f"def {name}(" not in source] == []
    assert {test for test, _step, _field in ALLOWED} <= names


def test_recordings_hold_no_value_of_a_node() -> None:
    """Keys, hashes, macaroons and invoices are longer than 50 characters without a blank."""
    words = {word for file in RECORDED.rglob("*.json") for word in file.read_text().split()}
    assert [word for word in words if len(word) > 50] == []
