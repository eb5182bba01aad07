"""Read an invoice."""

from __future__ import annotations

from hashlib import sha256
from typing import cast

from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_recoverable, recoverable_convert

from lightning.bolt11.bech32 import bytes_of, lowered, padded_bytes_of, split
from lightning.bolt11.errors import (
    InvoiceTooShort,
    RecoveryIdUnknown,
    SignatureByAnother,
    SignatureHighS,
    SignatureNotRecoverable,
)
from lightning.bolt11.fields import FieldSet, read_fields
from lightning.bolt11.prefix import read_prefix
from lightning.bolt11.types import DEFAULT_EXPIRY_SECONDS, DEFAULT_MIN_FINAL_CLTV_EXPIRY, Invoice

TIMESTAMP_WORDS = 7
SIGNATURE_WORDS = 104
MAX_RECOVERY_ID = 3
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # secp256k1 n / 2
_URI_SCHEME = "lightning:"


def normalised(text: str) -> str:
    """Return a pasted invoice without surrounding blanks and `lightning:`, in lower case.

    Raises: MixedCase, CharacterNotAllowed, InvoiceTooLong.
    """
    text = text.strip()
    if text[: len(_URI_SCHEME)].lower() == _URI_SCHEME:
        text = text[len(_URI_SCHEME) :]
    return lowered(text)


def decode(text: str) -> Invoice:
    """Read a BOLT 11 invoice and verify checksum and signature.

    Raises: only subclasses of Bolt11Error, each naming what is wrong.
    Source: BOLT 11 at lightning/bolts a3772650d.
    """
    text = lowered(text)
    prefix, digits = split(text)
    network, amount_msat = read_prefix(prefix)
    if len(digits) < TIMESTAMP_WORDS + SIGNATURE_WORDS:
        raise InvoiceTooShort("there is no room for timestamp and signature")
    signed, signature = digits[:-SIGNATURE_WORDS], bytes_of(digits[-SIGNATURE_WORDS:])
    fields = read_fields(signed[TIMESTAMP_WORDS:])
    digest = sha256(prefix.encode() + padded_bytes_of(signed)).digest()
    return _invoice(
        text,
        network=network,
        amount_msat=amount_msat,
        timestamp=int(signed[:TIMESTAMP_WORDS], 32),
        fields=fields,
        payee=_payee_of(signature, digest=digest, stated=fields.payee),
        signature=signature,
    )


def _payee_of(signature: bytes, *, digest: bytes, stated: bytes | None) -> bytes:
    if signature[64] > MAX_RECOVERY_ID:
        raise RecoveryIdUnknown(f"recovery id {signature[64]}")
    return _recovered(signature, digest) if stated is None else _verified(signature, digest, stated)


def _recovered(signature: bytes, digest: bytes) -> bytes:
    try:
        return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    except ValueError as error:
        raise SignatureNotRecoverable("no public key fits the signature") from error


def _verified(signature: bytes, digest: bytes, stated: bytes) -> bytes:
    """Verify the signature with the stated key, as BOLT 11 requires when there is an n field."""
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise SignatureHighS("a signature with a stated payee must have a low S")
    try:
        key, plain = PublicKey(stated), recoverable_convert(deserialize_recoverable(signature))
    except ValueError as error:
        raise SignatureByAnother("the stated payee or the signature is not a point of the curve") from error
    if not key.verify(cdata_to_der(plain), digest, hasher=None):
        raise SignatureByAnother("the stated payee did not sign this invoice")
    return stated


def _invoice(
    text: str,
    *,
    network: str,
    amount_msat: int | None,
    timestamp: int,
    fields: FieldSet,
    payee: bytes,
    signature: bytes,
) -> Invoice:
    expiry, delta = fields.expiry_seconds, fields.min_final_cltv_expiry
    return Invoice(
        text=text,
        network=network,
        amount_msat=amount_msat,
        timestamp=timestamp,
        payment_hash=cast("bytes", fields.payment_hash),  # read_fields raises when it is missing
        payment_secret=cast("bytes", fields.payment_secret),
        description=fields.description,
        description_hash=fields.description_hash,
        payee=payee,
        payee_is_stated=fields.payee is not None,
        expiry_seconds=DEFAULT_EXPIRY_SECONDS if expiry is None else expiry,
        min_final_cltv_expiry=DEFAULT_MIN_FINAL_CLTV_EXPIRY if delta is None else delta,
        features=fields.features,
        route_hints=tuple(fields.route_hints),
        fallbacks=tuple(fields.fallbacks),
        metadata=fields.metadata,
        signature=signature,
    )
