"""Files as partners and banks give them out, and as nobody should."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import xlsxwriter

from transfers.models import StatementFormat
from transfers.statement_enums import AmountReading

HEADER = ("Reference", "Date", "Amount", "Fee", "Note")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def layout(**changes: Any) -> StatementFormat:
    """Return an unsaved format with columns of these names."""
    given: dict[str, Any] = {
        "source": "wave", "version": 1, "reference_column": "Reference", "moment_column": "Date",
        "amount_column": "Amount", "cost_column": "Fee", "text_column": "Note",
        "amount_reading": AmountReading.SIGNED, "encoding": "utf-8", "delimiter": ";", "decimal_mark": ",",
        "thousands_mark": "", "moment_format": "%d/%m/%Y", "header_row": 1,
    }  # fmt: skip
    return StatementFormat(**{**given, **changes})


def csv_file(*rows: str, header: str = ";".join(HEADER), encoding: str = "utf-8") -> bytes:
    return "\r\n".join([header, *rows]).encode(encoding)


def xlsx_file(*rows: tuple[Any, ...], header: tuple[str, ...] = HEADER) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": True}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        for number, row in enumerate([header, *rows]):
            for column, value in enumerate(row):
                style = day if hasattr(value, "year") else None
                sheet.write(number, column, value, style)
    return file.getvalue()


def packed(sheet: str, **parts: str) -> bytes:
    """Return a workbook whose first sheet has this XML."""
    found = {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}"><sheets><sheet name="a" id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels":
            '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet, **parts,
    }  # fmt: skip
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in found.items():
            book.writestr(name, text)
    return file.getvalue()


def sheet(*rows: str) -> str:
    body = "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(rows, 1))
    return f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'


def inline(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
