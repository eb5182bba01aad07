"""What sats are worth in francs, for people who read amounts. One app gives the rate in `FRANCS` of `backoffice.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sunusav.backoffice.money import TIE, show_xof
from sunusav.core.app_modules import collect


@dataclass(frozen=True)
class FrancsNow:
    """How sats are shown in francs now: the rate, when it was observed, and the conversion. Units: msat to francs."""

    rate_shown: str
    observed_at: datetime
    convert: Callable[[int], int]

    def about(self, amount_msat: int) -> str:
        """Show about how much an amount is worth now."""
        return f"≈{TIE}{show_xof(self.convert(amount_msat))}"


def francs_now(now: datetime) -> FrancsNow | None:
    """Return the rate at which sats are shown in francs, or None where there is none yet."""
    sources: list[Callable[[datetime], FrancsNow | None]] = collect("backoffice", "FRANCS")
    return next((found for read in sources if (found := read(now))), None)
