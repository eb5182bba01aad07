"""Read a file as the lines of a statement: all of them, or none with the rows that cannot be read."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from transfers.models.statement import REFERENCE_LENGTH, TEXT_LENGTH, StatementFormat
from transfers.statement_enums import AmountReading
from transfers.statement_errors import (
    StatementColumnsDiffer,
    StatementEmpty,
    StatementFileTooLarge,
    StatementFileUnreadable,
    StatementRowsRefused,
)
from transfers.statements.cells import (
    MAX_ROWS,
    Cell,
    CellRefused,
    Row,
    amount_of,
    is_blank,
    moment_of,
    text_of,
)
from transfers.statements.csv_rows import csv_rows
from transfers.statements.xlsx_rows import xlsx_rows

MAX_BYTES: Final = 10_000_000
REFUSED_SHOWN: Final = 20
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# What may be a phone: statements are kept, and phones are not kept in clear.
_PHONE = re.compile(r"(?<!\w)(?:(?:\+|00)(?:[ .-]?[0-9]){8,15}|(?:221[ .-]?)?[37](?:[ .-]?[0-9]){8})(?!\w)")


@dataclass(frozen=True)
class ReadLine:
    """A line as a file has it. Units: francs, exactly; what reaches us is positive, what leaves us negative."""

    row_number: int
    reference: str
    amount_xof: Decimal
    cost_xof: Decimal | None
    happened_at: datetime
    text: str


def read_statement(content: bytes, form: StatementFormat) -> list[ReadLine]:
    """Return the lines of a file, in its order.

    Raises: StatementFileTooLarge, StatementFileUnreadable, StatementColumnsDiffer, StatementRowsRefused,
    StatementEmpty.
    """
    if len(content) > MAX_BYTES:
        raise StatementFileTooLarge(too_many="bytes", maximum=MAX_BYTES)
    rows = _rows(content, form)
    places = _places(_header(rows, form), form)
    lines: list[ReadLine] = []
    refused: list[dict[str, Any]] = []
    for number, cells in rows:
        if all(is_blank(cell) for cell in cells):
            continue
        if len(lines) + len(refused) >= MAX_ROWS:
            raise StatementFileTooLarge(too_many="rows", maximum=MAX_ROWS)
        try:
            lines.append(_line(number, cells, places, form))
        except CellRefused as refusal:
            refused.append({"row": number, "why": refusal.why})
    if refused:
        raise StatementRowsRefused(refused=len(refused), first_rows=refused[:REFUSED_SHOWN])
    if not lines:
        raise StatementEmpty
    return lines


def _rows(content: bytes, form: StatementFormat) -> Iterator[Row]:
    """Return the rows by what the file is, whatever its name says."""
    if content.startswith(_ZIP):
        return xlsx_rows(content)
    if content.startswith(_OLD_EXCEL):
        raise StatementFileUnreadable(why="file_is_old_excel")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise StatementFileUnreadable(why="file_is_markup")
    if b"\x00" in content:
        raise StatementFileUnreadable(why="file_is_binary")
    return csv_rows(content, encoding=form.encoding, delimiter=form.delimiter)


def _header(rows: Iterator[Row], form: StatementFormat) -> list[str]:
    """Return the names of the header row, and leave `rows` at the one below it."""
    for number, cells in rows:
        if number >= form.header_row:
            return [_name(cell) if isinstance(cell, str) else "" for cell in cells]
    raise StatementEmpty


def _name(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class _Places:
    """Where the columns stand; None for one that the format does not have."""

    width: int
    reference: int | None
    moment: int | None
    amount: int | None
    debit: int | None
    credit: int | None
    cost: int | None
    text: int | None


def _places(header: Sequence[str], form: StatementFormat) -> _Places:
    columns = ("reference", "moment", "amount", "debit", "credit", "cost", "text")
    names = {column: getattr(form, f"{column}_column") for column in columns}
    wanted = {column: _name(name) for column, name in names.items() if name}
    counts = Counter(header)
    missing = [names[column] for column, name in wanted.items() if not counts[name]]
    repeated = [names[column] for column, name in wanted.items() if counts[name] > 1]
    if missing or repeated:
        raise StatementColumnsDiffer(missing_columns=missing, repeated_columns=repeated)
    return _Places(
        len(header), **{name: header.index(wanted[name]) if name in wanted else None for name in columns}
    )


def _line(number: int, cells: Sequence[Cell], places: _Places, form: StatementFormat) -> ReadLine:
    if any(not is_blank(cell) for cell in cells[places.width :]):
        raise CellRefused("row_has_too_many_cells")
    reference = text_of(_at(cells, places.reference))
    if len(reference) > REFERENCE_LENGTH:
        raise CellRefused("reference_too_long")
    amount = _amount(cells, places, form)
    if amount == 0:
        raise CellRefused("amount_is_zero")
    return ReadLine(
        number, reference, amount, _francs(_at(cells, places.cost), form),
        moment_of(_at(cells, places.moment), moment_format=form.moment_format),
        without_phones(text_of(_at(cells, places.text)))[:TEXT_LENGTH],
    )  # fmt: skip


def _at(cells: Sequence[Cell], place: int | None) -> Cell:
    return cells[place] if place is not None and place < len(cells) else ""


def _francs(cell: Cell, form: StatementFormat) -> Decimal | None:
    return amount_of(cell, decimal_mark=form.decimal_mark, thousands_mark=form.thousands_mark)


def _amount(cells: Sequence[Cell], places: _Places, form: StatementFormat) -> Decimal:
    if form.amount_reading == AmountReading.DEBIT_CREDIT:
        return _credit_less_debit(_at(cells, places.debit), _at(cells, places.credit), form)
    amount = _francs(_at(cells, places.amount), form)
    if amount is None:
        raise CellRefused("amount_is_missing")
    return -amount if form.amount_reading == AmountReading.NEGATED else amount


def _credit_less_debit(debit: Cell, credit: Cell, form: StatementFormat) -> Decimal:
    out, into = _francs(debit, form), _francs(credit, form)
    if out is None and into is None:
        raise CellRefused("amount_is_missing")
    if (out or 0) < 0 or (into or 0) < 0:
        raise CellRefused("debit_or_credit_is_negative")
    if out and into:
        raise CellRefused("debit_and_credit")
    return (into or Decimal(0)) - (out or Decimal(0))


def without_phones(text: str) -> str:
    """Return a text in which what may be a phone keeps only its last two digits."""
    return _PHONE.sub(lambda found: f"…{found[0][-2:]}", text)
