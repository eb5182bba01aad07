"""Signatures, by the vector that Wave publishes and by one made from Sonatel's rule."""

from datetime import UTC, datetime, timedelta

import pytest

from partners.config import Secret
from partners.enums import Authenticity
from partners.orange.webhooks import OrangeWebhooks
from partners.wave.webhooks import WaveWebhooks
from partners.webhooks.signatures import is_one_of, is_signed, read_signature_header
from partners.webhooks.types import Delivery

# Published on docs.wave.com/webhook.
WAVE_SECRET = "wave_sn_WHS_xz4m6g8rjs9bshxy05xj4khcvjv7j3hcp4fbpvv6met0zdrjvezg"
WAVE_DIGEST = "53c971695230e9c51b1030d673eee76e70bbcdf8a7c5b8c1d44e0b8b1329647b"
WAVE_MOMENT = 1667920421
WAVE_BODY = (
    b'{"id": "AE_ijzo7oGgrlM7", "type": "checkout.session.completed", "data": {"id": "cos-1b01sghpg100j", '
    b'"amount": "100", "checkout_status": "complete", "client_reference": null, "currency": "XOF", '
    b'"error_url": "https://example.com/error", "last_payment_error": null, "business_name": "Annas Apiaries", '
    b'"payment_status": "succeeded", "success_url": "https://example.com/success", '
    b'"wave_launch_url": "https://pay.wave.com/c/cos-1b01sghpg100j?a=100&c=XOF&m=Annas%20Apiaries", '
    b'"when_completed": "2022-11-08T15:05:45Z", "when_created": "2022-11-08T15:05:32Z", '
    b'"when_expires": "2022-11-09T15:05:32Z", "transaction_id": "TCN4Y4ZC3FM"}}'
)
ORANGE_SECRET = "endpoint-secret-made-up"
ORANGE_DIGEST = "ab165778cdb76c1b901ea4d20135f3cad716b94615060489b4f8d630986f3d5a"
ORANGE_MOMENT = 1786615606
ORANGE_BODY = (
    b'{"amount":{"value":2,"unit":"XOF"},"reference":"r-1","type":"MERCHANT_PAYMENT",'
    b'"transactionId":"MP220928.1029.C58502","status":"SUCCESS"}'
)
ZEROS = "0" * 64


def _at(moment: int, *, seconds: int = 0) -> datetime:
    return datetime.fromtimestamp(moment, tz=UTC) + timedelta(seconds=seconds)


def _wave(header: str, *, body: bytes = WAVE_BODY, seconds: int = 30) -> Authenticity | None:
    delivery = Delivery({"wave-signature": header}, body)
    return WaveWebhooks().authenticity_of(delivery, now=_at(WAVE_MOMENT, seconds=seconds))


def _orange(header: str, *, body: bytes = ORANGE_BODY, seconds: int = 10) -> Authenticity | None:
    delivery = Delivery({"x-sonatel-signature": header}, body)
    return OrangeWebhooks().authenticity_of(delivery, now=_at(ORANGE_MOMENT, seconds=seconds))


@pytest.fixture(autouse=True)
def published(partners: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVE_WEBHOOK_SECRETS", f"wave_sn_WHS_older,{WAVE_SECRET}")
    monkeypatch.setenv("ORANGE_CALLBACK_SECRETS", ORANGE_SECRET)
    monkeypatch.delenv("ORANGE_CALLBACK_API_KEYS")


@pytest.mark.parametrize(
    ("header", "seconds", "is_authentic"),
    [
        (f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", 30, True),
        (f"t={WAVE_MOMENT},v1={ZEROS},v1={WAVE_DIGEST}", 30, True),
        (f"t={WAVE_MOMENT}, v1={WAVE_DIGEST}", 30, True),
        (f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", 300, True),
        (f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", 301, False),
        (f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", -300, True),
        (f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", -301, False),
        (f"t={WAVE_MOMENT + 1},v1={WAVE_DIGEST}", 30, False),
        (f"t={WAVE_MOMENT},v1={ZEROS}", 30, False),
        (f"t={WAVE_MOMENT}", 30, False),
        (f"Bearer {WAVE_SECRET}", 30, False),
    ],
)
def test_wave_signature(header: str, seconds: int, is_authentic: bool) -> None:
    assert _wave(header, seconds=seconds) == (Authenticity.SIGNATURE if is_authentic else None)


def test_wave_signature_of_another_body_proves_nothing() -> None:
    body = WAVE_BODY.replace(b'"amount": "100"', b'"amount": "900"')
    assert _wave(f"t={WAVE_MOMENT},v1={WAVE_DIGEST}", body=body) is None


@pytest.mark.parametrize(
    ("digest", "seconds", "is_authentic"),
    [
        (ORANGE_DIGEST, 10, True),
        # Without the comma, as Wave signs.
        ("fd2ada1d23dff2636ad931e21a1c0be0a93a02b3eef9edc347b545f742fb61d5", 10, False),
        (ORANGE_DIGEST, 301, False),
    ],
)
def test_orange_signature(digest: str, seconds: int, is_authentic: bool) -> None:
    expected = Authenticity.SIGNATURE if is_authentic else None
    assert _orange(f"t={ORANGE_MOMENT},v1={digest}", seconds=seconds) == expected


def test_orange_signature_of_another_body_proves_nothing() -> None:
    assert _orange(f"t={ORANGE_MOMENT},v1={ORANGE_DIGEST}", body=ORANGE_BODY[:-1] + b" }") is None


@pytest.mark.parametrize(
    "header",
    [
        "", "t", "t=,v1=" + ZEROS, "v1=" + ZEROS, "t=1", "t=1,t=1,v1=" + ZEROS, "t=-1,v1=" + ZEROS,
        "t=1.5,v1=" + ZEROS, "t=１,v1=" + ZEROS, "t=" + "1" * 12 + ",v1=" + ZEROS, "t=1,v1=" + ZEROS.upper()[:-1],
        "t=1,v1=" + "A" * 64, "t=1,v0=" + ZEROS, "t=1," + ",".join(["v1=" + ZEROS] * 11), "T=1,V1=" + ZEROS,
    ],
)  # fmt: skip
def test_unreadable_header_is_none(header: str) -> None:
    assert read_signature_header(header) is None


def test_other_schemes_are_passed_over() -> None:
    read = read_signature_header(f"t=7,v0=abc,v1={ZEROS},v2=x")
    assert read is not None
    assert (read.moment, read.digests) == ("7", (ZEROS,))


def test_without_secrets_nothing_is_signed_and_no_text_is_one_of_them() -> None:
    header = f"t={WAVE_MOMENT},v1={WAVE_DIGEST}"
    assert not is_signed(header, WAVE_BODY, separator=b"", secrets=(), now=_at(WAVE_MOMENT))
    assert not is_one_of("", ())


def test_secret_is_compared_as_a_whole() -> None:
    one = (Secret("X", "secret"),)
    assert is_one_of("secret", one)
    assert not any(is_one_of(text, one) for text in ("", "secre", "secrets", "Secret", "secret\udce9", "é"))


def test_no_repr_shows_a_secret() -> None:
    delivery = Delivery({"authorization": "Bearer hidden"}, b"hidden", "hidden")
    assert "hidden" not in repr(delivery)
    assert WAVE_SECRET not in repr(vars(WaveWebhooks()))
