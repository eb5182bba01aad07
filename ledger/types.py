"""Frozen values that cross the walls of this room."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger.enums import AccountRole, ConversionKind, Currency

__all__ = [
    "AccountRef",
    "AccountRole",
    "Conversion",
    "ConversionKind",
    "Currency",
    "Line",
    "Posting",
    "Rate",
    "RateUpdate",
    "credit",
    "debit",
]


@dataclass(frozen=True)
class AccountRef:
    """An account by what it is: its role, its currency and whose it is (a subject string, or nobody's)."""

    role: AccountRole
    currency: Currency
    owner: str = ""

    @property
    def code(self) -> str:
        """The readable name; no two accounts share it, since neither role nor currency holds a colon."""
        return f"{self.role}:{self.currency}:{self.owner}" if self.owner else f"{self.role}:{self.currency}"


@dataclass(frozen=True)
class Line:
    """One side of a posting. *Units*: the account's currency; debit positive, credit negative."""

    account: AccountRef
    amount: int


@dataclass(frozen=True)
class Posting:
    """A journal transaction before it is written."""

    kind: str
    reference: str
    lines: tuple[Line, ...]
    at: datetime
    subject: str
    reverses_id: int | None = None


def debit(account: AccountRef, amount: int) -> Line:
    """Return a line that adds to what an asset or expense holds."""
    return Line(account, amount)


def credit(account: AccountRef, amount: int) -> Line:
    """Return a line that adds to what we owe or earned."""
    return Line(account, -amount)


@dataclass(frozen=True)
class Rate:
    """A stored exchange rate: the row's id goes wherever the rate goes."""

    id: int
    rate_xof_per_btc: Decimal
    source: str
    observed_at: datetime
    is_fallback: bool


@dataclass(frozen=True)
class Conversion:
    """Sats and francs that stand for each other at one stored rate."""

    kind: ConversionKind
    amount_sats: int
    amount_xof: int
    rate: Rate


@dataclass(frozen=True)
class RateUpdate:
    """What an update of the rate came to: the row stored, why it may not be used, who was not believed."""

    rate: Rate
    quarantine_reason: str
    refusals: dict[str, str]
