"""Round trips, refusals one by one, mutations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from coincurve import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning.bolt11 import Bolt11Error, Feature, Invoice, InvoiceDraft, decode, encode, errors, normalised
from lightning.bolt11.bech32 import (
    CHARSET,
    DIGITS,
    digits_of_bytes,
    digits_of_number,
    join,
    padded_bytes_of,
    split,
)
from lightning.bolt11.decoding import SIGNATURE_WORDS
from lightning.bolt11.fields import DIGIT_OF_TAG
from lightning.bolt11.prefix import MAX_AMOUNT_MSAT, read_prefix, write_prefix
from tests.lightning.bolt11.drafts import KEY, PAYEE, draft, drafts
from tests.lightning.bolt11.vectors import VALID

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # secp256k1 n


def sign_again(prefix: str, signed: str, *, change: Callable[[bytes], bytes] = lambda raw: raw) -> str:
    """Sign any prefix and digits with the recipient's key, valid or not."""
    digest = sha256(prefix.encode() + padded_bytes_of(signed)).digest()
    signature = change(PrivateKey(KEY).sign_recoverable(digest, hasher=None))
    return join(prefix, signed + digits_of_bytes(signature))


def with_body(change: Callable[[str], str], **facts: object) -> str:
    """Encode a valid invoice, change its signed digits, sign it again."""
    prefix, digits = split(encode(draft(**facts), KEY))
    return sign_again(prefix, change(digits[:-SIGNATURE_WORDS]))


def tagged(tag: str, digits: str) -> str:
    return DIGIT_OF_TAG.get(tag, tag) + digits_of_number(len(digits), length=2) + digits


def without_field(tag: str) -> Callable[[str], str]:
    def removed(digits: str) -> str:
        kept, rest = digits[:7], digits[7:]
        while rest:
            end = 3 + int(rest[1:3], 32)
            kept += "" if rest[0] == DIGIT_OF_TAG[tag] else rest[:end]
            rest = rest[end:]
        return kept

    return removed


def replaced_field(tag: str, digits: str) -> Callable[[str], str]:
    return lambda body: without_field(tag)(body) + tagged(tag, digits)


@settings(max_examples=300, deadline=None)
@given(drafts())
def test_decode_encoded_draft_returns_it(wanted: InvoiceDraft) -> None:
    read = decode(encode(wanted, KEY))
    assert read.payee == PAYEE
    assert read.payee_is_stated is (wanted.payee is not None)
    expected = replace(
        wanted,
        payee=PAYEE,
        expiry_seconds=3600 if wanted.expiry_seconds is None else wanted.expiry_seconds,
        min_final_cltv_expiry=18 if wanted.min_final_cltv_expiry is None else wanted.min_final_cltv_expiry,
    )
    assert {f.name: getattr(read, f.name) for f in fields(expected)} == {
        f.name: getattr(expected, f.name) for f in fields(expected)
    }


@settings(max_examples=100, deadline=None)
@given(drafts())
def test_decode_upper_case_reads_the_same(wanted: InvoiceDraft) -> None:
    text = encode(wanted, KEY)
    assert decode(text.upper()) == decode(text)


SAMPLES = [vector["invoice"].lower() for vector in VALID] + [encode(draft(), KEY)]


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_decode_one_changed_character_is_refused_by_name(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.characters(codec="utf-8").filter(lambda c: c.lower() != text[at]))
    with pytest.raises(Bolt11Error):
        decode(text[:at] + new + text[at + 1 :])


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_decode_changed_data_with_valid_checksum_is_read_or_refused_by_name(
    text: str, data: st.DataObject
) -> None:
    prefix, digits = split(text)
    start = data.draw(st.integers(0, len(digits) - 1))
    cut = data.draw(st.integers(0, 8))
    fresh = data.draw(st.text(DIGITS, max_size=8))
    mutant = join(prefix, digits[:start] + fresh + digits[start + cut :])
    try:
        read = decode(mutant)
    except Bolt11Error:
        return
    assert (read.text, len(read.payment_hash), len(read.payee)) == (mutant, 32, 33)


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(), st.text(CHARSET + "ln1bct", min_size=1), st.binary().map(lambda raw: raw.decode("latin-1"))
    )
)
def test_decode_any_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(Bolt11Error):
        decode(text)


@given(st.sampled_from(["bc", "tb", "tbs", "bcrt", "sb"]), st.integers(1, MAX_AMOUNT_MSAT))
def test_read_prefix_of_written_amount_returns_it(network: str, msat: int) -> None:
    assert read_prefix(write_prefix(network, msat)) == (network, msat)


