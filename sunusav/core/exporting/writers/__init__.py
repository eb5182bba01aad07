"""One writer per format: rows become bytes that are appended to a file, and those bytes become the finished file."""

from typing import Final

from sunusav.core.exporting.writers.base import Sheet, Writer
from sunusav.core.exporting.writers.csv_file import CsvWriter
from sunusav.core.exporting.writers.pdf_file import PdfWriter
from sunusav.core.exporting.writers.xlsx_file import XlsxWriter
from sunusav.core.models import ExportFormat

WRITERS: Final[dict[str, type[Writer]]] = {
    ExportFormat.CSV: CsvWriter,
    ExportFormat.XLSX: XlsxWriter,
    ExportFormat.PDF: PdfWriter,
}

__all__ = ["WRITERS", "Sheet", "Writer"]
