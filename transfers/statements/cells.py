"""Cells of statements: texts of CSV files, and what XLSX files store of numbers and days. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from transfers.models.statement import DIGITS, PLACES

MAX_COLUMNS: Final = 100
MAX_ROWS: Final = 100_000
MAX_CELL: Final = 2_000
# Rows above the header, and those without any cell, are read too.
MAX_ROWS_READ: Final = MAX_ROWS + 1_000
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
ISO: Final = "iso"
MOMENT_FORMATS: Final = (
    ISO, "%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
)  # fmt: skip
_BLANKS = re.compile(r"\s+")
_LIMIT = Decimal(10) ** (DIGITS - PLACES)
_SMALLEST = Decimal(1).scaleb(-PLACES)


class Formula:
    """A cell that a spreadsheet would compute: its value is nobody's statement."""


Cell = str | Decimal | datetime | Formula
Row = tuple[int, list[Cell]]


class CellRefused(Exception):
    """Why a cell cannot be read, as a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def text_of(cell: Cell) -> str:
    """Return a cell as text, without blanks at its ends or twice, also those that do not break a line.

    Raises: CellRefused.
    """
    if isinstance(cell, Formula):
        raise CellRefused("cell_is_formula")
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, datetime):
        return cell.isoformat()
    text = _BLANKS.sub(" ", cell).strip()
    if text.startswith("="):
        raise CellRefused("cell_is_formula")
    if not text.isprintable():
        raise CellRefused("cell_has_control_characters")
    return text


def is_blank(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def amount_of(cell: Cell, *, decimal_mark: str, thousands_mark: str) -> Decimal | None:
    """Return an exact amount in francs; None for a blank cell. Raises: CellRefused."""
    if isinstance(cell, datetime):
        raise CellRefused("amount_is_no_number")
    if isinstance(cell, Decimal):
        return _in_range(cell)
    text = text_of(cell).replace(" ", "").replace("\u2212", "-")
    return _in_range(_number(text, decimal_mark, thousands_mark)) if text else None


def _number(text: str, decimal_mark: str, thousands_mark: str) -> Decimal:
    point, group = re.escape(decimal_mark), re.escape(thousands_mark)
    grouped = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|" if thousands_mark else ""
    if re.fullmatch(rf"[+-]?(?:{grouped}[0-9]+)(?:{point}[0-9]+)?", text) is None:
        raise CellRefused("amount_is_no_number")
    return Decimal(text.replace(thousands_mark or " ", "").replace(decimal_mark, "."))


def _in_range(amount: Decimal) -> Decimal:
    """Return an amount with at most as many places as are stored; minus zero is zero."""
    if not amount.is_finite() or amount.adjusted() >= DIGITS or not -_LIMIT < amount < _LIMIT:
        raise CellRefused("amount_out_of_range")
    if amount != amount.quantize(_SMALLEST):
        raise CellRefused("amount_has_too_many_decimals")
    return amount + 0 if amount else Decimal(0)


def moment_of(cell: Cell, *, moment_format: str) -> datetime:
    """Return when a line happened; a day is its beginning. Dakar has UTC all year. Raises: CellRefused."""
    moment = cell if isinstance(cell, datetime) else _parsed(text_of(cell), moment_format)
    if not EARLIEST <= moment.date() < LATEST:
        raise CellRefused("day_out_of_range")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parsed(text: str, moment_format: str) -> datetime:
    if not text:
        raise CellRefused("day_is_missing")
    try:
        if moment_format == ISO:
            return datetime.fromisoformat(text)
        return datetime.strptime(text, moment_format)  # noqa: DTZ007  (made aware by the caller)
    except (ValueError, OverflowError):
        raise CellRefused("day_has_another_format") from None


# What a spreadsheet shows of a number.
SHOWN_DIGITS: Final = 15
_EPOCHS = {False: datetime(1899, 12, 30, tzinfo=UTC), True: datetime(1904, 1, 1, tzinfo=UTC)}


def number_of(stored: str) -> Decimal | str:
    """Return a number of a spreadsheet as it shows it: binary fractions are stored, 15 digits are shown."""
    try:
        exact = Decimal(stored)
    except InvalidOperation:
        return stored
    if not exact.is_finite() or abs(exact.adjusted()) > SHOWN_DIGITS:
        return stored
    places = SHOWN_DIGITS - 1 - exact.adjusted()
    shown = round(exact, places) if exact else Decimal(0)
    return Decimal(f"{shown.normalize():f}")


def day_of_number(number: Decimal, *, is_1904: bool) -> datetime | None:
    """Return the moment that a spreadsheet stores as a number of days, to the second; None if it is none."""
    if not 0 <= number < 80_000:  # noqa: PLR2004  (the year 2119)
        return None
    seconds = round(number * 86_400)
    return _EPOCHS[is_1904] + timedelta(seconds=seconds)