@pytest.mark.parametrize(
    ("prefix", "amount_msat"),
    [
        ("lnbc20m", 2_000_000_000),
        ("lnbc2500u", 250_000_000),
        ("lnbc250000000n", 25_000_000_000),
        ("lnbc10p", 1),
        ("lnbc1", 10**11),
        ("lnbc", None),
        ("lnbc1000m", 10**11),
        ("lnbc21000000", MAX_AMOUNT_MSAT),
    ],
)
def test_read_prefix_amount_is_in_msat(prefix: str, amount_msat: int | None) -> None:
    assert read_prefix(prefix) == ("bc", amount_msat)


@pytest.mark.parametrize(
    ("prefix", "refusal"),
    [
        ("bc20m", errors.PrefixNotLightning),
        ("lnxy20m", errors.NetworkUnknown),
        ("lnbcr20m", errors.NetworkUnknown),
        ("lntbss", errors.NetworkUnknown),
        ("lnbc0", errors.AmountUnreadable),
        ("lnbc01m", errors.AmountUnreadable),
        ("lnbc20mm", errors.AmountUnreadable),
        ("lnbc20k", errors.AmountUnreadable),
        ("lnbc" + "9" * 30, errors.AmountUnreadable),
        ("lnbc11p", errors.AmountFinerThanMsat),
        ("lnbc21000001", errors.AmountAboveSupply),
    ],
)
def test_read_prefix_invalid_is_refused(prefix: str, refusal: type[Bolt11Error]) -> None:
    with pytest.raises(refusal):
        read_prefix(prefix)


def bad_recovery_id(signature: bytes) -> bytes:
    return signature[:64] + b"\x04"


