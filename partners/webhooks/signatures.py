"""Proofs in headers: HMAC-SHA256 over a moment and the raw body, and shared secrets. Compared in constant time."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from partners.config import Secret

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 10
_MOMENT = re.compile(r"[0-9]{1,11}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class SignatureHeader:
    """A header `t=<unix>,v1=<hex>[,v1=<hex>…]`: the moment as it was written, which is what was signed."""

    moment: str
    digests: tuple[str, ...]


def is_signed(
    header: str, body: bytes, *, separator: bytes, secrets: Iterable[Secret], now: datetime
) -> bool:
    """Return whether one signature of a header is that of the moment, the separator and the body under one secret.

    The moment must lie within 300 seconds of now, before or after.
    """
    read = read_signature_header(header)
    if read is None or abs(int(now.timestamp()) - int(read.moment)) > TOLERANCE_SECONDS:
        return False
    message = read.moment.encode() + separator + body
    expected = [hmac.new(secret.value().encode(), message, sha256).hexdigest() for secret in secrets]
    return any(hmac.compare_digest(given, wanted) for given in read.digests for wanted in expected)


def read_signature_header(header: str) -> SignatureHeader | None:
    """Return a header that names one moment and at least one signature; other schemes beside `v1` are passed over."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    digests = [value for name, _, value in parts if name == "v1" and _DIGEST.fullmatch(value)]
    is_readable = len(moments) == 1 and _MOMENT.fullmatch(moments[0]) and 0 < len(digests) <= MOST_SIGNATURES
    return SignatureHeader(moments[0], tuple(digests)) if is_readable else None


def is_one_of(given: str, secrets: Sequence[Secret]) -> bool:
    """Return whether a text is one of these secrets; the time it takes to refuse one says nothing about them."""
    digest = _digest(given)
    return any(hmac.compare_digest(digest, _digest(secret.value())) for secret in secrets)


def credential_in(header: str, *, scheme: str) -> str:
    """Return what follows the name of a scheme (`Bearer`, `Basic`) in a header; "" for another scheme."""
    name, _, credential = header.partition(" ")
    return credential.strip() if name.lower() == scheme else ""


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
