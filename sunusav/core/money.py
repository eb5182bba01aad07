"""Units of money. Every amount is a whole number of its unit, never a float."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

Sats = NewType("Sats", int)
Msat = NewType("Msat", int)
Xof = NewType("Xof", int)

MSAT_PER_SAT: Final = 1_000
SATS_PER_BTC: Final = 100_000_000
MSAT_PER_BTC: Final = MSAT_PER_SAT * SATS_PER_BTC
# The supply of bitcoin is limited to this: a larger amount is a mistake.
MAX_SATS: Final = 21_000_000 * SATS_PER_BTC


class Currency(StrEnum):
    """Bitcoin amounts are kept in millisatoshi; CFA francs have no minor unit."""

    MSAT = "msat"
    XOF = "XOF"


@dataclass(frozen=True)
class Money:
    """An amount in its currency: msat or whole francs."""

    amount: int
    currency: Currency

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def msat_from_sats(amount_sats: int) -> Msat:
    """Convert sats to millisatoshi, exactly."""
    return Msat(amount_sats * MSAT_PER_SAT)


def sats_from_msat(amount_msat: int) -> Sats:
    """Convert millisatoshi to whole sats.

    Rounding: down (towards minus infinity).
    """
    return Sats(amount_msat // MSAT_PER_SAT)
