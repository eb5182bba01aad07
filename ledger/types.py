"""Frozen values that other apps see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger.enums import AccountRole, ConversionKind, Currency
from sunusav.core.money import Money

__all__ = [
    "AccountRef",
    "AccountRole",
    "Conversion",
    "ConversionKind",
    "Currency",
    "Line",
    "Money",
    "Movement",
    "Posting",
    "Rate",
    "RateUpdate",
    "Receivable",
    "UnusedCredit",
    "credit",
    "debit",
    "msat",
    "xof",
]


@dataclass(frozen=True)
class AccountRef:
    """The identity of an account: its role, currency and owner (a subject string, or none)."""

    role: AccountRole
    currency: Currency
    owner: str = ""

    @property
    def code(self) -> str:
        """The readable name. It is unique, since neither a role nor a currency contains a colon."""
        return f"{self.role}:{self.currency}:{self.owner}" if self.owner else f"{self.role}:{self.currency}"

    @classmethod
    def of_code(cls, code: str) -> AccountRef:
        """Return the account of a readable name. Raises: ValueError."""
        role, currency, *owner = code.split(":", 2)
        return cls(AccountRole(role), Currency(currency), "".join(owner))

    @property
    def receivable(self) -> AccountRef:
        """The account of what this one owes back."""
        return AccountRef(AccountRole.RECEIVABLE, self.currency, self.code)


def msat(amount_msat: int) -> Money:
    """Return millisatoshi as money."""
    return Money(amount_msat, Currency.MSAT)


def xof(amount_xof: int) -> Money:
    """Return whole francs as money."""
    return Money(amount_xof, Currency.XOF)


@dataclass(frozen=True)
class Line:
    """One side of a posting. Units: the account's currency; debit positive, credit negative."""

    account: AccountRef
    amount: int


@dataclass(frozen=True)
class Movement:
    """What one journal transaction moved on one account. Units: its currency; debit positive."""

    transaction_id: int
    kind: str
    subject: str
    at: datetime
    amount: int


@dataclass(frozen=True)
class Posting:
    """A journal transaction to be written."""

    kind: str
    reference: str
    lines: tuple[Line, ...]
    at: datetime
    subject: str
    reverses_id: int | None = None


def debit(account: AccountRef, amount: int) -> Line:
    """Return a line that increases an asset or an expense."""
    return Line(account, amount)


def credit(account: AccountRef, amount: int) -> Line:
    """Return a line that increases a liability or an income."""
    return Line(account, -amount)


@dataclass(frozen=True)
class Receivable:
    """What an account owes back, and since when without a break. Units: the account's currency."""

    account: AccountRef
    amount: int
    since: datetime


@dataclass(frozen=True)
class UnusedCredit:
    """One credit of an account that is not used up yet, and what is left of it; the oldest is used first.

    Units: the account's currency, positive.
    """

    owner: str
    left: int
    transaction_id: int
    kind: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Rate:
    """A stored exchange rate, with the id of its row."""

    id: int
    rate_xof_per_btc: Decimal
    source: str
    observed_at: datetime
    is_fallback: bool


@dataclass(frozen=True)
class Conversion:
    """An amount in msat and its equivalent in whole francs at one stored rate."""

    kind: ConversionKind
    amount_msat: int
    amount_xof: int
    rate: Rate


@dataclass(frozen=True)
class RateUpdate:
    """The result of a rate update: the stored rate, why it is in quarantine, and the sources refused."""

    rate: Rate
    quarantine_reason: str
    refusals: dict[str, str]
