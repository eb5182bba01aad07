"""What falls due, and what is left of the money that can be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger.types import AccountRef, Money


@dataclass(frozen=True)
class PaymentsDue:
    """Payments that leave an account on one day in Dakar; `what` is a code that says which.

    Where the money is in another currency than the account, it is converted at the latest rate and is an estimate. So
    `is_estimate` already where the amount is not fixed yet.
    """

    account: AccountRef
    due_on: date
    what: str
    count: int
    money: Money
    is_estimate: bool = False


@dataclass(frozen=True)
class ForecastDay:
    """What falls due by an account on a day, and what is left at its end. Units: the account's currency.

    `left_amount` is None where it is not known what can be sent, and negative where the money does not suffice.
    """

    day: date
    due_amount: int
    left_amount: int | None
    is_estimate: bool

    @property
    def short_amount(self) -> int:
        """Return what is missing at the end of the day; 0 where nothing is."""
        return max(-(self.left_amount or 0), 0)


@dataclass(frozen=True)
class AccountForecast:
    """What can be sent from an account, and its next days. Units: the account's currency."""

    account: AccountRef
    sendable_amount: int | None
    days: tuple[ForecastDay, ...]

    @property
    def short_on(self) -> ForecastDay | None:
        """Return the first day on which the money does not suffice."""
        return next((day for day in self.days if day.short_amount), None)

    @property
    def due_amount(self) -> int:
        return sum(day.due_amount for day in self.days)

    @property
    def is_estimate(self) -> bool:
        return any(day.is_estimate for day in self.days)
