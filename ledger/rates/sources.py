"""Market sources of the rate: plug-ins named in settings, each a class that reads one public page.

A source only fetches and parses; `ledger.rates.sanity` accepts or refuses. BTC/EUR becomes XOF by the fixed peg;
`currency` is the currency that a source quotes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.enums import RateRefusal
from ledger.errors import RateAnswerRefused
from sunusav.core.http import get_json

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 100_000


@dataclass(frozen=True)
class Answer:
    """A source's answer, unchanged. `observed_at` is its own time stamp, if it has one."""

    amount: object
    currency: str
    observed_at: datetime | None = None


class RateSource(Protocol):
    name: str

    def read(self) -> Answer:
        """Fetch the current price of a bitcoin. Raises: HostUnavailable, RateAnswerRefused."""
        ...


def configured_sources() -> list[RateSource]:
    """Return the sources that the settings name."""
    return [import_string(path)() for path in settings.RATE_SOURCES]


class JsonSource:
    """A source that is one JSON document; subclasses define its address and how to read it."""

    name = ""
    base_url = ""
    path = ""
    currency = "EUR"

    def __init__(self, base_url: str = "") -> None:
        self.address = (base_url or self.base_url) + self.path

    def read(self) -> Answer:
        document = get_json(self.address, timeout_seconds=TIMEOUT_SECONDS, max_bytes=MAX_BYTES)
        try:
            return self.answer(document)
        except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
            raise self.refused(RateRefusal.UNREADABLE, repr(error)) from error

    def answer(self, document: Any) -> Answer:
        raise NotImplementedError

    def refused(self, refusal: RateRefusal, detail: str) -> RateAnswerRefused:
        return RateAnswerRefused(source=self.name, refusal=refusal.value, detail=detail[:200])

    def require_pair(self, *pair: object) -> None:
        """Refuse a document about any pair other than BTC in this currency, in this order."""
        if pair != ("BTC", self.currency):
            raise self.refused(RateRefusal.OTHER_PAIR, repr(pair))


class Coinbase(JsonSource):
    """Source: docs.cdp.coinbase.com, "Prices", GET /v2/prices/:currency_pair/spot."""

    name = "coinbase"
    base_url = "https://api.coinbase.com"
    path = "/v2/prices/BTC-EUR/spot"

    def answer(self, document: Any) -> Answer:
        data = document["data"]
        self.require_pair(data["base"], data["currency"])
        return Answer(data["amount"], self.currency)


class Kraken(JsonSource):
    """Source: docs.kraken.com, "Get Ticker Information"; `c` is the last trade's price and volume."""

    name = "kraken"
    base_url = "https://api.kraken.com"
    path = "/0/public/Ticker?pair=XBTEUR"
    pairs = ("XXBTZEUR", "XBTEUR")

    def answer(self, document: Any) -> Answer:
        if document["error"]:
            raise self.refused(RateRefusal.UNAVAILABLE, repr(document["error"]))
        [(pair, ticker)] = document["result"].items()
        if pair not in self.pairs:
            raise self.refused(RateRefusal.OTHER_PAIR, pair)
        return Answer(ticker["c"][0], self.currency)


class Bitstamp(JsonSource):
    """Source: bitstamp.net/api, "Ticker"; `timestamp` is Unix time of the answer."""

    name = "bitstamp"
    base_url = "https://www.bitstamp.net"
    path = "/api/v2/ticker/btceur/"

    def answer(self, document: Any) -> Answer:
        self.require_pair(*document.get("pair", f"BTC/{self.currency}").split("/"))
        moment = datetime.fromtimestamp(int(document["timestamp"]), tz=UTC)
        return Answer(document["last"], self.currency, observed_at=moment)
