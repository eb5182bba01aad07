"""Frozen values of partners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from transfers.types import RailFloat


@dataclass(frozen=True)
class FloatMinimumFacts:
    """The least that a float may hold and for how many days it must last before people are alerted."""

    minimum_xof: int
    minimum_days: int


@dataclass(frozen=True)
class PartnerFloat:
    """Our money at a partner, as of the last look. `cover_days` is how long it lasts; None if nothing left lately."""

    partner: str
    rail: RailFloat
    minimum: FloatMinimumFacts
    cover_days: Decimal | None
    is_low: bool

    @property
    def balance_amount(self) -> int | None:
        """Return what the partner holds for us. Units: the currency of the rail."""
        return self.rail.balance.amount.amount if self.rail.balance else None


@dataclass(frozen=True)
class LiveBalance:
    """What a partner holds for us, and what its shares of our fees are worth. Units: `currency`; francs."""

    balance: int
    currency: str
    timestamp: datetime
    accrued_xof: int
