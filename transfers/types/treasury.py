"""Movements of the treasury and their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger.types import AccountRef
from transfers.enums import GAINING_KINDS, TreasuryKind


@dataclass(frozen=True)
class Movement:
    """A change of a balance that the world made without a payout or a collection.

    `amount` is the change of the account, which `kind` makes a gain or a loss. `cost` is what it costs: the other
    account pays it for a gain, and receives that much less of a loss. `exchanged_xof` are the francs that the bank paid
    or received for bitcoin. Units: `amount` and `cost` in the account's currency.
    """

    kind: TreasuryKind
    account: AccountRef
    amount: int
    cost: int = 0
    exchanged_xof: int | None = None

    @property
    def change(self) -> int:
        """Return the change of the account's balance, negative for a loss."""
        return self.amount if self.kind in GAINING_KINDS else -self.amount


@dataclass(frozen=True)
class MovementEvidence:
    """When a movement happened, the provider's or bank's reference (a transaction's id), and an explanation."""

    happened_on: date
    reference: str
    explanation: str
