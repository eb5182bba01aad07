"""Statements as finance imports them, and what is expected in them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from transfers.models import StatementFormat, StatementItem
from transfers.statement_enums import AmountReading
from transfers.statements.imports import Imported, import_statement
from transfers.statements.keeping import save_format
from transfers.types import ExpectationSource, ExpectedLine

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)
_numbers = count(1)


@dataclass
class Expectations:
    """What an app of a test expects; `lines` may be changed at any time."""

    lines: list[ExpectedLine] = field(default_factory=list)

    def add(self, key: str, amount: str, *references: str, on: date = date(2026, 3, 2)) -> ExpectedLine:
        line = ExpectedLine(key, references or (key,), Decimal(amount), on, f"disbursement:{next(_numbers)}")
        self.lines.append(line)
        return line

    @property
    def source(self) -> ExpectationSource:
        return ExpectationSource("test", self._sources, self._within, self._by_references, self._by_keys)

    def _sources(self) -> Collection[str]:
        return ["bank", "wave"]

    def _within(self, source: str, since: date, through: date) -> Iterable[ExpectedLine]:
        return [line for line in self.lines if since <= line.happened_on <= through]

    def _by_references(self, source: str, references: Collection[str]) -> Iterable[ExpectedLine]:
        return [line for line in self.lines if set(line.references) & set(references)]

    def _by_keys(self, source: str, keys: Collection[str]) -> Iterable[ExpectedLine]:
        return [line for line in self.lines if line.key in keys]


LAYOUT: dict[str, Any] = {
    "reference_column": "Reference", "moment_column": "Date", "amount_column": "Amount", "debit_column": "",
    "credit_column": "", "cost_column": "", "text_column": "Note", "amount_reading": AmountReading.SIGNED.value,
    "encoding": "utf-8", "delimiter": ";", "decimal_mark": ".", "thousands_mark": "", "moment_format": "%Y-%m-%d",
    "header_row": 1, "tolerance_xof": Decimal(0),
}  # fmt: skip


def make_format(
    *, now: datetime, source: str = "wave", saver: User | None = None, **layout: Any
) -> StatementFormat:
    return save_format(
        source=source, layout={**LAYOUT, **layout}, reason="as the partner sends it",
        saver=saver or make_user(Role.FINANCE), now=now,
    )  # fmt: skip


def statement(*rows: tuple[Any, ...]) -> bytes:
    """Return a file with rows of reference, amount and, if not the second of March, the day, and a note."""
    lines = ["Reference;Date;Amount;Note"]
    for reference, amount, *more in rows:
        given = [*more, *["2026-03-02", ""][len(more) :]]
        lines.append(f"{reference};{given[0]};{amount};{given[1]}")
    return "\n".join(lines).encode()


def imported(*rows: tuple[Any, ...], now: datetime, **given: Any) -> Imported:
    """Import a statement of the first three days of March."""
    facts: dict[str, Any] = {
        "source": "wave", "file_name": "march.csv", "since": FIRST, "through": LAST,
        "importer": given.pop("importer", None) or make_user(Role.FINANCE),
    }  # fmt: skip
    return import_statement(content=statement(*rows), now=now, **{**facts, **given})


def open_ones() -> dict[str, StatementItem]:
    return {row.key: row for row in StatementItem.objects.filter(state="open")}
