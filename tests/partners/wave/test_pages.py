"""The page to which Wave sends a payer back, and the simulated page on which they paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client

from ledger.types import xof
from tests.partners.wave.harness import WaveHarness
from transfers.types import CollectionRequest


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "Vous pouvez fermer cette page"), ("en", "You can close this page")]
)
def test_payer_may_close_the_page_in_their_language(client: Client, language: str, text: str) -> None:
    page = client.get("/partners/wave/done", headers={"Accept-Language": language})

    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert text in page.content.decode()
    assert f'<html lang="{language}">' in page.content.decode()
    assert client.post("/partners/wave/done").status_code == 405


@pytest.fixture
def browser(wave: WaveHarness) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(urlsplit(wave.url).netloc)
    yield connection
    connection.close()


def _paid_by(browser: HTTPConnection, path: str, phone: str) -> tuple[int, str, str]:
    browser.request("POST", path, body=urlencode({"phone": phone}))
    answer = browser.getresponse()
    return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def _opened(wave: WaveHarness, phone: str = "") -> str:
    """Open a request for 913 francs; return the path of the page on which it is paid."""
    request = CollectionRequest(7, xof(913), "Round 3", 86_400, phone)
    return urlsplit(wave.collector().open(request, now=datetime.now(UTC)).checkout_url).path


def test_person_pays_on_the_page_and_is_sent_back(wave: WaveHarness, browser: HTTPConnection) -> None:
    path = _opened(wave)
    browser.request("GET", path)
    text = browser.getresponse().read().decode()
    assert "913\u00a0XOF" in text
    assert "Awa Ndiaye, +221771234567" in text

    assert _paid_by(browser, path, WaveHarness.phone)[:2] == (303, "http://localhost:8001/partners/wave/done")
    assert wave.balance_xof() == 1_000_913
    status, _, text = _paid_by(browser, path, WaveHarness.phone)
    assert (status, wave.balance_xof()) == (200, 1_000_913)
    assert "This payment is complete." in text


@pytest.mark.parametrize("phone", ["+221700000000", "ours", ""])
def test_phone_that_nobody_has_pays_nothing(wave: WaveHarness, browser: HTTPConnection, phone: str) -> None:
    assert _paid_by(browser, _opened(wave), phone)[0] == 200
    assert wave.balance_xof() == 1_000_000


def test_other_phone_than_the_wanted_one_pays_nothing(wave: WaveHarness, browser: HTTPConnection) -> None:
    status, _, text = _paid_by(browser, _opened(wave, WaveHarness.phone), WaveHarness.other_phone)

    assert (status, wave.balance_xof()) == (200, 1_000_000)
    assert "It was not paid: payer mobile mismatch." in text


def test_page_of_phones_shows_what_each_holds(wave: WaveHarness, browser: HTTPConnection) -> None:
    browser.request("GET", "/")
    text = browser.getresponse().read().decode()

    assert "our account" in text
    assert "1\u202f000\u202f000\u00a0XOF" in text
    assert "Moussa Diop" in text
