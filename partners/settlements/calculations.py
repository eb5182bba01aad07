"""Months in Dakar, and what a window comes to. Pure and exact; each division names its rounding."""

from __future__ import annotations

from datetime import datetime
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from fees.types import Accrued
from partners.settlements.types import Carried, Closing, Window
from sunusav.core.calendar import DAKAR
from sunusav.core.money import msat_from_sats

# Places of an exact amount in francs: eight of a rate, and the 10^8 sats of a bitcoin.
PLACES: Final = 16
NOTHING_CARRIED: Final = Carried(0, Decimal(0))
# More digits than any sum of shares needs.
EXACT: Final = Context(prec=60)
LAST_MONTH: Final = 12


def month_of(moment: datetime, *, sequence: int) -> Window:
    """Return the calendar month in Dakar that a moment is in."""
    start = moment.astimezone(DAKAR).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(sequence, start, _next_month(start))


def window_after(window: Window) -> Window:
    """Return the month that follows a window: without a gap, without an overlap."""
    return month_of(window.end, sequence=window.sequence + 1)


def _next_month(start: datetime) -> datetime:
    if start.month == LAST_MONTH:
        return start.replace(year=start.year + 1, month=1)
    return start.replace(month=start.month + 1)


def francs_of(worth: int) -> Decimal:
    """Return an exact amount in francs from its units of 10^-16 francs."""
    return Decimal(worth).scaleb(-PLACES, context=EXACT)


def close(accrued: Accrued, carried: Carried) -> Closing:
    """Return what a window comes to: whole francs are due, and what they leave over is carried on, exactly.

    Rounding: francs down, once; of the msat, the part that those francs are of all francs, down. Nothing is due while
    reversals weigh more than shares, in francs or in sats: the window then carries all of it on.
    """
    accrued_xof = francs_of(accrued.worth)
    total_xof = EXACT.add(accrued_xof, carried.amount_xof)
    total_msat = msat_from_sats(accrued.amount_sats) + carried.amount_msat
    due_xof, settled_msat = _due(Fraction(total_xof), total_msat)
    return Closing(
        accrued=accrued, accrued_xof=accrued_xof, carried=carried, due_xof=due_xof, settled_msat=settled_msat,
        residue_msat=total_msat - settled_msat, residue_xof=EXACT.subtract(total_xof, Decimal(due_xof)),
    )  # fmt: skip


def _due(total_xof: Fraction, total_msat: int) -> tuple[int, int]:
    """Return the whole francs that are due, and the msat that they take: both, or neither."""
    if total_xof < 1 or total_msat <= 0:
        return 0, 0
    due_xof = total_xof.numerator // total_xof.denominator
    settled_msat = total_msat * due_xof * total_xof.denominator // total_xof.numerator
    return (due_xof, settled_msat) if settled_msat else (0, 0)
