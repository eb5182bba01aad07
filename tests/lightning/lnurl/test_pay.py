"""The two requests of LNURL-pay, against valid and invalid answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from lightning.errors import AmountOutsideServiceRange, LnurlAnswerMalformed, LnurlServiceRefuses
from lightning.lnurl.addresses import read_lightning_address
from lightning.lnurl.pay import FetchedInvoice, fetch_invoice
from sunusav.core.http import HostUnavailable
from transfers.errors import DestinationUnavailable

AWA = read_lightning_address("awa@wallet.example")
METADATA = '[["text/plain", "Pour Awa \\u00e9"], ["text/identifier", "awa@wallet.example"], ["x/to-come", {"a": [1]}]]'
OFFER: dict[str, Any] = {
    "tag": "payRequest",
    "callback": "https://pay.wallet.example/cb",
    "minSendable": 1_000,
    "maxSendable": 100_000_000,
    "metadata": METADATA,
}


class Web:
    """Return the offer, then the callback's answer; `urls` keeps the requests."""

    def __init__(self, offer: Any = None, answer: Any = None) -> None:
        self.answers = [
            OFFER if offer is None else offer,
            {"pr": "lnbcrt1x", "routes": []} if answer is None else answer,
        ]
        self.urls: list[str] = []

    def __call__(self, url: str) -> Mapping[str, Any]:
        self.urls.append(url)
        answer = self.answers[len(self.urls) - 1]
        if isinstance(answer, Exception):
            raise answer
        result: Mapping[str, Any] = answer
        return result


def fetched(web: Web, *, amount_msat: int = 99_500_000, comment: str = "SunuSav payout 7") -> FetchedInvoice:
    return fetch_invoice(AWA, amount_msat=amount_msat, comment=comment, fetch=web)


def test_fetch_requests_exactly_the_amount_and_hashes_the_metadata_as_received() -> None:
    web = Web()

    assert fetched(web) == FetchedInvoice("lnbcrt1x", sha256(METADATA.encode()).digest())

    assert web.urls == [
        "https://wallet.example/.well-known/lnurlp/awa",
        "https://pay.wallet.example/cb?amount=99500000",
    ]


@pytest.mark.parametrize(
    ("callback", "requested"),
    [
        ("https://w.example/cb?user=awa", "https://w.example/cb?user=awa&amount=99500000"),
        ("https://w.example/cb?", "https://w.example/cb?&amount=99500000"),
        ("https://w.example/cb#part", "https://w.example/cb?amount=99500000"),
    ],
)
def test_fetch_adds_the_amount_to_the_callback_url(callback: str, requested: str) -> None:
    web = Web(OFFER | {"callback": callback})
    fetched(web)
    assert web.urls[1] == requested


@pytest.mark.parametrize(
    ("allowed", "query"),
    [
        (16, "&comment=SunuSav%20payout%207"), (255, "&comment=SunuSav%20payout%207"), (15, ""), (0, ""), (-1, ""),
        ("255", ""), (True, ""), (None, ""),
    ],
)  # fmt: skip
def test_fetch_sends_the_comment_if_its_length_is_allowed(allowed: Any, query: str) -> None:
    web = Web(OFFER | {"commentAllowed": allowed})
    fetched(web)
    assert web.urls[1] == f"https://pay.wallet.example/cb?amount=99500000{query}"


@pytest.mark.parametrize("amount_msat", [1_000, 100_000_000])
def test_fetch_amount_at_the_limits_is_requested(amount_msat: int) -> None:
    assert fetched(Web(), amount_msat=amount_msat).payment_request == "lnbcrt1x"


