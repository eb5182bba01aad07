"""Read the tagged fields of an invoice and check that none is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lightning.bolt11.bech32 import DIGITS, bytes_of
from lightning.bolt11.errors import (
    DescriptionGivenTwice,
    DescriptionMissing,
    DescriptionNotText,
    FeatureBothRequiredAndOptional,
    FeatureUnknown,
    FieldCutShort,
    FieldLengthWrong,
    NumberNotMinimal,
    NumberTooLarge,
    PaymentHashMissing,
    PaymentSecretMissing,
    RouteHintCutShort,
)
from lightning.bolt11.types import Fallback, Feature, HopHint

# BOLT 11, "Tagged Fields": the letter of each type and its number.
TAG_NUMBERS = {
    "p": 1, "r": 3, "features": 5, "x": 6, "f": 9, "d": 13, "s": 16, "n": 19, "h": 23, "c": 24, "m": 27,
}  # fmt: skip
DIGIT_OF_TAG = {tag: DIGITS[number] for tag, number in TAG_NUMBERS.items()}

HASH_WORDS = 52
PAYEE_WORDS = 53
HOP_BYTES = 51
# An expiry of 136 years: no honest invoice has a longer one, and 2^63 would overflow int64, which LND uses.
MAX_EXPIRY_SECONDS = 2**32 - 1
MAX_CLTV_DELTA = 2**32 - 1
_ODD_BITS = int("01" * 2560, 2) << 1  # a field holds at most 1023 words, 5115 bits
_KNOWN_REQUIRED = sum(1 << feature for feature in Feature)


@dataclass(slots=True)
class FieldSet:
    """The values of the fields read so far."""

    payment_hash: bytes | None = None
    payment_secret: bytes | None = None
    description: str | None = None
    description_hash: bytes | None = None
    payee: bytes | None = None
    expiry_seconds: int | None = None
    min_final_cltv_expiry: int | None = None
    features: int = 0
    metadata: bytes | None = None
    route_hints: list[tuple[HopHint, ...]] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)


def _number(digits: str, *, limit: int) -> int:
    if len(digits) > 1 and digits[0] == "0":
        raise NumberNotMinimal("a number begins with a zero word")
    number = int(digits or "0", 32)
    if number > limit:
        raise NumberTooLarge(f"a number exceeds {limit}")
    return number


def _expiry(digits: str) -> int:
    return _number(digits, limit=MAX_EXPIRY_SECONDS)


def _cltv_delta(digits: str) -> int:
    return _number(digits, limit=MAX_CLTV_DELTA)


def _features(digits: str) -> int:
    """Read the feature bits and refuse unknown required ones.

    Source: BOLT 9 and BOLT 11 (unknown even bits fail); LND 0.20 refuses both bits of a pair.
    """
    features = _number(digits, limit=1 << 5 * len(digits))
    if unknown := features & ~(_ODD_BITS | _KNOWN_REQUIRED):
        raise FeatureUnknown(f"feature {unknown.bit_length() - 1} is required and unknown")
    if features & features >> 1 & _KNOWN_REQUIRED:
        raise FeatureBothRequiredAndOptional("a feature is both required and optional")
    return features


def _text(digits: str) -> str:
    raw = bytes_of(digits)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DescriptionNotText("the description is not UTF-8") from error


def _fallback(digits: str) -> Fallback:
    if not digits:
        raise FieldLengthWrong("a fallback address is empty")
    size, spare = divmod((len(digits) - 1) * 5, 8)
    program = (int(digits[1:] or "0", 32) >> spare).to_bytes(size, "big")
    return Fallback(version=int(digits[0], 32), program=program)


def _route_hint(digits: str) -> tuple[HopHint, ...]:
    raw = bytes_of(digits)
    if not raw or len(raw) % HOP_BYTES:
        raise RouteHintCutShort(f"a route hint has {len(raw)} bytes, not a multiple of 51")
    return tuple(_hop(raw[start : start + HOP_BYTES]) for start in range(0, len(raw), HOP_BYTES))


def _hop(raw: bytes) -> HopHint:
    return HopHint(
        pubkey=raw[:33],
        short_channel_id=int.from_bytes(raw[33:41], "big"),
        fee_base_msat=int.from_bytes(raw[41:45], "big"),
        fee_proportional_millionths=int.from_bytes(raw[45:49], "big"),
        cltv_expiry_delta=int.from_bytes(raw[49:], "big"),
    )


# Fields of which the first one counts: attribute, reader, exact length in words (None: any), whether a field of
# another length is ignored. By the specification's text a wrong length of p, h, s or n is an error, yet its test
# vectors contain an invoice with wrong h and n that must be read. Those two are optional and ignored; p and s are not.
_ONCE: dict[str, tuple[str, Callable[[str], object], int | None, bool]] = {
    DIGIT_OF_TAG["p"]: ("payment_hash", bytes_of, HASH_WORDS, False),
    DIGIT_OF_TAG["s"]: ("payment_secret", bytes_of, HASH_WORDS, False),
    DIGIT_OF_TAG["h"]: ("description_hash", bytes_of, HASH_WORDS, True),
    DIGIT_OF_TAG["n"]: ("payee", bytes_of, PAYEE_WORDS, True),
    DIGIT_OF_TAG["d"]: ("description", _text, None, False),
    DIGIT_OF_TAG["x"]: ("expiry_seconds", _expiry, None, False),
    DIGIT_OF_TAG["c"]: ("min_final_cltv_expiry", _cltv_delta, None, False),
    DIGIT_OF_TAG["features"]: ("features", _features, None, False),
    DIGIT_OF_TAG["m"]: ("metadata", bytes_of, None, False),
}


def read_fields(digits: str) -> FieldSet:
    """Read all tagged fields; fields of unknown types are ignored.

    Source: BOLT 11, "Tagged Fields" and its requirements for readers.
    """
    fields, seen = FieldSet(), set[str]()
    position, end = 0, len(digits)
    while position < end:
        body_at = position + 3
        if body_at > end:
            raise FieldCutShort("a field has no room for its length")
        position = body_at + int(digits[body_at - 2 : body_at], 32)
        if position > end:
            raise FieldCutShort("a field is longer than the invoice")
        _read_field(fields, seen, digits[body_at - 3], digits[body_at:position])
    _require_complete(fields)
    return fields


def _read_field(fields: FieldSet, seen: set[str], tag: str, digits: str) -> None:
    if tag in _ONCE:
        _read_once(fields, seen, tag, digits)
    elif tag == DIGIT_OF_TAG["r"]:
        fields.route_hints.append(_route_hint(digits))
    elif tag == DIGIT_OF_TAG["f"]:
        fields.fallbacks.append(_fallback(digits))


def _read_once(fields: FieldSet, seen: set[str], tag: str, digits: str) -> None:
    if tag in seen:
        return  # as in LND (`zpay32`): the node that pays must read the same values as we do
    attribute, read, length, ignores_wrong_length = _ONCE[tag]
    if length is not None and len(digits) != length:
        if ignores_wrong_length:
            return
        raise FieldLengthWrong(f"{attribute} has {len(digits)} words, not {length}")
    seen.add(tag)
    setattr(fields, attribute, read(digits))


def _require_complete(fields: FieldSet) -> None:
    if fields.payment_hash is None:
        raise PaymentHashMissing("no payment hash")
    if fields.payment_secret is None:
        raise PaymentSecretMissing("no payment secret")
    if fields.description is None and fields.description_hash is None:
        raise DescriptionMissing("neither a description nor its hash")
    if fields.description is not None and fields.description_hash is not None:
        raise DescriptionGivenTwice("both a description and a description hash")
