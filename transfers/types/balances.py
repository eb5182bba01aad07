"""An account in the books beside what its provider or bank says that it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ledger.types import AccountRef
from transfers.types.accounts import BANK


@dataclass(frozen=True)
class AccountComparison:
    """What the books have in an account of ours now, and what the last comparison with the other side found.

    `outside_amount` is what the provider held at `outside_at`, or what a statement closes with at the end of
    `closed_on`; `compared_amount` what the books had then, and `difference_amount` by how much the other side had more,
    beyond payments under way. Since `differs_since`, or the day of that statement, every comparison found a difference;
    `is_alarming`: a person should explain it. `seen_at` is the last look. A `rail` or a statement tells whose figures
    these are; without one, all are None. Units: the account's currency.
    """

    account: AccountRef
    booked_amount: int
    rail: str = ""
    statement_id: int | None = None
    outside_amount: int | None = None
    outside_at: datetime | None = None
    closed_on: date | None = None
    compared_amount: int | None = None
    difference_amount: int | None = None
    differs_since: datetime | None = None
    seen_at: datetime | None = None
    is_alarming: bool = False

    @property
    def is_of_bank(self) -> bool:
        """Return whether the other side is the bank, whose statements finance imports."""
        return self.account == BANK