@pytest.mark.parametrize("amount_msat", [999, 100_000_001])
def test_fetch_amount_beyond_the_limits_is_refused_before_the_callback(amount_msat: int) -> None:
    web = Web()
    with pytest.raises(AmountOutsideServiceRange) as refused:
        fetched(web, amount_msat=amount_msat)
    assert refused.value.facts == {
        "host": "wallet.example", "amount_msat": amount_msat, "min_msat": 1_000, "max_msat": 100_000_000,
    }  # fmt: skip
    assert len(web.urls) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tag": None}, "not a payRequest"),
        ({"tag": "withdrawRequest"}, "not a payRequest"),
        ({"minSendable": 0}, "minSendable above maxSendable, or below 1"),
        ({"minSendable": 100_000_001}, "minSendable above maxSendable, or below 1"),
        ({"minSendable": -1}, "minSendable is no amount in msat"),
        ({"minSendable": "1000"}, "minSendable is no amount in msat"),
        ({"minSendable": True}, "minSendable is no amount in msat"),
        ({"minSendable": None}, "minSendable is no amount in msat"),
        ({"maxSendable": "1e9"}, "maxSendable is no amount in msat"),
        ({"maxSendable": 10**30}, "maxSendable is no amount in msat"),
        ({"callback": None}, "callback is no text"),
        ({"callback": 7}, "callback is no text"),
        ({"callback": ""}, "callback is no text"),
        ({"metadata": None}, "metadata is no text"),
        ({"metadata": [["text/plain", "x"]]}, "metadata is no text"),
        ({"metadata": "{"}, "metadata is not JSON"),
        ({"metadata": "[" * 100_000}, "metadata is not JSON"),
        ({"metadata": "{}"}, "metadata is no list of entries"),
        ({"metadata": '["text/plain", "x"]'}, "metadata is no list of entries"),
        ({"metadata": "[[]]"}, "metadata is no list of entries"),
        ({"metadata": "[[1, 2]]"}, "metadata is no list of entries"),
        ({"metadata": "[]"}, "metadata has not exactly one text/plain"),
        ({"metadata": '[["text/plain"]]'}, "metadata has not exactly one text/plain"),
        ({"metadata": '[["text/plain", 1]]'}, "metadata has not exactly one text/plain"),
        (
            {"metadata": '[["text/plain", "a"], ["text/plain", "b"]]'},
            "metadata has not exactly one text/plain",
        ),
    ],
)
def test_fetch_malformed_offer_is_refused(change: dict[str, Any], reason: str) -> None:
    web = Web(OFFER | change)
    with pytest.raises(LnurlAnswerMalformed) as refused:
        fetched(web)
    assert refused.value.facts == {"host": "wallet.example", "reason": reason}
    assert len(web.urls) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"pr": ""}, {"pr": None}, {"pr": 7}, {"pr": ["lnbc1"]}, {"status": "OK"}]
)
def test_fetch_callback_without_invoice_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(LnurlAnswerMalformed) as refused:
        fetched(Web(answer=answer))
    assert refused.value.facts == {"host": "wallet.example", "reason": "no invoice"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "ERROR", "reason": "Unknown user"}, "Unknown user"),
        ({"status": "error", "reason": "no"}, "no"),
        ({"status": "ERROR"}, "no reason given"),
        ({"status": "ERROR", "reason": {"a": 1}}, "no reason given"),
        ({"status": "ERROR", "reason": " \x00\x1b[31m\n"}, "[31m"),
        ({"status": "ERROR", "reason": "\ud800 <b>"}, "<b>"),
        ({"status": "ERROR", "reason": "x" * 500}, "x" * 200),
        (
            {"status": "ERROR", "reason": "Awa unknown, awa@wallet.example gone, awake"},
            "… unknown, … gone, awake",
        ),
    ],
)
def test_fetch_error_of_the_service_keeps_its_reason_without_the_name(
    answer: dict[str, Any], reason: str
) -> None:
    with pytest.raises(LnurlServiceRefuses) as refused:
        fetched(Web(answer))
    assert refused.value.facts == {"host": "wallet.example", "reason": reason}


def test_fetch_error_of_the_callback_is_temporary() -> None:
    with pytest.raises(DestinationUnavailable) as unavailable:
        fetched(Web(answer={"status": "ERROR", "reason": "node offline"}))
    assert unavailable.value.facts == {
        "rail": "lightning",
        "host": "wallet.example",
        "detail": "node offline",
    }


def test_fetch_unreachable_service_is_destination_unavailable() -> None:
    gone = HostUnavailable(address="wallet.example", detail="TimeoutError")
    for web in (Web(gone), Web(answer=gone)):
        with pytest.raises(DestinationUnavailable) as unavailable:
            fetched(web)
        assert unavailable.value.facts == {
            "rail": "lightning",
            "host": "wallet.example",
            "detail": "TimeoutError",
        }


def test_fetch_metadata_of_any_characters_is_hashed() -> None:
    metadata = json.dumps([["text/plain", "\ud800"]], ensure_ascii=False)
    assert len(fetched(Web(OFFER | {"metadata": metadata})).description_hash) == 32
