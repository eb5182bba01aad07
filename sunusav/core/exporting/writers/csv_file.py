"""CSV that spreadsheets open by a double click, and that starts no formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers.base import Sheet, Writer, digits_of, is_number, text_of

# A spreadsheet takes text that begins like this for a formula (CWE-1236); full-width signs count as the plain ones.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
INNER_START = re.compile(r'([,;\t\r\n][\s"]*)(?=[=+\-@＝＋－＠])')
BOM = b"\xef\xbb\xbf"
# Where the decimal sign is a comma, Excel separates cells by semicolons.
BY_LANGUAGE = {"fr": (";", ",")}
OTHERS = (",", ".")


class CsvWriter(Writer):
    """UTF-8 with a byte order mark; `;` and a decimal comma in French, `,` and a decimal point otherwise."""

    content_type = "text/csv; charset=utf-8"

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet)
        self._separator, self._point = BY_LANGUAGE.get(sheet.language, OTHERS)

    def row(self, number: int, cells: Sequence[Cell]) -> bytes:
        return self._line([self._shown(cell) for cell in cells])

    def finish(self, rows: Iterable[bytes], out: BinaryIO) -> None:
        out.write(BOM + self._line([guarded(head) for head in self.sheet.heads]))
        out.writelines(rows)

    def _shown(self, cell: Cell) -> str:
        if is_number(cell):
            return digits_of(cell).replace(".", self._point)
        return guarded(text_of(cell))

    def _line(self, texts: Sequence[str]) -> bytes:
        line = io.StringIO()
        csv.writer(line, delimiter=self._separator).writerow(texts)
        return line.getvalue().encode()


def guarded(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula.

    Also behind a sign that separates cells elsewhere: who opens the file by other rules would begin a cell there.
    """
    text = INNER_START.sub(r"\1'", text)
    begins = text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if begins else text
