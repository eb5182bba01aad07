"""Write and sign an invoice."""

from __future__ import annotations

from hashlib import sha256

from coincurve import PrivateKey

from lightning.bolt11.bech32 import (
    MAX_INVOICE_LENGTH,
    digits_of_bytes,
    digits_of_number,
    join,
    minimal_digits_of,
    padded_bytes_of,
)
from lightning.bolt11.errors import DraftInvalid
from lightning.bolt11.fields import DIGIT_OF_TAG, MAX_CLTV_DELTA, MAX_EXPIRY_SECONDS
from lightning.bolt11.prefix import write_prefix
from lightning.bolt11.types import Fallback, HopHint, InvoiceDraft

HASH_BYTES = 32
MAX_FIELD_WORDS = 1023
MAX_TIMESTAMP = 2**35 - 1
# LND's order. Readers accept any order, and the specification's examples use several.
DEFAULT_FIELD_ORDER = ("p", "d", "m", "h", "n", "x", "c", "f", "r", "s", "features")


def encode(
    draft: InvoiceDraft, private_key: bytes, *, field_order: tuple[str, ...] = DEFAULT_FIELD_ORDER
) -> str:
    """Write and sign an invoice (RFC 6979 nonce, low S).

    Raises: DraftInvalid when no reader would accept the invoice.
    Source: BOLT 11, "Requirements" for writers.
    """
    _require_valid(draft)
    key = PrivateKey(private_key)
    if draft.payee is not None and draft.payee != key.public_key.format():
        raise DraftInvalid("the payee is not the key that signs")
    prefix = write_prefix(draft.network, draft.amount_msat)
    fields = _fields_of(draft)
    body = "".join(_tagged(tag, digits) for tag in field_order for digits in fields.get(tag, ()))
    signed = digits_of_number(draft.timestamp, length=7) + body
    digest = sha256(prefix.encode() + padded_bytes_of(signed)).digest()
    text = join(prefix, signed + digits_of_bytes(key.sign_recoverable(digest, hasher=None)))
    if len(text) > MAX_INVOICE_LENGTH:
        raise DraftInvalid("the invoice is too long")
    return text


def _require_valid(draft: InvoiceDraft) -> None:
    if not 0 <= draft.timestamp <= MAX_TIMESTAMP:
        raise DraftInvalid("the timestamp has 35 bits")
    if len(draft.payment_hash) != HASH_BYTES or len(draft.payment_secret) != HASH_BYTES:
        raise DraftInvalid("payment hash and secret have 32 bytes")
    if (draft.description is None) == (draft.description_hash is None):
        raise DraftInvalid("exactly one of description and description hash")
    if draft.description_hash is not None and len(draft.description_hash) != HASH_BYTES:
        raise DraftInvalid("a description hash has 32 bytes")
    if not 0 <= (draft.expiry_seconds or 0) <= MAX_EXPIRY_SECONDS:
        raise DraftInvalid("the expiry is out of range")
    if not 0 <= (draft.min_final_cltv_expiry or 0) <= MAX_CLTV_DELTA:
        raise DraftInvalid("the final CLTV delta is out of range")


def _fields_of(draft: InvoiceDraft) -> dict[str, list[str]]:
    """Return the digits of each given field, by tag."""
    fields: dict[str, list[str]] = {
        "p": [digits_of_bytes(draft.payment_hash)],
        "s": [digits_of_bytes(draft.payment_secret)],
        "r": [digits_of_bytes(b"".join(map(_hop, hint))) for hint in draft.route_hints],
        "f": [_fallback(fallback) for fallback in draft.fallbacks],
    }
    texts = {"d": draft.description.encode() if draft.description is not None else None}
    blobs = {"h": draft.description_hash, "n": draft.payee, "m": draft.metadata, **texts}
    numbers = {
        "x": draft.expiry_seconds,
        "c": draft.min_final_cltv_expiry,
        "features": draft.features or None,
    }
    fields |= {tag: [digits_of_bytes(blob)] for tag, blob in blobs.items() if blob is not None}
    fields |= {tag: [minimal_digits_of(number)] for tag, number in numbers.items() if number is not None}
    return fields


def _tagged(tag: str, digits: str) -> str:
    if len(digits) > MAX_FIELD_WORDS:
        raise DraftInvalid("a field has at most 1023 words")
    return DIGIT_OF_TAG[tag] + digits_of_number(len(digits), length=2) + digits


def _hop(hop: HopHint) -> bytes:
    return (
        hop.pubkey
        + hop.short_channel_id.to_bytes(8, "big")
        + hop.fee_base_msat.to_bytes(4, "big")
        + hop.fee_proportional_millionths.to_bytes(4, "big")
        + hop.cltv_expiry_delta.to_bytes(2, "big")
    )


def _fallback(fallback: Fallback) -> str:
    return digits_of_number(fallback.version, length=1) + digits_of_bytes(fallback.program)
