"""XLSX: XlsxWriter makes the workbook, whose rows are put in place of a sample row as they were appended.

XlsxWriter cannot go on with a file that another worker began; rows here are written one by one as XML instead.
Text is stored as text and never read as a formula.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import BinaryIO, Final

import xlsxwriter
from django.utils.timezone import localtime
from xlsxwriter.utility import xl_col_to_name

from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers.base import Sheet, Writer, digits_of, is_number, text_of

SHEET_PATH: Final = "xl/worksheets/sheet1.xml"
# Rows of a sheet, without the header.
MOST_ROWS: Final = 1_048_576 - 1
LONGEST_TEXT: Final = 32_767
LONGEST_NAME: Final = 31
# A spreadsheet keeps 15 digits of a number: a longer one is written as text.
EXACT_DIGITS: Final = 15
EPOCH: Final = date(1899, 12, 30)
SECONDS_PER_DAY: Final = 86_400
NUMBERS, MOMENTS, DAYS = "#,##0.########", "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
WHOLE = "#,##0"
COLUMN_WIDTH = 22
# The same bytes at every call: the parts of the archive have no time of their own.
UNDATED: Final = (1980, 1, 1, 0, 0, 0)
SAMPLE_ROW = re.compile(rb'<row r="2".*?</row>', re.DOTALL)
STYLE = re.compile(rb'<c r="[A-D]2" s="(\d+)"')
DIMENSION = re.compile(rb"<dimension [^>]*/>")
# Excel reads `_x000D_` in a text as the character of that number.
ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class XlsxWriter(Writer):
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    most_rows = MOST_ROWS

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self._parts = _workbook(sheet)
        self._before, self._after, styles = _split(self._parts.pop(SHEET_PATH))
        self._whole, self._decimal, self._moment, self._day = styles
        self._names = [xl_col_to_name(index) for index in range(len(sheet.heads))]

    def row(self, number: int, cells: Sequence[Cell]) -> bytes:
        place = number + 1  # the header is row 1
        named = zip(self._names, cells, strict=True)
        written = "".join(self._cell(f"{name}{place}", cell) for name, cell in named)
        return f'<row r="{place}">{written}</row>'.encode()

    def finish(self, rows: Iterable[bytes], out: BinaryIO) -> None:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._parts.items():
                archive.writestr(_entry(name), content)
            with archive.open(_entry(SHEET_PATH), "w", force_zip64=True) as sheet:
                sheet.write(self._before)
                for block in rows:
                    sheet.write(block)
                sheet.write(self._after)

    def _cell(self, place: str, cell: Cell) -> str:
        if is_number(cell) and _is_exact(cell):
            style = self._whole if isinstance(cell, int) else self._decimal
            return f'<c r="{place}" s="{style}"><v>{digits_of(cell)}</v></c>'
        if isinstance(cell, datetime):
            return f'<c r="{place}" s="{self._moment}"><v>{_serial(cell)}</v></c>'
        if isinstance(cell, date):
            return f'<c r="{place}" s="{self._day}"><v>{(cell - EPOCH).days}</v></c>'
        text = digits_of(cell) if is_number(cell) else text_of(cell)
        if not text:
            return ""
        if len(text) > LONGEST_TEXT:
            text = text[: LONGEST_TEXT - 1] + "…"
        shown = escape(ESCAPE_LIKE.sub("_x005F_", text), quote=False)
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _is_exact(number: int | Decimal) -> bool:
    """Return whether a spreadsheet keeps every digit of a number."""
    return len(digits_of(number).lstrip("-0.").replace(".", "")) <= EXACT_DIGITS


def _serial(moment: datetime) -> str:
    """Return a moment, to the second, as days since the epoch of spreadsheets, in Dakar's time."""
    local = localtime(moment).replace(tzinfo=None, microsecond=0)
    seconds = (local - datetime.combine(EPOCH, datetime.min.time())) // timedelta(seconds=1)
    return digits_of(round(Decimal(seconds) / SECONDS_PER_DAY, 10))


def _workbook(sheet: Sheet) -> dict[str, bytes]:
    """Return the parts of a workbook with the header and a row with a cell of each style of number."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"title": sheet.title, "author": sheet.requester, "created": _created(sheet)})
        page = book.add_worksheet(_sheet_name(sheet.title))
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.heads) - 1, COLUMN_WIDTH)
        heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for column, head in enumerate(sheet.heads):
            page.write_string(0, column, head, heading)
        for column, number_format in enumerate((WHOLE, NUMBERS, MOMENTS, DAYS)):
            page.write_number(1, column, 0, book.add_format({"num_format": number_format}))
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _created(sheet: Sheet) -> datetime:
    return sheet.requested_at.replace(tzinfo=None, microsecond=0)


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", title)[:LONGEST_NAME].strip()


def _split(xml: bytes) -> tuple[bytes, bytes, list[str]]:
    """Return the XML before and after the sample row, and the styles of its cells."""
    xml = DIMENSION.sub(b"", xml)
    sample = SAMPLE_ROW.search(xml)
    assert sample is not None, "the workbook has its sample row"  # noqa: S101  (a programmer's mistake)
    styles = [style.decode() for style in STYLE.findall(sample[0])]
    return xml[: sample.start()], xml[sample.end() :], styles


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=UNDATED)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
