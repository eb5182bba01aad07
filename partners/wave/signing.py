"""Wave's signature: HMAC-SHA256 over the timestamp and, directly after it, the raw body."""

from __future__ import annotations

import hmac


def signature(secret: str, *, timestamp: int, body: bytes) -> str:
    """Return the hexadecimal digest that follows `v1=`. Source: docs.wave.com/webhook; requests are signed alike."""
    return hmac.digest(secret.encode(), str(timestamp).encode() + body, "sha256").hex()
