"""The suite's own helpers: choice of back-ends, and recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lightning.client import NodeRefused
from lightning.proto import lightning_pb2 as pb
from tests.live_lnd.backends import (
    VARIABLES,
    PartlyConfigured,
    environment_of,
    given_backend,
    missing_variables,
)
from tests.live_lnd.recording import Recorder

ALL = {name: f"value of {name}" for name in VARIABLES}


def test_variables_are_three_per_node_and_the_network() -> None:
    assert VARIABLES == (
        "LND_TEST_PAYER_HOST",
        "LND_TEST_PAYER_TLS_CERT_PATH",
        "LND_TEST_PAYER_MACAROON_PATH",
        "LND_TEST_RECIPIENT_HOST",
        "LND_TEST_RECIPIENT_TLS_CERT_PATH",
        "LND_TEST_RECIPIENT_MACAROON_PATH",
        "LND_TEST_NETWORK",
    )


def test_missing_variables_of_partial_configuration_is_an_error() -> None:
    assert missing_variables(ALL) == []
    assert missing_variables({}) == list(VARIABLES)
    with pytest.raises(PartlyConfigured, match="LND_TEST_NETWORK"):
        missing_variables({name: value for name, value in ALL.items() if name != "LND_TEST_NETWORK"})


def test_given_backend_uses_the_variables() -> None:
    backend = given_backend(ALL)
    assert (backend.payer.host, backend.recipient.host) == (
        ALL["LND_TEST_PAYER_HOST"],
        ALL["LND_TEST_RECIPIENT_HOST"],
    )
    assert backend.recipient.macaroon_path == ALL["LND_TEST_RECIPIENT_MACAROON_PATH"]
    assert backend.payer.network == ALL["LND_TEST_NETWORK"]
    assert backend.process is None
    assert environment_of(backend) == ALL


def recorded(folder: Path, preimage: str, created: int) -> list[Any]:
    recorder = Recorder(folder, "simulated", "test_pay")
    payment = pb.Payment(status=pb.Payment.SUCCEEDED, payment_preimage=preimage, creation_time_ns=created)
    recorder.note("pay", [payment])
    recorder.note(
        "again",
        NodeRefused(f"invoice expired. Valid until 2026-11-22 10:00:0{created} +0000 UTC", code="UNKNOWN"),
    )
    recorder.write()
    steps: list[Any] = json.loads((folder / "simulated" / "test_pay.json").read_text())
    return steps


def test_recordings_of_two_runs_are_equal(tmp_path: Path) -> None:
    assert recorded(tmp_path / "a", "ab" * 32, 1) == recorded(tmp_path / "b", "cd" * 32, 2)


def test_recording_keeps_codes_and_texts_and_masks_values(tmp_path: Path) -> None:
    pay, again = recorded(tmp_path, "0" * 64, 0)
    (payment,) = pay["answer"]
    assert payment["status"] == "SUCCEEDED"
    assert (payment["payment_preimage"], payment["creation_time_ns"]) == ("<zeros>", "<unset>")
    assert again["answer"] == {
        "error": "NodeRefused",
        "method": "",
        "code": "UNKNOWN",
        "text": "invoice expired. Valid until <time>",
    }


def test_recording_without_folder_writes_nothing(tmp_path: Path) -> None:
    recorder = Recorder(None, "simulated", "test_pay")
    recorder.note("pay", pb.Payment())
    recorder.write()
    assert list(tmp_path.iterdir()) == []
