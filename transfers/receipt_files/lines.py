"""The lines behind a receipt: the CSV whose hash is printed on it, and the same lines as a workbook and in its PDF."""

from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from django.utils.translation import override

from sunusav.core.exporting.columns import code_or_text
from sunusav.core.exporting.plain_csv import plain_csv
from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers import Sheet
from sunusav.core.exporting.writers.pdf_file import shown
from sunusav.core.exporting.writers.xlsx_file import MOST_ROWS, XlsxWriter
from transfers.document_queries import receipt_kind
from transfers.types import IssuedReceiptFacts, ReceiptLines

# Totals below the lines.
MOST_TOTALS: Final = 10
# Units: bytes. A larger workbook is written to the disk meanwhile.
KEPT_IN_MEMORY: Final = 5_000_000
# Lines that are printed; with more, the PDF has the totals alone.
MOST_PRINTED: Final = 1_000


def has_lines(receipt: IssuedReceiptFacts) -> bool:
    return receipt_kind(receipt.kind).lines is not None


def fits_spreadsheet(receipt: IssuedReceiptFacts) -> bool:
    """Return whether a receipt has lines, and no more than a sheet holds."""
    return has_lines(receipt) and receipt.facts["lines_count"] + MOST_TOTALS <= MOST_ROWS


def routes_of(receipt: IssuedReceiptFacts) -> list[str]:
    """Return the names of the pages and files that a link shows of a receipt."""
    files = [("receipt-csv", has_lines(receipt)), ("receipt-xlsx", fits_spreadsheet(receipt))]
    return ["receipt", "receipt-pdf", *(name for name, is_there in files if is_there)]


def csv_of(receipt: IssuedReceiptFacts) -> Iterator[bytes]:
    """Yield the file of lines in blocks, read as they are sent."""
    lines, key = _lines_of(receipt)
    return plain_csv(lines.codes, lines.rows(key))


def xlsx_of(receipt: IssuedReceiptFacts, *, language: str) -> IO[bytes]:
    """Return a workbook of the lines, in that language."""
    lines, key = _lines_of(receipt)
    with override(language):
        writer = XlsxWriter(
            Sheet(
                title=receipt.number, about="", heads=heads_of(lines), language=language,
                requester=receipt.issuer.legal_name, requested_at=receipt.issued_at,
            )
        )  # fmt: skip
        file: IO[bytes] = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115  (the answer closes it)
        rows = (writer.row(number, named(cells)) for number, cells in enumerate(lines.rows(key), start=1))
        writer.finish(rows, file)  # type: ignore[arg-type]  # what it writes to
    file.seek(0)
    return file


def printed_lines(receipt: IssuedReceiptFacts, *, language: str) -> list[list[str]]:
    """Return the head and the lines of a receipt as its PDF prints them; nothing where they are too many, or none."""
    if not has_lines(receipt) or receipt.facts["lines_count"] > MOST_PRINTED:
        return []
    lines, key = _lines_of(receipt)
    with override(language):
        table = [heads_of(lines), *([shown(cell) for cell in named(cells)] for cells in lines.rows(key))]
    return [[row[place] for place in lines.printed] for row in table]


def heads_of(lines: ReceiptLines) -> list[str]:
    """Return the heads of the columns in the reader's language."""
    return [f"{label} ({unit})" if unit else str(label) for label, unit in lines.heads]


def named(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells of a line with the label of what it is."""
    return [code_or_text(cells[0]), *cells[1:]]


def _lines_of(receipt: IssuedReceiptFacts) -> tuple[ReceiptLines, int]:
    what = receipt_kind(receipt.kind)
    assert what.lines is not None, "asked before"  # noqa: S101  (a programmer's mistake)
    return what.lines, what.key_of(receipt.subject)
