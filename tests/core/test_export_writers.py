"""The three formats hold the same rows and totals, in the language of the person, and start no formula."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.utils import translation

from sunusav.core.exporting.columns import amount, sats_of
from sunusav.core.exporting.types import Cell, Column
from sunusav.core.exporting.writers import WRITERS, Sheet, Writer
from sunusav.core.exporting.writers.csv_file import guarded
from sunusav.core.exporting.writers.pdf_file import FOOT, LINE_HEIGHT, _Pages
from sunusav.core.exporting.writers.xlsx_file import MOST_ROWS

AT = datetime(2026, 1, 31, 9, 30, 15, 123_456, tzinfo=UTC)
HEADS = ("Subject", "Net (sats)", "Paid (F CFA)", "When (Dakar time)", "Day", "Reversed")
ROWS: list[tuple[Cell, ...]] = [
    ("cycle:médina", 29_850, Decimal("16117.50"), AT, date(2026, 1, 31), False),
    ("=1+1", Decimal("1.500"), -3, None, None, True),
    ("", 0, None, AT, None, None),
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("http://x")']


def writer(file_format: str, *, language: str = "en", heads: Sequence[str] = HEADS) -> Writer:
    return WRITERS[file_format](
        Sheet(title="Payments", about="", heads=heads, language=language, requester="awa", requested_at=AT)
    )


def written(file_format: str, rows: Sequence[Sequence[Cell]], **facts: Any) -> bytes:
    out, one = io.BytesIO(), writer(file_format, **facts)
    one.finish([one.row(number, row) for number, row in enumerate(rows, start=1)], out)
    return out.getvalue()


def sheet_of(content: bytes) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [tuple(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def csv_of(content: bytes, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))


def test_csv_in_english_has_commas_and_decimal_points() -> None:
    content = written("csv", ROWS)

    assert content.startswith(b"\xef\xbb\xbfSubject,")
    assert csv_of(content) == [
        list(HEADS),
        ["cycle:médina", "29850", "16117.5", "2026-01-31 09:30:15", "2026-01-31", "No"],
        ["'=1+1", "1.5", "-3", "", "", "Yes"],
        ["", "0", "", "2026-01-31 09:30:15", "", ""],
    ]


def test_csv_in_french_has_semicolons_and_decimal_commas() -> None:
    with translation.override("fr"):
        content = written("csv", ROWS, language="fr")

    assert csv_of(content, ";")[1:3] == [
        ["cycle:médina", "29850", "16117,5", "2026-01-31 09:30:15", "2026-01-31", "Non"],
        ["'=1+1", "1,5", "-3", "", "", "Oui"],
    ]


def test_xlsx_has_numbers_and_moments_as_such() -> None:
    rows = sheet_of(written("xlsx", ROWS))

    assert rows == [
        HEADS,
        ("cycle:médina", 29_850, 16_117.5, datetime(2026, 1, 31, 9, 30, 15), datetime(2026, 1, 31), "No"),  # noqa: DTZ001
        ("=1+1", 1.5, -3, None, None, "Yes"),
        (None, 0, None, datetime(2026, 1, 31, 9, 30, 15), None, None),  # noqa: DTZ001
    ]


def test_totals_are_equal_in_every_format() -> None:
    rows = [(f"cycle:{number}", number * 1_000, Decimal(number) / 8) for number in range(1, 501)]
    heads = ("Subject", "Net (sats)", "Paid (F CFA)")
    sats, francs = sum(row[1] for row in rows), sum(row[2] for row in rows)

    from_csv = csv_of(written("csv", rows, heads=heads))[1:]
    from_xlsx = sheet_of(written("xlsx", rows, heads=heads))[1:]
    pdf = writer("pdf", heads=heads)
    from_pdf = [json.loads(pdf.row(number, row)) for number, row in enumerate(rows, start=1)]

    for read in (from_csv, from_xlsx, [[text for text, _ in row] for row in from_pdf]):
        assert len(read) == len(rows)
        assert sum(Decimal(str(row[1]).replace(" ", "")) for row in read) == sats
        assert sum(Decimal(str(row[2]).replace(" ", "")) for row in read) == francs


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_is_none(text: str) -> None:
    # A tab and a line feed end a cell where a file is read by other rules.
    expected = {"\t=1": "'\t'=1", "\r=1": "'\r'=1"}.get(text, f"'{text}")
    assert csv_of(written("csv", [(text,)], heads=("a",)))[1] == [expected]

    book = openpyxl.load_workbook(io.BytesIO(written("xlsx", [(text,)], heads=("a",))))
    assert book.worksheets[0]["A2"].data_type == "s"
    with zipfile.ZipFile(io.BytesIO(written("xlsx", [(text,)], heads=("a",)))) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", ["awa,=1+1", "awa;@SUM(A1)", "awa\t+1", 'awa, "=1', "awa\n=1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_text_is_no_formula_either_where_a_spreadsheet_separates_otherwise(
    text: str, separator: str, language: str
) -> None:
    content = written("csv", [("first", text)], heads=("a", "b"), language=language)

    cells = [cell.lstrip(' "') for line in csv_of(content, separator) for cell in line]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


@pytest.mark.parametrize("text", ["awa", "cycle:1", "a=b", "1-2", "…", "–"])
def test_other_text_is_unchanged(text: str) -> None:
    assert guarded(text) == text


def test_negative_numbers_stay_numbers() -> None:
    assert csv_of(written("csv", [(-5, Decimal("-0.5"))], heads=("a", "b")))[1] == ["-5", "-0.5"]
    assert sheet_of(written("xlsx", [(-5, Decimal("-0.5"))], heads=("a", "b")))[1] == (-5, -0.5)


def test_headers_that_look_like_formulas_are_none() -> None:
    assert csv_of(written("csv", [], heads=("=1",))) == [["'=1"]]


@pytest.mark.parametrize(
    ("text", "read"),
    [("<b>&\"'", "<b>&\"'"), ("a\x00b\x1f", "ab"), ("a\nb", "a\nb"), ("\ud800", None)],
)
def test_xlsx_keeps_text_as_it_is(text: str, read: str | None) -> None:
    assert sheet_of(written("xlsx", [(text, 1)], heads=("a", "b")))[1] == (read, 1)


def test_xlsx_escapes_what_excel_would_read_as_a_character() -> None:
    assert b">_x005F_x000D_ _x12_<" in writer("xlsx").row(1, ["_x000D_ _x12_", *ROWS[0][1:]])


def test_whole_number_that_a_spreadsheet_would_round_is_text() -> None:
    assert sheet_of(written("xlsx", [(10**15, 10**15 - 1)], heads=("a", "b")))[1] == (str(10**15), 10**15 - 1)


def test_decimal_that_a_spreadsheet_would_round_is_text() -> None:
    rows = [(Decimal("123456789012.125"), Decimal("1234567890123.125"))]
    assert sheet_of(written("xlsx", rows, heads=("a", "b")))[1] == (123456789012.125, "1234567890123.125")


def test_xlsx_marks_a_text_that_a_cell_cannot_hold_whole() -> None:
    [[short, long]] = sheet_of(written("xlsx", [("x" * 32_767, "x" * 32_768)], heads=("a", "b")))[1:]
    assert (short, long) == ("x" * 32_767, "x" * 32_766 + "…")


def test_xlsx_holds_as_many_rows_as_a_sheet() -> None:
    assert MOST_ROWS == 1_048_575
    assert writer("xlsx").row(MOST_ROWS, ROWS[0]).startswith(b'<row r="1048576"><c r="A1048576"')


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "pdf"])
def test_the_same_rows_give_the_same_bytes(file_format: str) -> None:
    assert written(file_format, ROWS) == written(file_format, ROWS)


def test_pdf_has_its_header_on_each_page_and_page_numbers() -> None:
    content = written("pdf", [ROWS[0]] * 200)

    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") > 2
    assert content.count(b"/MediaBox [0 0 841.89 595.28]") >= 1  # A4, landscape


class RecordedPages(_Pages):
    """Pages that keep what is written in a column: on which page, where, and what."""

    def cell(self, *given: Any, **facts: Any) -> bool:
        if len(given) == 3 and self.page_no():
            vars(self).setdefault("kept", []).append((self.page_no(), self.get_y(), str(given[2]).strip()))
        return super().cell(*given, **facts)


def pages_of(rows: Sequence[Sequence[str]], *, about: str = "") -> list[tuple[int, float, str]]:
    sheet = Sheet("Trail", about, ("Subject", "Reason"), "en", "awa", AT)
    read = [[(text, "L") for text in row] for row in rows]
    pages = RecordedPages(sheet, read)
    for row in read:
        pages.write_row(row)
    pages.output()
    kept: list[tuple[int, float, str]] = vars(pages)["kept"]
    bottom = pages.h - FOOT + 0.001
    assert [one for one in kept if one[1] + LINE_HEIGHT > bottom] == []
    return kept


def test_pdf_continues_a_row_that_is_taller_than_a_page_on_the_next() -> None:
    words = [f"w{number}" for number in range(20_000)]

    kept = pages_of([("before", "short"), ("tall", " ".join(words)), ("after", "short")])

    text = " ".join(text for _page, _y, text in kept if text.startswith("w"))
    assert text.split() == words
    assert kept[-2][2] == "after"
    assert sum(text == "Subject" for _page, _y, text in kept) == kept[-1][0] > 2


def test_pdf_keeps_a_row_that_fits_on_a_page_together() -> None:
    rows = [(f"row-{number}", " ".join(["word"] * 700)) for number in range(12)]

    kept = pages_of(rows)

    pages: dict[str, int] = {}
    name = ""
    for page, _y, text in kept:
        name = text if text.startswith("row-") else name
        assert not text.startswith("word") or pages.setdefault(name, page) == page


def test_pdf_leaves_room_for_rows_below_a_long_filter() -> None:
    kept = pages_of([("awa", "short")], about="search: " + "x y " * 5_000)

    assert [text for _page, _y, text in kept][-2:] == ["awa", "short"]


def test_amounts_in_msat_are_sats_with_thousandths_if_any() -> None:
    assert (sats_of(29_850_000), sats_of(1_500), sats_of(-1), sats_of(None)) == (
        29_850, Decimal("1.5"), Decimal("-0.001"), None,
    )  # fmt: skip
    assert (amount("XOF", 700), amount("msat", 2_000)) == (700, 2)


def test_header_names_the_unit() -> None:
    assert Column("net", str, "sats").header == "Net (sats)"
    assert Column("subject", str).header == "Subject"
