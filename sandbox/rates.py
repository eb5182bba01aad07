"""The demo's market source: it always quotes the same price, so that the demo's amounts are those of its examples."""

from ledger.rates.sources import Answer

XOF_PER_BTC = 8_000_000


class Pinned:
    """A source in francs, so that no peg is applied."""

    name = "pinned"

    def read(self) -> Answer:
        return Answer(XOF_PER_BTC, "XOF")
