"""Rows of the first sheet of an XLSX file, read as a stream and within bounds.

The file comes from outside. So a document type, and with it every entity, is refused; no part is read beyond a number
of bytes, whatever its entry in the archive says; and reading ends at the first cell beyond the bounds. Libraries for
workbooks hold a whole row before anybody can count its cells, and a small archive holds rows of millions.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Any, Final
from xml.parsers import expat

from transfers.statement_errors import StatementFileTooLarge, StatementFileUnreadable
from transfers.statements.cells import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS_READ,
    Cell,
    Formula,
    Row,
    day_of_number,
    number_of,
)

# Of one part, unpacked: a sheet of 100,000 rows of ten columns takes about 40 MB.
MAX_PART_BYTES: Final = 150_000_000
MAX_PARTS: Final = 500
CHUNK: Final = 1 << 16
MAX_DIGITS: Final = 9
# Built-in formats of days and times.
DAY_FORMATS: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_CELL = re.compile(r"([A-Z]{1,3})[0-9]+")

# What `zipfile` raises of a part that is missing, broken, encrypted, or packed in another way.
_OF_ARCHIVES: Final = (
    zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, NotImplementedError, EOFError, OSError, ValueError,
)  # fmt: skip

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str, str], None]


def xlsx_rows(content: bytes) -> Iterator[Row]:
    """Yield the rows of the first sheet that have cells, each with its number.

    Raises: StatementFileUnreadable, StatementFileTooLarge.
    """
    with _archive_may_be_damaged():
        book = zipfile.ZipFile(io.BytesIO(content))
    with book:
        if len(book.infolist()) > MAX_PARTS:
            raise StatementFileTooLarge(too_many="parts", maximum=MAX_PARTS)
        yield from _rows(book)


@contextmanager
def _archive_may_be_damaged() -> Iterator[None]:
    """Refuse the file where one call of `zipfile` fails."""
    try:
        yield
    except _OF_ARCHIVES:
        raise _damaged() from None


def _damaged() -> StatementFileUnreadable:
    return StatementFileUnreadable(why="file_is_damaged")


def _count(text: str) -> int:
    """Return a number that counts from zero, such as the place of a text. Raises: StatementFileUnreadable."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise _damaged()
    return int(text)


def _rows(book: zipfile.ZipFile) -> Iterator[Row]:
    setup = _Workbook()
    _parse(book, "xl/workbook.xml", setup.start)
    targets = _Targets()
    _parse(book, "xl/_rels/workbook.xml.rels", targets.start)
    names = set(book.namelist())
    texts, styles = _Texts(), _Styles()
    if "xl/sharedStrings.xml" in names:
        _parse(book, "xl/sharedStrings.xml", texts.start, texts.end)
    if "xl/styles.xml" in names:
        _parse(book, "xl/styles.xml", styles.start)
    sheet = _Sheet(texts.found, styles.days, is_1904=setup.is_1904)
    target = targets.found.get(setup.first_sheet)
    if target is None:
        raise _damaged()
    part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
    for _ in _chunks(book, part, sheet.start, sheet.end):
        yield from sheet.take()


def _parse(book: zipfile.ZipFile, part: str, start: Start, end: End | None = None) -> None:
    for _ in _chunks(book, part, start, end):
        pass


def _chunks(book: zipfile.ZipFile, part: str, start: Start, end: End | None = None) -> Iterator[None]:
    """Parse a part in chunks; yield after each."""
    reader = _Reader(start, end)
    size = 0
    with _archive_may_be_damaged():
        stream = book.open(part)
    with stream:
        while chunk := _read(stream):
            size += len(chunk)
            if size > MAX_PART_BYTES:
                raise StatementFileTooLarge(too_many="bytes", maximum=MAX_PART_BYTES)
            reader.feed(chunk)
            yield
        reader.feed(b"", is_last=True)
        yield


def _read(stream: IO[bytes]) -> bytes:
    with _archive_may_be_damaged():
        return stream.read(CHUNK)


