"""The invoices of the specification: read, written byte for byte, refused for the listed reason."""

from __future__ import annotations

from typing import Any

import pytest

from lightning.bolt11 import Bolt11Error, Invoice, InvoiceDraft, decode, encode
from tests.lightning.bolt11.vectors import INVALID, PRIVATE_KEY, VALID, title_of

# No writer produces a high-S signature or the fields that readers ignore.
UNWRITABLE = (
    "Public-key recovery with high-S signature",
    "Same, but including fields which must be ignored.",
)
WRITABLE = [vector for vector in VALID if vector["title"] not in UNWRITABLE]
TAGS = {
    "p": "p",
    "s": "s",
    "d": "d",
    "h": "h",
    "x": "x",
    "c": "c",
    "f": "f",
    "r": "r",
    "m": "m",
    "9": "features",
}


def values_of(invoice: Invoice) -> dict[str, Any]:
    """Return an invoice's values under the names that the vectors use."""
    values: dict[str, Any] = {
        "currency": invoice.network,
        "amount_msat": invoice.amount_msat,
        "timestamp": invoice.timestamp,
        "payment_hash": invoice.payment_hash.hex(),
        "payment_secret": invoice.payment_secret.hex(),
        "description": invoice.description,
        "description_hash": invoice.description_hash and invoice.description_hash.hex(),
        "metadata": invoice.metadata and invoice.metadata.hex(),
        "expiry_effective": invoice.expiry_seconds,
        "expiry": invoice.expiry_seconds,
        "min_final_cltv_expiry_delta": invoice.min_final_cltv_expiry,
        "feature_bits": [bit for bit in range(invoice.features.bit_length()) if invoice.features >> bit & 1],
        "fallback_versions": [fallback.version for fallback in invoice.fallbacks],
        "signature_rs_hex": invoice.signature[:64].hex(),
        "recovery_flag": invoice.signature[64],
        "expected_payee": invoice.payee.hex(),
    }
    values["route_hints"] = [
        [
            {
                "pubkey": hop.pubkey.hex(),
                "short_channel_id": f"{hop.short_channel_id:016x}",
                "fee_base_msat": hop.fee_base_msat,
                "fee_proportional_millionths": hop.fee_proportional_millionths,
                "cltv_expiry_delta": hop.cltv_expiry_delta,
            }
            for hop in hint
        ]
        for hint in invoice.route_hints
    ]
    return values


@pytest.mark.parametrize("vector", VALID, ids=title_of)
def test_decode_vector_reads_every_listed_value(vector: dict[str, Any]) -> None:
    read = values_of(decode(vector["invoice"]))
    listed = {name: vector[name] for name in read if name in vector}
    assert {name: read[name] for name in listed} == listed
    assert len(listed) >= 8


@pytest.mark.parametrize("vector", INVALID, ids=title_of)
def test_decode_invalid_vector_is_refused_for_its_own_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(Bolt11Error) as refusal:
        decode(vector["invoice"])
    assert refusal.value.reason == vector["refusal"]


def test_vectors_are_complete() -> None:
    assert (len(VALID), len(INVALID), len(WRITABLE)) == (16, 10, 14)


def order_of(text: str) -> tuple[str, ...]:
    """Return the tags in the order of this invoice."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    data = text.lower().rpartition("1")[2][7 : -104 - 6]
    order: list[str] = []
    while data:
        length = charset.index(data[1]) * 32 + charset.index(data[2])
        order.append(TAGS[data[0]])
        data = data[3 + length :]
    return tuple(dict.fromkeys(order))


@pytest.mark.parametrize("vector", WRITABLE, ids=title_of)
def test_encode_vector_reproduces_it_byte_for_byte(vector: dict[str, Any]) -> None:
    read = decode(vector["invoice"])
    order = order_of(vector["invoice"])
    draft = InvoiceDraft(
        network=read.network,
        timestamp=read.timestamp,
        payment_hash=read.payment_hash,
        payment_secret=read.payment_secret,
        amount_msat=read.amount_msat,
        description=read.description,
        description_hash=read.description_hash,
        expiry_seconds=read.expiry_seconds if "x" in order else None,
        min_final_cltv_expiry=read.min_final_cltv_expiry if "c" in order else None,
        features=read.features,
        route_hints=read.route_hints,
        fallbacks=read.fallbacks,
        metadata=read.metadata,
    )
    assert encode(draft, PRIVATE_KEY, field_order=order) == vector["invoice"].lower()
