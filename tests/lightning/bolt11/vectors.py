"""The example invoices of the BOLT 11 specification (source and licence are in `vectors.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_DOCUMENT = json.loads((Path(__file__).parent / "vectors.json").read_text())
PRIVATE_KEY = bytes.fromhex(_DOCUMENT["test_private_key"])
PUBLIC_KEY = bytes.fromhex(_DOCUMENT["test_public_key"])
VALID: list[dict[str, Any]] = [vector for vector in _DOCUMENT["vectors"] if vector["valid"]]
INVALID: list[dict[str, Any]] = [vector for vector in _DOCUMENT["vectors"] if not vector["valid"]]


def title_of(vector: dict[str, Any]) -> str:
    return str(vector["title"])[:60]
