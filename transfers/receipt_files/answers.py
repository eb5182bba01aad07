"""The files of an issued receipt, as answers to a browser. The caller decides who may have them, with which headers."""

from collections.abc import Mapping

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from sunusav.core.exporting.plain_csv import CONTENT_TYPE
from sunusav.core.exporting.writers.xlsx_file import XlsxWriter
from transfers.document_errors import ReceiptLinkUnknown
from transfers.receipt_files.lines import csv_of, fits_spreadsheet, has_lines, printed_lines, xlsx_of
from transfers.receipt_files.paper import paper_of
from transfers.receipt_files.pdf import pdf_of
from transfers.types import IssuedReceiptFacts


def pdf_answer(receipt: IssuedReceiptFacts, *, language: str, headers: Mapping[str, str]) -> HttpResponse:
    """Return the PDF of a receipt."""
    paper, lines = paper_of(receipt, language=language), printed_lines(receipt, language=language)
    named = {
        **headers,
        "Content-Language": paper.language,
        "Content-Disposition": f'inline; filename="{paper.number}-{paper.language}.pdf"',
    }
    return HttpResponse(pdf_of(paper, lines), content_type="application/pdf", headers=named)


def csv_answer(receipt: IssuedReceiptFacts, *, headers: Mapping[str, str]) -> StreamingHttpResponse:
    """Return the file of lines of a receipt, as it is read. Raises: ReceiptLinkUnknown where it has none."""
    if not has_lines(receipt):
        raise ReceiptLinkUnknown
    named = {**headers, "Content-Disposition": f'attachment; filename="{receipt.number}.csv"'}
    return StreamingHttpResponse(csv_of(receipt), content_type=CONTENT_TYPE, headers=named)


def xlsx_answer(receipt: IssuedReceiptFacts, *, language: str, headers: Mapping[str, str]) -> FileResponse:
    """Return the lines of a receipt as a workbook. Raises: ReceiptLinkUnknown where it has none, or too many."""
    if not fits_spreadsheet(receipt):
        raise ReceiptLinkUnknown
    named = {**headers, "Content-Language": language}
    return FileResponse(
        xlsx_of(receipt, language=language), as_attachment=True, filename=f"{receipt.number}-{language}.xlsx",
        content_type=XlsxWriter.content_type, headers=named,
    )  # fmt: skip