def high_s(signature: bytes) -> bytes:
    return (
        signature[:32]
        + (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
        + signature[64:]
    )


def zeroed(signature: bytes) -> bytes:
    return bytes(64) + signature[64:]


def resigned(change: Callable[[bytes], bytes], **facts: object) -> str:
    prefix, digits = split(encode(draft(**facts), KEY))
    return sign_again(prefix, digits[:-SIGNATURE_WORDS], change=change)


REFUSALS: list[tuple[type[Bolt11Error], str]] = [
    (errors.InvoiceTooLong, "lnbc1" + "q" * 7_100),
    (errors.CharacterNotAllowed, "lnbc1pvjlué"),
    (errors.CharacterNotAllowed, " " + SAMPLES[0]),
    (errors.CharacterNotAllowed, "lnbc1bbbbbbbbbbbb"),
    (errors.MixedCase, SAMPLES[0].replace("lnbc", "LNBC")),
    (errors.SeparatorMissing, "lnbcqqqqqq"),
    (errors.SeparatorMissing, "1qqqqqqqq"),
    (errors.InvoiceTooShort, "lnbc1qqq"),
    (errors.InvoiceTooShort, join("lnbc", "0" * 110)),
    (errors.ChecksumWrong, SAMPLES[0][:-1] + "q"),
    (errors.FieldCutShort, with_body(lambda body: body + "10")),
    (errors.FieldCutShort, with_body(lambda body: body + "1vv000")),
    (errors.FieldLengthWrong, with_body(replaced_field("p", "0" * 51))),
    (errors.FieldLengthWrong, with_body(replaced_field("s", "0" * 53))),
    (errors.FieldLengthWrong, with_body(lambda body: body + tagged("f", ""))),
    (errors.PaddingNotZero, with_body(replaced_field("p", "0" * 51 + "1"))),
    (errors.PaddingNotZero, with_body(replaced_field("d", "000"))),
    (errors.NumberNotMinimal, with_body(replaced_field("x", "01"))),
    (errors.NumberNotMinimal, with_body(replaced_field("c", "0i"))),
    (errors.NumberNotMinimal, with_body(replaced_field("features", "08"))),
    (errors.NumberTooLarge, with_body(replaced_field("x", "v" * 7))),
    (errors.NumberTooLarge, with_body(replaced_field("c", "v" * 20))),
    (errors.DescriptionNotText, with_body(replaced_field("d", digits_of_bytes(b"\xff\xfe")))),
    (errors.RouteHintCutShort, with_body(lambda body: body + tagged("r", digits_of_bytes(bytes(50))))),
    (errors.RouteHintCutShort, with_body(lambda body: body + tagged("r", ""))),
    (errors.PaymentHashMissing, with_body(without_field("p"))),
    (errors.PaymentSecretMissing, with_body(without_field("s"))),
    (errors.DescriptionMissing, with_body(without_field("d"))),
    (errors.DescriptionGivenTwice, with_body(lambda body: body + tagged("h", digits_of_bytes(bytes(32))))),
    (errors.FeatureUnknown, with_body(lambda body: body, features=1 << 8 | 1 << 14 | 1 << 100)),
    (errors.FeatureUnknown, with_body(lambda body: body, features=1 << 1300)),
    (errors.FeatureBothRequiredAndOptional, with_body(lambda body: body, features=0b11 << 14)),
    (errors.RecoveryIdUnknown, resigned(bad_recovery_id)),
    (errors.SignatureNotRecoverable, resigned(zeroed)),
    (errors.SignatureHighS, resigned(high_s, payee=PAYEE)),
    (errors.SignatureByAnother, resigned(zeroed, payee=PAYEE)),
    (errors.SignatureByAnother, with_body(replaced_field("n", digits_of_bytes(bytes(33))))),
    (
        errors.SignatureByAnother,
        with_body(replaced_field("n", digits_of_bytes(PrivateKey(b"\x07" * 32).public_key.format()))),
    ),
]


@pytest.mark.parametrize(("refusal", "text"), REFUSALS, ids=[refusal.__name__ for refusal, _ in REFUSALS])
def test_decode_invalid_invoice_is_refused_by_its_class(refusal: type[Bolt11Error], text: str) -> None:
    with pytest.raises(refusal):
        decode(text)


def test_decode_refusals_cover_every_class() -> None:
    tested = {refusal for refusal, _ in REFUSALS} | {errors.DraftInvalid}
    prefix_refusals = {
        errors.PrefixNotLightning,
        errors.NetworkUnknown,
        errors.AmountUnreadable,
        errors.AmountFinerThanMsat,
        errors.AmountAboveSupply,
    }
    assert set(Bolt11Error.__subclasses__()) == tested | prefix_refusals


def test_decode_repeated_field_takes_the_first() -> None:
    text = with_body(lambda body: body + tagged("p", digits_of_bytes(b"\x09" * 32)) + tagged("x", "3"))
    read = decode(text)
    assert (read.payment_hash, read.expiry_seconds) == (sha256(b"hash").digest(), 86_400)


def test_decode_unknown_field_is_ignored() -> None:
    assert decode(with_body(lambda body: body + tagged("2", "0123"))).amount_msat == 99_500_000


def test_encode_signature_has_low_s() -> None:
    for second in range(50):
        signature = decode(encode(draft(timestamp=1_760_000_000 + second), KEY)).signature
        assert int.from_bytes(signature[32:64], "big") <= ORDER // 2


BAD_DRAFTS = [
    {"network": "xx"},
    {"amount_msat": 0},
    {"amount_msat": MAX_AMOUNT_MSAT + 1},
    {"timestamp": -1},
    {"timestamp": 2**35},
    {"payment_hash": b"short"},
    {"payment_secret": b"short"},
    {"description": None},
    {"description_hash": bytes(32)},
    {"description": None, "description_hash": b"short"},
    {"description": "x" * 700},
    {"expiry_seconds": 2**32},
    {"min_final_cltv_expiry": -1},
    {"payee": bytes(33)},
]


@pytest.mark.parametrize("facts", BAD_DRAFTS, ids=str)
def test_encode_invalid_draft_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(errors.DraftInvalid):
        encode(draft(**facts), KEY)


@pytest.mark.parametrize("pasted", ["lightning:{}", "LIGHTNING:{}", "  {}\n", "\tLightning:{} "])
def test_normalised_pasted_text_is_the_invoice(pasted: str) -> None:
    text = SAMPLES[0]
    assert normalised(pasted.format(text)) == normalised(pasted.format(text.upper())) == text


def test_features_offered_and_required_differ() -> None:
    read = decode(encode(draft(features=1 << Feature.PAYMENT_SECRET | 1 << Feature.BASIC_MPP + 1), KEY))
    assert [feature for feature in Feature if read.offers(feature)] == [
        Feature.PAYMENT_SECRET,
        Feature.BASIC_MPP,
    ]
    assert [feature for feature in Feature if read.requires(feature)] == [Feature.PAYMENT_SECRET]


def test_expires_at_beyond_the_calendar_is_its_last_moment() -> None:
    read: Invoice = decode(encode(draft(timestamp=2**35 - 1, expiry_seconds=2**32 - 1), KEY))
    assert read.expires_at_unix == 2**35 + 2**32 - 2
    assert read.expires_at > datetime(3058, 1, 1, tzinfo=UTC)
