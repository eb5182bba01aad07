"""Market sources against real servers on the loopback, honest and absurd."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.enums import RateRefusal
from ledger.errors import RateAnswerRefused
from ledger.rates.sanity import believable, require_recent
from ledger.rates.sources import Bitstamp, Coinbase, JsonSource, Kraken, configured_sources
from sunusav.core.http import HostUnavailable
from tests.ledger.builders import (
    NOW,
    Market,
    bitstamp_says,
    coinbase_says,
    kraken_says,
    running_market,
)


@pytest.fixture
def market() -> Iterator[Market]:
    with running_market() as server:
        yield server


def read(source: JsonSource) -> Decimal:
    answer = source.read()
    require_recent(source.name, answer.observed_at, now=NOW)
    return believable(source.name, answer.amount, answer.currency)


@pytest.mark.parametrize(
    ("source", "document", "path"),
    [
        (Coinbase, coinbase_says("12195.92"), "/v2/prices/BTC-EUR/spot"),
        (Kraken, kraken_says("12195.92"), "/0/public/Ticker?pair=XBTEUR"),
        (Bitstamp, bitstamp_says("12195.92"), "/api/v2/ticker/btceur/"),
    ],
)
def test_read_converts_euros_by_the_peg(
    market: Market, source: type[JsonSource], document: Any, path: str
) -> None:
    rate = read(source(market.says(document).url))

    assert rate == Decimal("12195.92") * Decimal("655.957") == Decimal("7999999.09544")
    assert market.paths == [path]


def test_a_source_may_quote_francs(market: Market) -> None:
    class InFrancs(Coinbase):
        currency = "XOF"

    assert read(InFrancs(market.says(coinbase_says("8000000.5", currency="XOF")).url)) == Decimal("8000000.5")


ABSURD = {
    "zero": ("0", "not_positive"),
    "zero as a number": (0, "not_positive"),
    "negative": ("-12195", "not_positive"),
    "not a number": ("NaN", "not_finite"),
    "signalling": ("sNaN", "not_finite"),
    "infinite": ("Infinity", "not_finite"),
    "huge": ("1e308", "out_of_bounds"),
    "larger than arithmetic": ("1e999999", "out_of_bounds"),
    "tiny": ("1e-300", "out_of_bounds"),
    "the pair turned round": ("0.000082", "out_of_bounds"),
    "francs taken for euros": ("12000000", "out_of_bounds"),
    "text": ("twelve thousand", "unreadable"),
    "empty": ("", "unreadable"),
    "nothing": (None, "unreadable"),
    "true": (True, "unreadable"),
    "a list": (["12195"], "unreadable"),
    "with a comma": ("12,195.92", "unreadable"),
}


@pytest.mark.parametrize("case", ABSURD)
@pytest.mark.parametrize(
    "source", [(Coinbase, coinbase_says), (Kraken, kraken_says), (Bitstamp, bitstamp_says)]
)
def test_absurd_answers_are_refused_by_name(market: Market, source: Any, case: str) -> None:
    amount, refusal = ABSURD[case]
    plug_in, says = source

    with pytest.raises(RateAnswerRefused) as refused:
        read(plug_in(market.says(says(amount)).url))

    assert (refused.value.source, refused.value.refusal) == (plug_in.name, refusal)


@pytest.mark.parametrize(
    ("constant", "refusal"),
    [
        (b"NaN", RateRefusal.NOT_FINITE),
        (b"Infinity", RateRefusal.NOT_FINITE),
        (b"-Infinity", RateRefusal.NOT_FINITE),
        (b"1e400", RateRefusal.OUT_OF_BOUNDS),
    ],
)
def test_numbers_json_does_not_know_are_refused(
    market: Market, constant: bytes, refusal: RateRefusal
) -> None:
    body = b'{"data": {"amount": %s, "base": "BTC", "currency": "EUR"}}' % constant

    with pytest.raises(RateAnswerRefused) as refused:
        read(Coinbase(market.says(body).url))

    assert refused.value.refusal == refusal


@pytest.mark.parametrize(
    ("source", "document"),
    [
        (Coinbase, coinbase_says("12195", base="EUR", currency="BTC")),
        (Coinbase, coinbase_says("12195", currency="USD")),
        (Kraken, kraken_says("12195", pair="XETHZEUR")),
        (Bitstamp, {**bitstamp_says("12195"), "pair": "EUR/BTC"}),
    ],
)
def test_another_pair_is_refused(market: Market, source: type[JsonSource], document: Any) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(source(market.says(document).url))

    assert refused.value.refusal == RateRefusal.OTHER_PAIR


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), timedelta(minutes=-6)])
def test_stale_answers_are_refused(market: Market, age: timedelta) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(Bitstamp(market.says(bitstamp_says("12195", at=NOW - age)).url))

    assert refused.value.refusal == RateRefusal.STALE


@pytest.mark.parametrize(
    ("source", "document"),
    [
        (Coinbase, {}),
        (Coinbase, []),
        (Coinbase, None),
        (Coinbase, {"data": "12195"}),
        (Kraken, {"error": [], "result": {}}),
        (Kraken, {"error": [], "result": {"XXBTZEUR": {"c": []}}}),
        (Bitstamp, {"last": "12195"}),
        (Bitstamp, {"last": "12195", "timestamp": "soon"}),
        (Bitstamp, {"last": "12195", "timestamp": "9" * 40}),
        (Bitstamp, {"last": "12195", "timestamp": "1", "pair": 7}),
    ],
)
def test_documents_of_another_shape_are_refused(
    market: Market, source: type[JsonSource], document: Any
) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(source(market.says(document).url))

    assert refused.value.refusal == RateRefusal.UNREADABLE


def test_kraken_saying_it_is_busy_is_refused(market: Market) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(Kraken(market.says({"error": ["EService:Busy"]}).url))

    assert refused.value.refusal == RateRefusal.UNAVAILABLE


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 200), (b"", 200), (b"{}", 500), (b"{}", 404), (b'{"data":"' + b"x" * 200_000 + b'"}', 200)],
    ids=["html", "empty", "500", "404", "huge"],
)
def test_no_document_is_unavailable(market: Market, body: bytes, status: int) -> None:
    with pytest.raises(HostUnavailable):
        read(Coinbase(market.says(body, status=status).url))


def test_nobody_listening_is_unavailable() -> None:
    with running_market() as gone:
        url = gone.url

    with pytest.raises(HostUnavailable):
        Coinbase(url).read()


def test_unknown_currency_is_refused() -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        believable("x", "12195", "USD")

    assert refused.value.refusal == RateRefusal.OTHER_PAIR


def test_settings_name_the_sources(settings: Any) -> None:
    settings.RATE_SOURCES = [f"ledger.rates.sources.{name}" for name in ("Coinbase", "Kraken", "Bitstamp")]

    assert [source.name for source in configured_sources()] == ["coinbase", "kraken", "bitstamp"]
