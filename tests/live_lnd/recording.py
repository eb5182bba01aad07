"""Compare the answers of a back-end with those recorded from a real node, without the values that differ between runs.

`recorded/VERSION/TEST.json` holds what real nodes of that version answered in each test. docs/live-lnd.md says how to
record again.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from lightning.client import NodeError
from lightning.proto.lightning_pb2 import HTLCAttempt, Payment, PaymentFailureReason

RECORDED = Path(__file__).parent / "recorded"
ZEROS = "0" * 64
UNSET = (0, "0", "", False, None)
# Values that name something: each is written as a number, the same one wherever it appears in a test.
NAMING_NAMES = """
payment_hash r_hash payment_preimage preimage r_preimage payment_request payment_addr pub_key identity_pubkey
destination chan_id memo description
"""
NAMING = frozenset(NAMING_NAMES.split())
BASE64 = frozenset({"r_hash", "r_preimage", "preimage", "payment_addr"})
# Times, heights, counters and identities: only whether they are set is compared.
VARYING_NAMES = """
creation_time_ns attempt_time_ns resolve_time_ns creation_date settle_date accept_time resolve_time timestamp
best_header_timestamp block_height block_hash accept_height expiry_height total_time_lock payment_index attempt_id
add_index settle_index first_index_offset last_index_offset alias version commit_hash num_peers num_active_channels
num_inactive_channels num_pending_channels
"""
VARYING = frozenset(VARYING_NAMES.split())
# The same, by the field that contains them.
VARYING_INSIDE = frozenset(
    {
        *(("local_balance", unit) for unit in ("sat", "msat")),
        *(("remote_balance", unit) for unit in ("sat", "msat")),
        ("hops", "expiry"),
    }
)
# Counters that start at 0: any number equals any other.
COUNTED_FROM_ZERO = "htlc_index"
TEXTS = (
    (re.compile(r"\b[0-9a-f]{64,}\b"), "<hex>"),
    (re.compile(r"\bln[a-z0-9]{50,}\b"), "<invoice>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+( [+-]\d{4} \w+)?( m=\S+)?"), "<time>"),
    (re.compile(r"Expected \w{6}, got \w{6}\."), "Expected <checksum>, got <checksum>."),
)
OF_OUR_BALANCE = "it is chosen from our balance"
# What two back-ends may answer differently: test, step and field, each with its reason.
ALLOWED = {
    ("test_amount_above_the_balance_fails_and_moves_nothing", "pay too much", "value_msat"): OF_OUR_BALANCE,
    ("test_amount_above_the_balance_fails_and_moves_nothing", "pay too much", "value_sat"): OF_OUR_BALANCE,
}


class Recorder:
    """The answers of one test on one back-end, in order."""

    def __init__(self, test: str, *, version: str) -> None:
        self.test, self._version = test, version
        self._steps: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def note(self, step: str, answer: Message | NodeError | Sequence[Message]) -> None:
        self._steps.append({"step": step, "answer": self._shown(answer)})

    def note_stream(self, step: str, payments: Sequence[Payment]) -> None:
        """Note the states through which a payment went, and the last message."""
        states = [_state(payment) for payment in payments[:-1]]
        self._steps.append({"step": step, "states": states, "answer": self._shown(payments[-1])})

    def differences(self, folder: Path = RECORDED) -> list[str]:
        """Return a diff from the recorded answers to these; empty where they agree or the version is not recorded."""
        if not (folder / self._version).exists():
            return []
        file = self._file(folder)
        recorded = json.loads(file.read_text()) if file.exists() else []
        expected, answered = (_lines(self._compared(steps)) for steps in (recorded, self._steps))
        title = f"recorded from {self._version}"
        return list(difflib.unified_diff(expected, answered, title, "answered", lineterm=""))

    def write(self, folder: Path) -> None:
        if self._steps:
            self._file(folder).parent.mkdir(parents=True, exist_ok=True)
            self._file(folder).write_text("\n".join([*_lines(self._steps), ""]))

    def _file(self, folder: Path) -> Path:
        return folder / self._version / f"{self.test}.json"

    def _compared(self, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave out what may differ."""
        return [{**step, "answer": _without(step["answer"], self._allowed(step["step"]))} for step in steps]

    def _allowed(self, step: str) -> frozenset[str]:
        return frozenset(field for test, of, field in ALLOWED if (test, of) == (self.test, step))

    def _shown(self, answer: Message | NodeError | Sequence[Message]) -> Any:
        """Return an answer as JSON with varying values masked: code and text of an error, fields of a message."""
        if isinstance(answer, NodeError):
            return self._masked(answer.evidence)
        if isinstance(answer, Message):
            return self._masked(
                MessageToDict(
                    answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
                )
            )
        return [self._shown(one) for one in answer]

    def _masked(self, value: Any, name: str = "", inside: str = "") -> Any:
        """Mask the field `name` of the field `inside`."""
        if isinstance(value, dict):
            return {key: self._masked(inner, str(key), name) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._masked(inner, name, inside) for inner in value]
        if name == COUNTED_FROM_ZERO:
            return "<number>"
        if name in VARYING or (inside, name) in VARYING_INSIDE:
            return "<unset>" if value in UNSET else "<set>"
        if name in NAMING:
            return self._numbered(_hex(value) if name in BASE64 else str(value))
        return _masked_text(value) if isinstance(value, str) else value

    def _numbered(self, value: str) -> str:
        if value in ("", "0"):
            return "<unset>"
        if value == ZEROS:
            return "<zeros>"
        return f"<{self._numbers.setdefault(value, len(self._numbers) + 1)}>"


def _lines(steps: list[dict[str, Any]]) -> list[str]:
    return json.dumps(steps, indent=1, sort_keys=True).splitlines()


def _state(payment: Payment) -> list[str]:
    """Return status, reason, and the statuses of the attempts."""
    reason = PaymentFailureReason.Name(payment.failure_reason).removeprefix("FAILURE_REASON_")
    attempts = [HTLCAttempt.HTLCStatus.Name(htlc.status) for htlc in payment.htlcs]
    return [Payment.PaymentStatus.Name(payment.status), reason, *attempts]


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


def _hex(text: str) -> str:
    """Return bytes that JSON has as base 64 in hex, in which other fields have the same value."""
    return base64.b64decode(text).hex()


def _masked_text(text: str) -> str:
    for pattern, mask in TEXTS:
        text = pattern.sub(mask, text)
    return text
