"""Deliveries that nothing proves: refused, counted, and nothing is stored or changed."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.settings import api_settings

from partners.webhooks.refusals import refused_in_all, refused_lately
from sunusav.core import clock
from tests.partners.webhooks.delivering import (
    MTN_TOKEN,
    NEXT_WAVE_SECRET,
    ORANGE_KEY,
    ORANGE_SECRET,
    WAVE_BEARER,
    WAVE_SECRET,
    Sent,
    awaited,
    by_mtn,
    by_orange,
    by_wave,
    mtn_body,
    nothing_stored,
    orange_body,
    signature,
    wave_body,
)

pytestmark = pytest.mark.django_db
ORANGE = "X-Sonatel-Signature"
Forge = Callable[[str], Sent]


def _headed(sent: Sent, **headers: str) -> Sent:
    return replace(sent, headers={name.replace("_", "-"): value for name, value in headers.items()})


def _wave(reference: str, header: Callable[[bytes], str]) -> Sent:
    body = wave_body(reference)
    return Sent("wave/webhooks", body, {"Wave-Signature": header(body)})


def _moment() -> int:
    return int(clock.now().timestamp())


def _digest(body: bytes, separator: bytes = b"", at: int | None = None) -> str:
    return signature(WAVE_SECRET, body, separator=separator, at=at).rpartition("=")[2]


def _resigned(reference: str, change: Callable[[bytes], bytes]) -> Sent:
    """Return a body that was changed after it was signed."""
    sent = by_wave(wave_body(reference))
    return replace(sent, body=change(sent.body))


def _without(sent: Sent, header: str) -> Sent:
    return replace(sent, headers={name: text for name, text in sent.headers.items() if name != header})


FORGED: dict[str, Forge] = {
    "wave without a header": lambda r: _headed(by_wave(wave_body(r))),
    "wave with an empty header": lambda r: _wave(r, lambda _: ""),
    "wave by an unknown secret": lambda r: by_wave(wave_body(r), secret="guessed"),
    "wave by the empty secret": lambda r: by_wave(wave_body(r), secret=""),
    "wave by both secrets as one": lambda r: by_wave(wave_body(r), secret=f"{WAVE_SECRET},{NEXT_WAVE_SECRET}"),
    "wave by the secret of sonatel": lambda r: by_wave(wave_body(r), secret=ORANGE_SECRET),
    "wave by its shared secret": lambda r: by_wave(wave_body(r), secret=WAVE_BEARER),
    "wave with a comma before the body": lambda r: _wave(r, lambda b: signature(WAVE_SECRET, b, separator=b",")),
    "wave with a dot before the body": lambda r: _wave(r, lambda b: signature(WAVE_SECRET, b, separator=b".")),
    "wave signed too long ago": lambda r: by_wave(wave_body(r), at=_moment() - 310),
    "wave signed in the future": lambda r: by_wave(wave_body(r), at=_moment() + 310),
    "wave with a moment in milliseconds": lambda r: by_wave(wave_body(r), at=_moment() * 1_000),
    "wave with another moment than was signed": lambda r: _wave(
        r, lambda b: f"t={_moment() - 7},v1={_digest(b)}"
    ),
    "wave with two moments": lambda r: _wave(r, lambda b: f"t={_moment()},t={_moment()},v1={_digest(b)}"),
    "wave without a moment": lambda r: _wave(r, lambda b: f"v1={_digest(b)}"),
    "wave with a digest in capitals": lambda r: _wave(r, lambda b: f"t={_moment()},v1={_digest(b).upper()}"),
    "wave with half a digest": lambda r: _wave(r, lambda b: f"t={_moment()},v1={_digest(b)[:32]}"),
    "wave with a digest under another scheme": lambda r: _wave(r, lambda b: f"t={_moment()},v0={_digest(b)}"),
    "wave with its signature as a bearer": lambda r: _headed(
        by_wave(wave_body(r)), Authorization=f"Bearer {signature(WAVE_SECRET, b'')}"
    ),
    "wave with its signing secret as a bearer": lambda r: _headed(
        by_wave(wave_body(r)), Authorization=f"Bearer {WAVE_SECRET}"
    ),
    "wave with an empty bearer": lambda r: _headed(by_wave(wave_body(r)), Authorization="Bearer "),
    "wave with its shared secret as basic": lambda r: _headed(
        by_wave(wave_body(r)), Authorization=f"Basic {WAVE_BEARER}"
    ),
    "wave with a bad signature and its shared secret": lambda r: _headed(
        by_wave(wave_body(r)), Authorization=f"Bearer {WAVE_BEARER}", Wave_Signature="t=1,v1=0"
    ),
    "wave with its signature in the query string": lambda r: _headed(
        replace(by_wave(wave_body(r)), path=f"wave/webhooks?Wave-Signature={signature(WAVE_SECRET, wave_body(r))}")
    ),
    "wave body with another amount": lambda r: _resigned(r, lambda b: b.replace(b'"100"', b'"900"')),
    "wave body written anew": lambda r: _resigned(r, lambda b: json.dumps(json.loads(b), indent=1).encode()),
    "wave body with a line end": lambda r: _resigned(r, lambda b: b + b"\n"),
    "wave body compressed after it was signed": lambda r: _resigned(r, gzip.compress),
    "wave body in utf-16": lambda r: _resigned(r, lambda b: b.decode().encode("utf-16")),
    "wave body cut off": lambda r: _resigned(r, lambda b: b[:-1]),
    "wave to orange": lambda r: replace(by_wave(wave_body(r)), path="orange/webhooks"),
    "wave to mtn": lambda r: replace(by_wave(wave_body(r)), path="mtn/webhooks"),
    "orange to wave": lambda r: replace(by_orange(orange_body(r)), path="wave/webhooks"),
    "orange without a signature": lambda r: _without(by_orange(orange_body(r)), ORANGE),
    "orange without a key": lambda r: _without(by_orange(orange_body(r)), "Authorization"),
    "orange with another key": lambda r: by_orange(orange_body(r), key="guessed"),
    "orange with its key in base64": lambda r: by_orange(
        orange_body(r), key=base64.b64encode(ORANGE_KEY.encode()).decode()
    ),
    "orange by an unknown secret": lambda r: by_orange(orange_body(r), secret="guessed"),
    "orange by the secret of wave": lambda r: by_orange(orange_body(r), secret=WAVE_SECRET),
    "orange signed without a comma": lambda r: replace(
        by_orange(orange_body(r)),
        headers={"Authorization": f"Basic {ORANGE_KEY}", ORANGE: signature(ORANGE_SECRET, orange_body(r))},
    ),
    "orange with another status": lambda r: replace(by_orange(orange_body(r)), body=orange_body(r, status="FAILED")),
    "mtn without a token": lambda r: replace(by_mtn(mtn_body(r), method="POST"), path="mtn/webhooks"),
    "mtn with another token": lambda r: by_mtn(mtn_body(r), token="9c" * 32),
    "mtn with the beginning of its token": lambda r: by_mtn(mtn_body(r), token=MTN_TOKEN[:-1]),
    "mtn with more than its token": lambda r: by_mtn(mtn_body(r), token=f"{MTN_TOKEN}0"),
    "mtn with both tokens as one": lambda r: by_mtn(mtn_body(r), token=f"{'3a' * 32},{MTN_TOKEN}"),
    "mtn with its token in capitals": lambda r: by_mtn(mtn_body(r), token=MTN_TOKEN.upper()),
    "mtn with its token in a header": lambda r: replace(
        by_mtn(mtn_body(r), token="x"), headers={"Authorization": f"Bearer {MTN_TOKEN}"}
    ),
    "mtn with its token to wave": lambda r: replace(by_mtn(mtn_body(r)), path=f"wave/webhooks/{MTN_TOKEN}"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_delivery_is_refused_and_changes_nothing(name: str) -> None:
    partner = name.split(maxsplit=1)[0]
    facts = awaited(partner)
    with nothing_stored():
        response = FORGED[name](facts.reference).deliver()

    assert response.status_code == 403
    assert response.json()["code"] == "webhook-not-authentic"


@pytest.mark.parametrize(
    ("sent", "variable"),
    [
        (by_wave, "WAVE_WEBHOOK_SECRETS"),
        (by_orange, "ORANGE_CALLBACK_SECRETS ORANGE_CALLBACK_API_KEYS"),
        (by_mtn, "MTN_WEBHOOK_TOKENS"),
    ],
)
@pytest.mark.parametrize("value", ["", " , "])
def test_partner_without_secrets_is_refused(
    sent: Callable[[bytes], Sent], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variable.split():
        monkeypatch.setenv(name, value)
    with nothing_stored():
        assert sent(b"{}").deliver().status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"method": "GET"}, 405, "method-not-allowed"),
        ({"method": "PUT"}, 405, "method-not-allowed"),
        ({"path": "wari/webhooks"}, 404, "partner-not-in-use"),
        ({"path": "WAVE/webhooks"}, 404, "partner-not-in-use"),
        ({"path": "wave/webhooks/"}, 404, "not-found"),
    ],
)
def test_delivery_to_another_address_is_refused(change: dict[str, Any], status: int, code: str) -> None:
    facts = awaited("wave")
    with nothing_stored():
        response = replace(by_wave(wave_body(facts.reference)), **change).deliver()
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("size", [65_537, 2_000_000])
def test_oversized_delivery_is_refused_before_it_is_verified(size: int) -> None:
    with nothing_stored():
        response = by_wave(b" " * size).deliver()
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")


def test_delivery_in_pieces_without_a_length_is_refused() -> None:
    with nothing_stored():
        response = Client().generic(
            "POST", "/monetization/partners/wave/webhooks", b"", headers={"Transfer-Encoding": "chunked"}
        )
    assert response.status_code == 411


def test_forged_deliveries_are_counted_and_cost_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        for _ in range(3):
            by_wave(b"{}", secret="guessed").deliver()
        by_orange(b"{}", secret="guessed").deliver()

    assert (refused_in_all("wave"), refused_in_all("orange"), refused_in_all("mtn")) == (3, 1, 0)
    now = clock.now()
    assert refused_lately("wave", now=now) == 3
    assert refused_lately("wave", now=now + timedelta(hours=2)) == 0


def test_address_that_is_refused_often_waits_but_authentic_deliveries_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "refused_webhook", "2/day")
    forged = [by_wave(b"{}", secret="guessed").deliver() for _ in range(3)]

    assert [response.status_code for response in forged] == [403, 403, 429]
    assert int(forged[-1].headers["Retry-After"]) > 0
    assert by_wave(b"{}").deliver().status_code == 200


def test_partner_that_is_not_used_has_no_webhooks(settings: Any) -> None:
    settings.PARTNERS = ["orange"]
    assert by_wave(wave_body(None)).deliver().status_code == 404
