"""The door for wallets (LUD-03): what they read of a code, how they redeem it, what they are refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from lightning.bolt11.words import bytes_of, split
from lightning.tickets import withdrawal_ticket
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.journeys.tontine import signed_invoice
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


# the ticket


def test_ticket_is_the_address_in_bech32_and_under_the_scheme_of_withdrawals() -> None:
    ticket = withdrawal_ticket("ab" * 32)

    prefix, digits = split(ticket.code.lower())
    assert (prefix, bytes_of(digits).decode()) == ("lnurl", f"{BASE}/lnurl/withdraw/{'ab' * 32}")
    assert ticket.code == ticket.code.upper()
    assert ticket.link == f"lnurlw://money.example.org/lnurl/withdraw/{'ab' * 32}"
    assert repr(ticket) == "WithdrawalCode()"


def test_lnurl_is_encoded_as_the_specification_does() -> None:
    """The example of LUD-01."""
    from lightning.tickets import lnurl_of

    address = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df"
    assert lnurl_of(address) == (
        "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HX"
        "QURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
    )


# reading


def test_wallet_reads_what_it_may_withdraw(secret: str) -> None:
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


def test_address_comes_from_the_setting_and_never_from_the_request(secret: str) -> None:
    asked = APIClient().get(
        path_of(secret), headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert asked.json()["callback"].startswith(f"{BASE}/")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "nonsense"])
def test_wallet_may_accept_whatever_it_says(secret: str, accept: str) -> None:
    headers = {"Accept": accept, "Authorization": "Token of-somebody"}
    assert APIClient().get(path_of(secret), headers=headers).json()["tag"] == "withdrawRequest"


# redeeming


def test_wallet_brings_an_invoice_and_is_answered_at_once(secret: str) -> None:
    given = invoice()

    first, same = bring(secret, given), bring(secret, f"LIGHTNING:{given.upper()}")

    assert [(answer.status_code, answer.json()) for answer in (first, same)] == [(200, {"status": "OK"})] * 2
    row = WithdrawalLink.objects.get()
    assert (row.state, row.destination_kind, row.destination_value) == ("redeemed", "bolt11", given)


def test_second_wallet_is_refused(secret: str) -> None:
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
def test_invoice_that_does_not_fit_is_refused_and_the_code_stays_good(
    secret: str, given: dict[str, Any], reason: str
) -> None:
    with unchanged():
        answer = bring(secret, invoice(**given))
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")
    assert answer.json()["reason"] == reason
    assert bring(secret, invoice()).json() == {"status": "OK"}


@pytest.mark.parametrize("given", ["", "lnbcrt1", "no invoice", "x" * 8_000])
def test_what_is_no_invoice_is_refused(secret: str, given: str) -> None:
    with unchanged():
        answer = bring(secret, given)
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")


def test_unknown_secret_is_answered_alike_wherever_it_is_tried(secret: str) -> None:
    """Also one that is right in the address and wrong in `k1`, as the wallet was given both."""
    given = invoice()
    with unchanged():
        answers = [
            read("00" * 32), read("x"), bring("00" * 32, given), bring("x", given), bring(secret, given, k1="x"),
            bring(secret, given, k1=""),
        ]  # fmt: skip
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, UNKNOWN)] * 6


def test_code_that_has_run_out_or_was_taken_back_is_refused(secret: str) -> None:
    WithdrawalLink.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    with unchanged():
        assert bring(secret, invoice()).json()["reason"] == "This withdrawal link is no longer open"
    WithdrawalLink.objects.update(expires_at=clock.now() + timedelta(hours=1))
    revoke_withdrawal(subject="cycle:c", actor=Actor.system("test"), now=clock.now())
    with unchanged():
        assert bring(secret, invoice()).json()["reason"] == "This withdrawal link is no longer open"


def test_guessing_is_slowed_down_and_leaves_no_secret_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "anonymous": "3/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}

    answers = [APIClient().get(path_of(str(number)), REMOTE_ADDR="203.0.113.77") for number in range(4)]

    reasons = [(answer.status_code, answer.json()["reason"]) for answer in answers]
    assert reasons == [(200, UNKNOWN["reason"])] * 3 + [(200, "Too many requests")]
    assert caplog.text == ""
    assert int(answers[3].headers["Retry-After"]) > 0
