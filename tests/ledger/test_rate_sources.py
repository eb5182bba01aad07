"""Market sources against local servers, with valid and invalid answers."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.enums import RateRefusal
from ledger.errors import RateAnswerRefused
from ledger.rates.sanity import parse_rate, require_recent
from ledger.rates.sources import Bitstamp, Coinbase, JsonSource, Kraken, configured_sources
from sunusav.core.http import HostUnavailable
from tests.ledger.builders import (
    NOW,
    Market,
    bitstamp_answer,
    coinbase_answer,
    kraken_answer,
    running_market,
)


@pytest.fixture
def market() -> Iterator[Market]:
    with running_market() as server:
        yield server


def read(source: JsonSource) -> Decimal:
    answer = source.read()
    require_recent(source.name, answer.observed_at, now=NOW)
    return parse_rate(source.name, answer.amount, answer.currency)


@pytest.mark.parametrize(
    ("source", "document", "path"),
    [
        (Coinbase, coinbase_answer("12195.92"), "/v2/prices/BTC-EUR/spot"),
        (Kraken, kraken_answer("12195.92"), "/0/public/Ticker?pair=XBTEUR"),
        (Bitstamp, bitstamp_answer("12195.92"), "/api/v2/ticker/btceur/"),
    ],
)
def test_read_converts_euros_by_the_peg(
    market: Market, source: type[JsonSource], document: Any, path: str
) -> None:
    rate = read(source(market.answers(document).url))

    assert rate == Decimal("12195.92") * Decimal("655.957") == Decimal("7999999.09544")
    assert market.paths == [path]


def test_a_source_may_quote_francs(market: Market) -> None:
    class InFrancs(Coinbase):
        currency = "XOF"

    assert read(InFrancs(market.answers(coinbase_answer("8000000.5", currency="XOF")).url)) == Decimal(
        "8000000.5"
    )


IMPLAUSIBLE = {
    "zero": ("0", "not_positive"),
    "zero as a number": (0, "not_positive"),
    "negative": ("-12195", "not_positive"),
    "not a number": ("NaN", "not_finite"),
    "signalling": ("sNaN", "not_finite"),
    "infinite": ("Infinity", "not_finite"),
    "huge": ("1e308", "out_of_bounds"),
    "larger than arithmetic": ("1e999999", "out_of_bounds"),
    "tiny": ("1e-300", "out_of_bounds"),
    "an inverted pair": ("0.000082", "out_of_bounds"),
    "francs taken for euros": ("12000000", "out_of_bounds"),
    "text": ("twelve thousand", "unreadable"),
    "empty": ("", "unreadable"),
    "nothing": (None, "unreadable"),
    "true": (True, "unreadable"),
    "a list": (["12195"], "unreadable"),
    "with a comma": ("12,195.92", "unreadable"),
}


@pytest.mark.parametrize("case", IMPLAUSIBLE)
@pytest.mark.parametrize(
    "source", [(Coinbase, coinbase_answer), (Kraken, kraken_answer), (Bitstamp, bitstamp_answer)]
)
def test_read_an_implausible_price_is_refused(market: Market, source: Any, case: str) -> None:
    amount, refusal = IMPLAUSIBLE[case]
    plug_in, answer = source

    with pytest.raises(RateAnswerRefused) as refused:
        read(plug_in(market.answers(answer(amount)).url))

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
def test_read_nan_or_infinity_is_refused(market: Market, constant: bytes, refusal: RateRefusal) -> None:
    body = b'{"data": {"amount": %s, "base": "BTC", "currency": "EUR"}}' % constant

    with pytest.raises(RateAnswerRefused) as refused:
        read(Coinbase(market.answers(body).url))

    assert refused.value.refusal == refusal


@pytest.mark.parametrize(
    ("source", "document"),
    [
        (Coinbase, coinbase_answer("12195", base="EUR", currency="BTC")),
        (Coinbase, coinbase_answer("12195", currency="USD")),
        (Kraken, kraken_answer("12195", pair="XETHZEUR")),
        (Bitstamp, {**bitstamp_answer("12195"), "pair": "EUR/BTC"}),
    ],
)
def test_read_another_pair_is_refused(market: Market, source: type[JsonSource], document: Any) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(source(market.answers(document).url))

    assert refused.value.refusal == RateRefusal.OTHER_PAIR


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), timedelta(minutes=-6)])
def test_read_a_stale_answer_is_refused(market: Market, age: timedelta) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(Bitstamp(market.answers(bitstamp_answer("12195", at=NOW - age)).url))

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
def test_read_a_document_of_another_shape_is_refused(
    market: Market, source: type[JsonSource], document: Any
) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(source(market.answers(document).url))

    assert refused.value.refusal == RateRefusal.UNREADABLE


def test_read_an_error_of_kraken_is_refused(market: Market) -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        read(Kraken(market.answers({"error": ["EService:Busy"]}).url))

    assert refused.value.refusal == RateRefusal.UNAVAILABLE


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>", 200), (b"", 200), (b"{}", 500), (b"{}", 404), (b'{"data":"' + b"x" * 200_000 + b'"}', 200)],
    ids=["html", "empty", "500", "404", "huge"],
)
def test_read_without_a_document_is_unavailable(market: Market, body: bytes, status: int) -> None:
    with pytest.raises(HostUnavailable):
        read(Coinbase(market.answers(body, status=status).url))


def test_read_without_a_server_is_unavailable() -> None:
    with running_market() as gone:
        url = gone.url

    with pytest.raises(HostUnavailable):
        Coinbase(url).read()


def test_unknown_currency_is_refused() -> None:
    with pytest.raises(RateAnswerRefused) as refused:
        parse_rate("x", "12195", "USD")

    assert refused.value.refusal == RateRefusal.OTHER_PAIR


def test_settings_name_the_sources(settings: Any) -> None:
    settings.RATE_SOURCES = [f"ledger.rates.sources.{name}" for name in ("Coinbase", "Kraken", "Bitstamp")]

    assert [source.name for source in configured_sources()] == ["coinbase", "kraken", "bitstamp"]
