"""Conversions between sats and francs, and the arithmetic of postings: exact, each names its rounding.

Rates are decimals with eight places. Products are computed as integers or with 60 digits, more than any product
needs: decimal's default of 28 digits would round large amounts silently.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from statistics import median
from typing import Final

from ledger.enums import AccountKind
from sunusav.core.money import MSAT_PER_BTC, SATS_PER_BTC, Msat, Sats, Xof

# CFA franc of the BCEAO, fixed to the euro since 1999-01-01. Source: Council Decision 98/683/EC.
XOF_PER_EUR: Final = Decimal("655.957")
RATE_STEP: Final = Decimal("0.00000001")
CENT: Final = Decimal("0.01")
# A thousand to ten million euros. A rate out of these bounds is a mistake: euros for francs, an inverted pair.
MINIMUM_XOF_PER_BTC: Final = Decimal(655_957)
MAXIMUM_XOF_PER_BTC: Final = Decimal(6_559_570_000)
# A fifth: BTC/EUR has never moved that far within 15 minutes, and sources differ by fractions of a percent.
TOLERANCE: Final = Decimal("0.20")
# 19 digits of msat, 20 of a rate, and a reserve.
EXACT: Final = Context(prec=60)


def xof_from_msat(amount_msat: int, *, rate_xof_per_btc: Decimal) -> Xof:
    """Convert msat to the whole francs that may leave on a rail.

    Rounding: down, once, at the end, so that what leaves never exceeds what was reserved.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    return Xof(amount_msat * top // (bottom * MSAT_PER_BTC))


def xof_charge_for_msat(amount_msat: int, *, rate_xof_per_btc: Decimal) -> Xof:
    """Convert msat that are due to the whole francs charged for them.

    Rounding: up, once, so that what comes in covers what is credited; the excess goes to rounding residue.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    return Xof(-(-amount_msat * top // (bottom * MSAT_PER_BTC)))


def msat_from_xof(amount_xof: Decimal | int, *, rate_xof_per_btc: Decimal) -> Msat:
    """Convert francs, whole or exact, to the msat that they are worth.

    Rounding: down, once, so that nobody is credited more than arrived.
    """
    top, bottom = rate_xof_per_btc.as_integer_ratio()
    francs, parts = Decimal(amount_xof).as_integer_ratio()
    return Msat(francs * MSAT_PER_BTC * bottom // (parts * top))


def residue_xof(amount_msat: int, *, paid_xof: int, rate_xof_per_btc: Decimal) -> Decimal:
    """Return what an amount is worth above the whole francs paid for it. Exact: nothing is rounded."""
    exact = exact_xof_from_msat(amount_msat, rate_xof_per_btc=rate_xof_per_btc)
    return EXACT.subtract(exact, Decimal(paid_xof))


def sats_from_xof(amount_xof: int, *, rate_xof_per_btc: Decimal) -> Sats:
    """Convert a price in francs to the sats that pay it.

    Rounding: down, so that converting to francs and back never gains a sat.
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


def held_on(kind: AccountKind, balance: int) -> int:
    """Return what an account of this kind holds, from its balance (debit positive): assets own, the rest owe."""
    return balance if kind in {AccountKind.ASSET, AccountKind.EXPENSE} else -balance


def split_taken_back(amount: int, *, held: int) -> tuple[int, int]:
    """Split an amount that is taken back into what the account still holds, and what it owes from now on."""
    from_account = min(amount, max(held, 0))
    return from_account, amount - from_account


def repayment(*, held: int, owed_back: int) -> int:
    """Return what an account can repay of what it owes back."""
    return max(min(held, owed_back), 0)


def median_rate(rates: Iterable[Decimal]) -> Decimal:
    """Return the middle rate, or the mean of the middle two.

    Rounding: to eight places, half-even.
    """
    return median(rates).quantize(RATE_STEP, rounding=ROUND_HALF_EVEN)


def is_within_bounds(rate_xof_per_btc: Decimal) -> bool:
    """Return whether a market could give this rate."""
    return MINIMUM_XOF_PER_BTC <= rate_xof_per_btc <= MAXIMUM_XOF_PER_BTC


def is_near(rate_xof_per_btc: Decimal, reference_xof_per_btc: Decimal) -> bool:
    """Return whether a rate is within the tolerance of another, bounds included."""
    return abs(rate_xof_per_btc - reference_xof_per_btc) <= reference_xof_per_btc * TOLERANCE


def gap_per_cent(rate_xof_per_btc: Decimal, reference_xof_per_btc: Decimal) -> Decimal:
    """Return by how much per cent a rate is above another, or below it as a negative number.

    Rounding: to 0.01, half-even.
    """
    gap = EXACT.subtract(rate_xof_per_btc, reference_xof_per_btc)
    per_cent = EXACT.divide(EXACT.multiply(gap, Decimal(100)), reference_xof_per_btc)
    return per_cent.quantize(CENT, rounding=ROUND_HALF_EVEN, context=EXACT)
