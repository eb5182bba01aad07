"""Record each answer without the values that differ between runs, so that two back-ends can be compared by a diff."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from lightning.client import NodeError

ZEROS = "0" * 64
UNSET = (0, "0", "", False, None)
# Keys, times, counters, balances and identities: only whether they are set is compared.
VARYING_NAMES = """
payment_hash payment_preimage payment_request creation_time_ns payment_index attempt_time_ns resolve_time_ns attempt_id
preimage pub_key chan_id expiry total_time_lock r_preimage r_hash creation_date settle_date add_index settle_index
payment_addr accept_time resolve_time htlc_index accept_height expiry_height memo destination timestamp description
identity_pubkey alias version commit_hash block_height block_hash best_header_timestamp uris color sat msat
first_index_offset last_index_offset num_peers num_active_channels num_inactive_channels num_pending_channels
cltv_expiry onion_sha_256 height
"""
VARYING = frozenset(VARYING_NAMES.split())
TEXTS = (
    (re.compile(r"\b[0-9a-f]{64,}\b"), "<hex>"),
    (re.compile(r"\bln[a-z0-9]{50,}\b"), "<invoice>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+( \+0000)?( UTC)?( m=\S+)?"), "<time>"),
)


class Recorder:
    """The answers of one test on one back-end, in order; written to `folder/backend/test.json` when there is one."""

    def __init__(self, folder: Path | None, backend: str, test: str) -> None:
        self._file = folder and folder / backend / f"{test}.json"
        self._steps: list[dict[str, Any]] = []

    def note(self, step: str, answer: Message | NodeError | list[Any]) -> None:
        content = [shown(one) for one in answer] if isinstance(answer, list) else shown(answer)
        self._steps.append({"step": step, "answer": content})

    def write(self) -> None:
        if self._file is not None and self._steps:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._steps, indent=1, sort_keys=True) + "\n")


def shown(answer: Message | NodeError) -> Any:
    """Return an answer as JSON with varying values masked: code and text of an error, fields of a message."""
    if isinstance(answer, NodeError):
        return masked(answer.evidence)
    return masked(
        MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


def masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: masked(inner, str(key)) for key, inner in value.items()}
    if name in VARYING and not isinstance(value, list):
        return _set_or_not(value)
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    return _masked_text(value) if isinstance(value, str) else value


def _set_or_not(value: Any) -> str:
    if value == ZEROS:
        return "<zeros>"
    return "<unset>" if value in UNSET else "<set>"


def _masked_text(text: str) -> str:
    for pattern, mask in TEXTS:
        text = pattern.sub(mask, text)
    return text
