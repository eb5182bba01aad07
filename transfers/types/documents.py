"""Receipts that people keep: what a kind of receipt contains, and an issued one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from ledger.types import Line
from sunusav.core.exporting.types import Cell


class RowFormat(Enum):
    """How a fact is written on a receipt."""

    TEXT = "text"
    CODE = "code"  # a stored code, by its label
    SATS = "sats"  # with its equivalent in francs
    XOF = "xof"  # whole, or exact: a decimal number as text
    MOMENT = "moment"
    MONTH = "month"  # of Dakar, by any moment in it
    COUNT = "count"
    HASH = "hash"  # in a fixed-width font, in full
    RATE = "rate"  # francs per bitcoin, and whether it is a fallback
    NUMBERS = "numbers"  # of transactions in the journal


@dataclass(frozen=True)
class ReceiptRow:
    """A fact of a receipt: its name, its lazily translated label and how it is written. Without a value it is left out.

    `is_share` marks a part of the amount above it, `is_total` the amount that the receipt is about.
    """

    fact: str
    label: Any
    format: RowFormat = RowFormat.TEXT
    is_share: bool = False
    is_total: bool = False


@dataclass(frozen=True)
class ReceiptPart:
    """Rows of a receipt under one lazily translated heading."""

    heading: Any
    rows: tuple[ReceiptRow, ...]


@dataclass(frozen=True)
class ReceiptLines:
    """The lines behind the figures of a receipt, for files; the totals come last.

    `rows` yields the cells of each line by the id of what the receipt is about, the same ones at each call; the first
    is the code of what the line is. `heads` are lazily translated labels with their units. `codes` name the columns in
    the CSV, which is the same in every language, so that its hash can be printed: the fact `lines_sha256`, with
    `lines_count`. `printed` are the places of the columns that a PDF has room for.
    """

    heads: tuple[tuple[Any, Any], ...]
    codes: tuple[str, ...]
    rows: Callable[[int], Iterator[Sequence[Cell]]]
    printed: tuple[int, ...]


@dataclass(frozen=True)
class ReceiptKind:
    """A kind of receipt that an app lists in `RECEIPTS` of its `receipt_kinds.py`.

    `describe` takes the id of what was paid and returns the facts to fix, as JSON can hold them: `transactions` (ids in
    the journal) and those that `parts` name; with `rate_xof_per_btc` and `is_fallback_rate` each amount in sats has its
    equivalent in francs. It refuses what is not paid. `booked_amounts` returns the same amounts from the lines of these
    transactions, for the audit. `prefix` begins each number and never changes. `permission` is required to issue one.
    `taxed` names the amount that contains the tax, if the receipt charges one; `tells_tax`: it says so where it charges
    none. `is_reversed` tells of a payment that came back since, `state` how it stands now, as a sentence; `notes`
    replace the usual ones.
    """

    kind: str
    prefix: str
    title: Any
    subject_kind: str
    permission: str
    describe: Callable[[int], dict[str, Any]]
    booked_amounts: Callable[[Sequence[Line]], Mapping[str, int]]
    parts: tuple[ReceiptPart, ...]
    taxed: str = ""
    is_reversed: Callable[[int], bool] | None = None
    tells_tax: bool = True
    state: Callable[[int], str] | None = None
    lines: ReceiptLines | None = None
    notes: tuple[Any, ...] = ()

    def subject_of(self, key: int) -> str:
        return f"{self.subject_kind}:{key}"

    def key_of(self, subject: str) -> int:
        return int(subject.removeprefix(f"{self.subject_kind}:"))

    def number(self, year: int, count: int) -> str:
        """Return the number that people read, such as `PAY-2026-000017`."""
        return f"{self.prefix}-{year}-{count:06}"


@dataclass(frozen=True)
class IssuerFacts:
    """Who issues receipts, by law."""

    legal_name: str
    address: str
    ninea: str


@dataclass(frozen=True)
class IssuedReceiptFacts:
    """An issued receipt. Nothing of it ever changes; `facts` are those of its kind, with the tax."""

    id: int
    kind: str
    number: str
    subject: str
    issued_at: datetime
    issuer: IssuerFacts
    tax_rate_bps: int
    tax_sats: int
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class ReceiptLinkFacts:
    """The link that shows a receipt to anybody who has it, until it expires or is revoked."""

    receipt: IssuedReceiptFacts
    token: str
    opened_at: datetime
    expires_at: datetime
