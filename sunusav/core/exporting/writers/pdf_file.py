"""PDF: A4 landscape in a font of fixed width, the header on each page, every text whole."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import zip_longest
from textwrap import shorten, wrap
from typing import BinaryIO, Final

from django.conf import settings
from django.utils.formats import get_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from fpdf import FPDF

from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers.base import Sheet, Writer, digits_of, is_number, text_of

FONTS: Final = settings.BASE_DIR / "templates" / "fonts"
TEXT, FIXED = "DejaVu", "DejaVuMono"
MOST_ROWS: Final = 5_000
# Units: mm; text in points.
MARGIN, LINE_HEIGHT, GAP, FOOT = 10, 2.9, 2, 12
SIZE, TITLE_SIZE, NOTE_SIZE = 6, 13, 7.5
# Characters of what the header says about filters: a text that was searched for may be of any length.
MOST_ABOUT: Final = 800
INK, GREY, RULE, GREEN = (29, 39, 51), (90, 101, 114), (208, 214, 221), (11, 92, 70)
# A column is at least this many characters wide, and at most as many as the widest text in it.
NARROWEST = 6
GROUP = " "

Row = list[tuple[str, str]]
Line = tuple[str, ...]


class PdfWriter(Writer):
    content_type = "application/pdf"
    most_rows = MOST_ROWS

    def row(self, number: int, cells: Sequence[Cell]) -> bytes:
        texts = [[shown(cell), "R" if is_number(cell) else "L"] for cell in cells]
        return json.dumps(texts, ensure_ascii=False).encode() + b"\n"

    def finish(self, rows: Iterable[bytes], out: BinaryIO) -> None:
        read = [json.loads(line) for line in b"".join(rows).splitlines()]
        page = _Pages(self.sheet, read)
        for row in read:
            page.write_row(row)
        out.write(bytes(page.output()))


def shown(cell: Cell) -> str:
    """Return the text of a cell as it is printed, in the reader's language."""
    if is_number(cell):
        return _grouped(digits_of(cell))
    if isinstance(cell, datetime):
        return localtime(cell).strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(cell, date):
        return cell.strftime("%d/%m/%Y")
    return " ".join(text_of(cell).split())


def _grouped(digits: str) -> str:
    whole, _, rest = digits.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    point = str(get_format("DECIMAL_SEPARATOR"))
    return f"{sign}{int(whole):,}".replace(",", GROUP) + (point + rest if rest else "")


class _Pages(FPDF):
    """The pages of one export; fpdf2 calls `header` and `footer` on each."""

    def __init__(self, sheet: Sheet, rows: Sequence[Row]) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._sheet = sheet
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(auto=False)
        self.add_font(TEXT, "", FONTS / "DejaVuSans.ttf")
        self.add_font(TEXT, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.add_font(FIXED, "", FONTS / "DejaVuSansMono.ttf")
        self.set_title(sheet.title)
        self.set_author(sheet.requester)
        self.set_lang(sheet.language)
        self.set_creation_date(sheet.requested_at)
        self.set_font(FIXED, "", SIZE)
        self._character: float = self.get_string_width("0")
        self._widths = self._fit([sheet.heads, *([text for text, _ in row] for row in rows)])
        self.add_page()

    def header(self) -> None:
        sheet = self._sheet
        moment = localtime(sheet.requested_at).strftime("%d/%m/%Y %H:%M:%S")
        self._say(sheet.title, TITLE_SIZE, GREEN, style="B", height=6)
        note = gettext("As of %(moment)s (Dakar time), requested by %(person)s.") % {
            "moment": moment,
            "person": sheet.requester,
        }
        about = shorten(sheet.about, MOST_ABOUT, placeholder=" …")
        self._say(f"{note} {about}", NOTE_SIZE, GREY, height=4)
        self.ln(1)
        heads = [(head, "L") for head in sheet.heads]
        self._write(self._lines(heads), heads, GREEN)

    def footer(self) -> None:
        self.set_y(-FOOT)
        self._say(
            gettext("page %(number)s of %(pages)s")
            % {"number": self.page_no(), "pages": self.str_alias_nb_pages},
            NOTE_SIZE, GREY, height=4,
        )  # fmt: skip

    def write_row(self, row: Row) -> None:
        """Write a row on one page, if it fits on one; else it goes on on the pages that follow."""
        lines = self._lines(row)
        if not self._fits(len(lines)):
            self.add_page()
        while lines and not self._fits(len(lines)):
            fitting = max(1, int((self.h - FOOT - self.get_y()) / LINE_HEIGHT))
            self._write(lines[:fitting], row, INK)
            lines = lines[fitting:]
            self.add_page()
        self._write(lines, row, INK)

    def _fits(self, lines: int) -> bool:
        return self.get_y() + lines * LINE_HEIGHT <= self.h - FOOT

    def _say(
        self, text: str, size: float, colour: tuple[int, int, int], *, height: float, style: str = ""
    ) -> None:
        self.set_font(TEXT, style, size)
        self.set_text_color(*colour)
        self.multi_cell(0, height, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def _write(self, lines: Sequence[Line], row: Row, colour: tuple[int, int, int]) -> None:
        """Write lines of a row, each cell in its column, and a rule below."""
        self.set_font(FIXED, "", SIZE)
        self.set_text_color(*colour)
        for line in lines:
            self.set_x(MARGIN)
            for text, (_, align), width in zip(line, row, self._widths, strict=True):
                self.cell((width + GAP) * self._character, LINE_HEIGHT, _aligned(text, align, width))
            self.ln(LINE_HEIGHT)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())

    def _lines(self, row: Row) -> list[Line]:
        pairs = zip((text for text, _align in row), self._widths, strict=True)
        wrapped = [[text] if len(text) <= width else wrap(text, width) for text, width in pairs]
        return list(zip_longest(*wrapped, fillvalue=""))

    def _fit(self, rows: Iterable[Sequence[str]]) -> list[int]:
        """Return the widths of the columns in characters: as wide as their texts, then the widest are narrowed."""
        widths = [max(NARROWEST, *map(len, texts)) for texts in zip(*rows, strict=True)]
        most = int(self.epw / self._character) - GAP * len(widths)
        while sum(widths) > most and max(widths) > NARROWEST:
            widths[widths.index(max(widths))] -= 1
        return widths


def _aligned(text: str, align: str, width: int) -> str:
    return text.rjust(width) if align == "R" else text
