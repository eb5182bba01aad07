"""LNURL-withdraw (LUD-03): what wallets read, how they redeem a code, and the refusals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from lightning.bolt11.bech32 import bytes_of, split
from lightning.withdrawal_codes import withdrawal_code
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.journeys.tontine import signed_invoice
from tests.support.opened import opened
from tests.transfers.unchanged import unchanged
from transfers.models import WithdrawalLink
from transfers.rails import rail
from transfers.services.withdrawals import open_withdrawal, revoke_withdrawal

pytestmark = pytest.mark.django_db

BASE = "https://money.example.org"
AMOUNT_MSAT = 99_500_000
UNKNOWN = {"status": "ERROR", "reason": "This code is not one of ours"}


@pytest.fixture(autouse=True)
def address(settings: Settings) -> Iterator[None]:
    settings.PUBLIC_BASE_URL = BASE
    rail.cache_clear()
    yield
    rail.cache_clear()


@pytest.fixture
def secret() -> str:
    return open_withdrawal(
        subject="cycle:c", rail="lightning", amount_sats=99_500, actor=Actor.system("test"), now=clock.now()
    ).secret


def path_of(secret: str) -> str:
    return f"/lnurl/withdraw/{secret}"


def read(secret: str) -> Any:
    return APIClient().get(path_of(secret))


def bring(secret: str, invoice: str, **changes: str) -> Any:
    return APIClient().get(f"{path_of(secret)}/callback", {"k1": secret, "pr": invoice} | changes)


def invoice(amount_msat: int | None = AMOUNT_MSAT, **facts: Any) -> str:
    return signed_invoice(**{"network": "bcrt", "amount_msat": amount_msat, "now": clock.now()} | facts)


# the withdrawal code


def test_withdrawal_code_of_secret_is_lnurl_and_lnurlw_link() -> None:
    code = withdrawal_code("ab" * 32)

    prefix, digits = split(code.text.lower())
    assert (prefix, bytes_of(digits).decode()) == ("lnurl", f"{BASE}/lnurl/withdraw/{'ab' * 32}")
    assert code.text == code.text.upper()
    assert code.link == f"lnurlw://money.example.org/lnurl/withdraw/{'ab' * 32}"
    assert repr(code) == "WithdrawalCode()"


def test_lnurl_of_lud_01_example_is_equal() -> None:
    """The example of LUD-01."""
    from lightning.withdrawal_codes import lnurl_of

    address = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df"
    assert lnurl_of(address) == (
        "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HX"
        "QURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
    )


# reading


def test_withdraw_open_code_returns_amount_and_callback(secret: str) -> None:
    answer = read(secret)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "tag": "withdrawRequest",
        "callback": f"{BASE}/lnurl/withdraw/{secret}/callback",
        "k1": secret,
        "defaultDescription": "SunuSàv payout",
        "minWithdrawable": AMOUNT_MSAT,
        "maxWithdrawable": AMOUNT_MSAT,
    }
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


def test_withdraw_callback_uses_the_setting_not_the_request_host(secret: str) -> None:
    answer = APIClient().get(
        path_of(secret), headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert answer.json()["callback"].startswith(f"{BASE}/")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "nonsense"])
def test_withdraw_with_any_accept_header_returns_json(secret: str, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": "Token of-somebody"}
    assert APIClient().get(path_of(secret), headers=headers).json()["tag"] == "withdrawRequest"


# redeeming


def test_callback_with_valid_invoice_returns_at_once(secret: str) -> None:
    given = invoice()

    first, same = bring(secret, given), bring(secret, f"LIGHTNING:{given.upper()}")

    assert [(answer.status_code, answer.json()) for answer in (first, same)] == [(200, {"status": "OK"})] * 2
    row = WithdrawalLink.objects.get()
    assert (row.state, row.destination_kind, opened(row.destination).value) == ("redeemed", "bolt11", given)


def test_callback_of_second_wallet_is_refused(secret: str) -> None:
    bring(secret, invoice())
    with unchanged():
        second, reading = bring(secret, invoice()), read(secret)
    assert (second.status_code, second.json()) == (
        200, {"status": "ERROR", "reason": "Another invoice was first"},
    )  # fmt: skip
    assert reading.json() == {"status": "ERROR", "reason": "This withdrawal link is no longer open"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"amount_msat": AMOUNT_MSAT - 1_000}, "The invoice is for another amount"),
        ({"amount_msat": None}, "The invoice names no amount"),
        ({"network": "bc"}, "The invoice is for another network"),
        ({"expiry": 60}, "The invoice would expire while it is being paid"),
    ],
)
def test_callback_with_wrong_invoice_is_refused_and_keeps_the_code_open(
    secret: str, given: dict[str, Any], reason: str
) -> None:
    with unchanged():
        answer = bring(secret, invoice(**given))
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")
    assert answer.json()["reason"] == reason
    assert bring(secret, invoice()).json() == {"status": "OK"}


@pytest.mark.parametrize("given", ["", "lnbcrt1", "no invoice", "x" * 8_000])
def test_callback_with_unreadable_invoice_is_refused(secret: str, given: str) -> None:
    with unchanged():
        answer = bring(secret, given)
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")


def test_unknown_secret_gets_the_same_answer_everywhere(secret: str) -> None:
    """Also when the secret in the URL is right and `k1` is wrong."""
    given = invoice()
    with unchanged():
        answers = [
            read("00" * 32), read("x"), bring("00" * 32, given), bring("x", given), bring(secret, given, k1="x"),
            bring(secret, given, k1=""),
        ]  # fmt: skip
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, UNKNOWN)] * 6


def test_expired_or_revoked_code_is_refused(secret: str) -> None:
    WithdrawalLink.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    with unchanged():
        assert bring(secret, invoice()).json()["reason"] == "This withdrawal link is no longer open"
    WithdrawalLink.objects.update(expires_at=clock.now() + timedelta(hours=1))
    revoke_withdrawal(subject="cycle:c", actor=Actor.system("test"), now=clock.now())
    with unchanged():
        assert bring(secret, invoice()).json()["reason"] == "This withdrawal link is no longer open"


def test_guessing_is_throttled_and_logs_no_secret(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "anonymous": "3/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    answers = [APIClient().get(path_of(str(number)), REMOTE_ADDR="203.0.113.77") for number in range(4)]

    reasons = [(answer.status_code, answer.json()["reason"]) for answer in answers]
    assert reasons == [(200, UNKNOWN["reason"])] * 3 + [(200, "Too many requests")]
    assert caplog.text == ""
    assert int(answers[3].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/lnurl/withdraw/{}"),
        ("put", "/lnurl/withdraw/{}/callback"),
        ("get", "/lnurl/withdraw/{}/"),
        ("get", "/lnurl//withdraw/{}"),
        ("get", "/lnurl/withdraw/{}/callback/"),
        ("get", "/LNURL/withdraw/{}"),
    ],
)
def test_refused_url_is_logged_without_its_secret(
    secret: str, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = APIClient().generic(method.upper(), path.format(secret))
    assert answer.status_code >= 400
    assert "withdraw/…" in caplog.text
    assert secret not in caplog.text
