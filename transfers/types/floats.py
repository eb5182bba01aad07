"""What a provider holds for us, as of the last look at its rail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.types import Currency, Money


@dataclass(frozen=True)
class ProviderBalance:
    """What a provider reported to hold for us, and when."""

    amount: Money
    at: datetime


@dataclass(frozen=True)
class RailFloat:
    """The money that a rail pays from. `outflow_amount` is what payments took from it in the last seven Dakar days.

    `failure_code` is why the last look, at `seen_at`, found the rail unavailable. `waiting_count` payments wait for it.
    Units: `currency`.
    """

    rail: str
    currency: Currency
    balance: ProviderBalance | None
    booked_amount: int
    sendable_amount: int | None
    outflow_amount: int
    waiting_count: int
    waiting_amount: int
    is_stopped: bool
    is_stale: bool
    seen_at: datetime | None
    failure_code: str
    failure_facts: Mapping[str, Any]

    @property
    def is_available(self) -> bool:
        """Return whether the last look was lately and had an answer, and the rail is not stopped."""
        return self.seen_at is not None and not (self.failure_code or self.is_stopped or self.is_stale)