class _Reader:
    """Calls functions for elements by their names without prefix; the end has the element's text."""

    def __init__(self, start: Start, end: End | None) -> None:
        self._start, self._end, self._text = start, end, ""
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.CharacterDataHandler = self._add
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError:
            raise _damaged() from None

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._text = ""
        self._start(_local(name), {_local(one): value for one, value in attributes.items()})

    def _finish(self, name: str) -> None:
        if self._end is not None:
            self._end(_local(name), self._text)
        self._text = ""

    def _add(self, text: str) -> None:
        self._text += text
        if len(self._text) > MAX_CELL:
            raise StatementFileTooLarge(too_many="characters", maximum=MAX_CELL)

    def _refuse(self, *declared: Any) -> None:
        raise StatementFileUnreadable(why="file_declares_document_type")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


@dataclass
class _Workbook:
    """Which sheet is the first, and from which day days are counted."""

    first_sheet: str = ""
    is_1904: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet" and not self.first_sheet:
            self.first_sheet = attributes.get("id", "")
        if name == "workbookPr":
            self.is_1904 = attributes.get("date1904") in {"1", "true"}


@dataclass
class _Targets:
    """The parts of the workbook by the names of their relations."""

    found: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            self.found[attributes.get("Id", "")] = attributes.get("Target", "")


@dataclass
class _Texts:
    """Texts that cells share, without phonetic readings."""

    found: list[str] = field(default_factory=list)
    is_reading: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "si":
            self.found.append("")
        self.is_reading = self.is_reading or name == "rPh"

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self.is_reading and self.found:
            self.found[-1] += text
            if len(self.found[-1]) > MAX_CELL:
                raise StatementFileTooLarge(too_many="characters", maximum=MAX_CELL)
        self.is_reading = self.is_reading and name != "rPh"


@dataclass
class _Styles:
    """Which styles of cells show numbers as days."""

    days: list[bool] = field(default_factory=list)
    formats: set[str] = field(default_factory=lambda: {str(number) for number in DAY_FORMATS})
    is_in_cells: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt" and set("dy") & set(_QUOTED.sub("", attributes.get("formatCode", "")).lower()):
            self.formats.add(attributes.get("numFmtId", ""))
        if name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            self.is_in_cells = name == "cellXfs"
        if name == "xf" and self.is_in_cells:
            self.days.append(attributes.get("numFmtId", "0") in self.formats)


class _Sheet:
    """The rows of a sheet, collected until they are taken."""

    def __init__(self, texts: list[str], days: list[bool], *, is_1904: bool) -> None:
        self._texts, self._days, self._is_1904 = texts, days, is_1904
        self._rows: list[Row] = []
        self._cells: list[Cell] = []
        self._number = self._read = self._column = 0
        self._kind, self._style, self._value, self._is_formula = "", 0, "", False

    def take(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            self._begin_row(attributes)
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "f":
            self._is_formula = True

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        self._number = _count(attributes.get("r", str(self._number + 1)))
        self._cells, self._column = [], 0
        self._read += 1
        if self._read > MAX_ROWS_READ:
            raise StatementFileTooLarge(too_many="rows", maximum=MAX_ROWS_READ)

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        place = _CELL.fullmatch(attributes.get("r", ""))
        self._column = _column_number(place[1]) if place else self._column + 1
        if self._column > MAX_COLUMNS:
            raise StatementFileTooLarge(too_many="columns", maximum=MAX_COLUMNS)
        self._kind = attributes.get("t", "n")
        self._style = _count(attributes.get("s", "0"))
        self._value, self._is_formula = "", False

    def end(self, name: str, text: str) -> None:
        if name in {"v", "t"}:
            self._value += text
        elif name == "c":
            self._cells += [""] * (self._column - len(self._cells))
            self._cells[self._column - 1] = self._cell()
        elif name == "row" and self._cells:
            self._rows.append((self._number, self._cells))

    def _cell(self) -> Cell:
        if self._is_formula:
            return Formula()
        if self._kind == "s":
            return self._text_at(_count(self._value))
        if self._kind == "n" and self._value:
            return self._number_or_day(number_of(self._value))
        return self._value

    def _text_at(self, place: int) -> str:
        if place >= len(self._texts):
            raise _damaged()
        return self._texts[place]

    def _number_or_day(self, number: Decimal | str) -> Cell:
        is_day = self._style < len(self._days) and self._days[self._style]
        if not is_day or isinstance(number, str):
            return number
        return day_of_number(number, is_1904=self._is_1904) or number


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
