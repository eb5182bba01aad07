"""Reading bodies of deliveries: what is not as expected is left out, and nothing personal gets through."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import RFC_4122, UUID

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,59}", re.ASCII)
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{3,79}", re.ASCII)
# With a letter: a number alone may be a phone.
_TRANSACTION = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._-]{1,60}", re.ASCII)
OUR_VERSION = 4


def document_of(body: bytes) -> dict[str, Any]:
    """Return a body as a JSON object; an empty one for anything else."""
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def part_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object inside an object; an empty one where there is none."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def code_in(document: dict[str, Any], name: str) -> str:
    """Return a code such as `checkout.session.completed`."""
    return _matching(_CODE, document.get(name))


def event_in(document: dict[str, Any], name: str) -> str:
    """Return the name of an event such as `EV_ijzo7oGgrlM7`."""
    return _matching(_EVENT, document.get(name))


def transaction_in(document: dict[str, Any], name: str) -> str:
    """Return the partner's number of a transaction."""
    return _matching(_TRANSACTION, document.get(name))


def reference_in(document: dict[str, Any], name: str) -> str:
    """Return a reference that may be ours: a version 4 UUID, in the form in which we write it."""
    found = document.get(name)
    try:
        given = UUID(found) if isinstance(found, str) else None
    except ValueError:
        return ""
    is_ours = given is not None and given.version == OUR_VERSION and given.variant == RFC_4122
    return str(given) if is_ours and str(given) == found else ""


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
