"""How long a float lasts. Pure."""

from __future__ import annotations

from decimal import Decimal

from partners.types import FloatMinimumFacts

# A float that lasts less than this is low where two people have set nothing else.
DEFAULT_MINIMUM = FloatMinimumFacts(minimum_xof=0, minimum_days=2)
TENTHS = 10


def days_of_cover(balance_xof: int, *, outflow_xof: int, days: int) -> Decimal | None:
    """Return how many days a float lasts if as much leaves each day as on average; None if nothing left.

    Rounding: down to tenths of a day; 0 for a balance below zero.
    """
    if outflow_xof <= 0:
        return None
    return Decimal(max(balance_xof, 0) * days * TENTHS // outflow_xof).scaleb(-1)


def is_float_low(balance_xof: int, *, cover_days: Decimal | None, minimum: FloatMinimumFacts) -> bool:
    """Return whether a float is below its minimum in francs, or lasts for fewer days than the minimum."""
    is_short = cover_days is not None and cover_days < minimum.minimum_days
    return balance_xof < minimum.minimum_xof or is_short
