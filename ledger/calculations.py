"""Conversions between sats and francs, and the arithmetic of postings: exact, each names its rounding.

Rates are decimals with eight places; products are taken as integers or at a precision nothing of ours
exceeds: decimal's default of 28 digits would round large amounts silently.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from statistics import median
from typing import Final

from sunusav.core.money import MSAT_PER_BTC, SATS_PER_BTC, Sats, Xof

# CFA franc of the BCEAO, fixed to the euro since 1999-01-01. Source: Council Decision 98/683/EC.
XOF_PER_EUR: Final = Decimal("655.957")
RATE_PLACES: Final = Decimal("0.00000001")
CENT: Final = Decimal("0.01")
# A thousand to ten million euros: outside lies a mistake (euros taken for francs, the pair turned round).
MINIMUM_XOF_PER_BTC: Final = Decimal(655_957)
MAXIMUM_XOF_PER_BTC: Final = Decimal(6_559_570_000)
# A fifth: BTC/EUR has not moved that far within 15 minutes, sources differ by fractions of a percent.
TOLERANCE: Final = Decimal("0.20")
# 19 digits of msat, 20 of a rate, and room.
EXACT: Final = Context(prec=60)


def xof_from_sats(amount_sats: int, *, rate_xof_per_btc: Decimal) -> Xof:
    """Convert sats to the whole francs that may leave on a rail.

    Rounding: down, once, at the end: what leaves never exceeds what was reserved.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    return Xof(amount_sats * top // (bottom * SATS_PER_BTC))


def xof_charge_for_sats(amount_sats: int, *, rate_xof_per_btc: Decimal) -> Xof:
    """Convert sats that are due to the whole francs charged for them.

    Rounding: up, once: what comes in always covers what is credited; the excess goes to rounding residue.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    return Xof(-(-amount_sats * top // (bottom * SATS_PER_BTC)))


def sats_from_xof(amount_xof: int, *, rate_xof_per_btc: Decimal) -> Sats:
    """Convert a price in francs to the sats that pay it.

    Rounding: down, so that going to francs and back never gains a sat.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    return Sats(amount_xof * SATS_PER_BTC * bottom // top)


def shown_xof_from_sats(amount_sats: int, *, rate_xof_per_btc: Decimal) -> Decimal:
    """Convert sats to the equivalent in francs that people are shown.

    Rounding: to 0.01, half-even.
    """
    exact = exact_xof_from_msat(amount_sats * 1_000, rate_xof_per_btc=rate_xof_per_btc)
    return exact.quantize(CENT, rounding=ROUND_HALF_EVEN, context=EXACT)


def exact_xof_from_msat(amount_msat: int, *, rate_xof_per_btc: Decimal) -> Decimal:
    """Convert msat to francs without rounding, for sums and residues that are floored later."""
    product = EXACT.multiply(Decimal(amount_msat), rate_xof_per_btc)
    return EXACT.divide(product, Decimal(MSAT_PER_BTC))


def differences(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sum amounts per currency; a balanced posting has only zeros."""
    sums: dict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        sums[currency] += amount
    return dict(sums)


def median_rate(rates: Iterable[Decimal]) -> Decimal:
    """Return the middle rate, or the mean of the middle two.

    Rounding: to eight places, half-even.
    """
    return median(rates).quantize(RATE_PLACES, rounding=ROUND_HALF_EVEN)


def is_within_bounds(rate_xof_per_btc: Decimal) -> bool:
    """Say whether a rate is one that a market could give."""
    return MINIMUM_XOF_PER_BTC <= rate_xof_per_btc <= MAXIMUM_XOF_PER_BTC


def is_near(rate_xof_per_btc: Decimal, reference_xof_per_btc: Decimal) -> bool:
    """Say whether a rate lies within the tolerance around another, the bound included."""
    return abs(rate_xof_per_btc - reference_xof_per_btc) <= reference_xof_per_btc * TOLERANCE
