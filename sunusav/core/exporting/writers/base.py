"""What every format does, and how the text of a cell is written in all of them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, ClassVar, TypeGuard

from django.utils.timezone import localtime
from django.utils.translation import gettext

from sunusav.core.exporting.types import Cell

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Sheet:
    """What a file says besides its rows; all text is in the language of the export."""

    title: str
    about: str
    heads: Sequence[str]
    language: str
    requester: str
    requested_at: datetime


class Writer(ABC):
    """Writes one export. The same rows give the same bytes at every call, and for every worker."""

    content_type: ClassVar[str]
    most_rows: ClassVar[int | None] = None

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    @abstractmethod
    def row(self, number: int, cells: Sequence[Cell]) -> bytes:
        """Return the bytes of a row; `number` counts from 1."""

    @abstractmethod
    def finish(self, rows: Iterable[bytes], out: BinaryIO) -> None:
        """Write the finished file from what `row` returned, given in blocks of any size."""


def text_of(cell: Cell) -> str:
    """Return the text of a cell that is no number: without control characters, datetimes in Dakar's time."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return gettext("Yes") if cell else gettext("No")
    if isinstance(cell, datetime):
        return localtime(cell).strftime("%Y-%m-%d %H:%M:%S")
    return cell.isoformat() if isinstance(cell, date) else CONTROLS.sub("", str(cell))


def is_number(cell: Cell) -> TypeGuard[int | Decimal]:
    return isinstance(cell, int | Decimal) and not isinstance(cell, bool)


def digits_of(number: int | Decimal) -> str:
    """Return a number without exponent, with a decimal point and without trailing zeros behind it."""
    if isinstance(number, int):
        return str(number)
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
