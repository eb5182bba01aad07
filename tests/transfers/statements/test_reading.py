"""Files are read exactly, or not at all: what a statement cannot have is refused with its row and the reason."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sunusav.core.errors import DomainError
from tests.transfers.statements.files import HEADER, MAIN, csv_file, inline, layout, packed, sheet, xlsx_file
from transfers.statement_enums import AmountReading
from transfers.statement_errors import (
    StatementColumnsDiffer,
    StatementEmpty,
    StatementFileTooLarge,
    StatementFileUnreadable,
    StatementRowsRefused,
)
from transfers.statements import reading
from transfers.statements.reading import ReadLine, read_statement, without_phones

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def read(content: bytes, **changes: Any) -> list[ReadLine]:
    return read_statement(content, layout(**changes))


def amounts(content: bytes, **changes: Any) -> list[Decimal]:
    return [line.amount_xof for line in read(content, **changes)]


def why(content: bytes, **changes: Any) -> list[tuple[int, str]]:
    with pytest.raises(StatementRowsRefused) as refusal:
        read(content, **changes)
    rows: list[dict[str, Any]] = refusal.value.facts["first_rows"]
    return [(row["row"], row["why"]) for row in rows]


def refused(content: bytes, **changes: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        read(content, **changes)
    return refusal.value


def test_read_csv_keeps_every_column_exactly() -> None:
    assert read(csv_file("TX-1;02/03/2026;-3,04;0,5;  Payout\u00a0 2 ")) == [
        ReadLine(2, "TX-1", Decimal("-3.04"), Decimal("0.5"), DAY, "Payout 2")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_read_csv_with_or_without_byte_order_mark(encoding: str) -> None:
    assert amounts(csv_file("é;02/03/2026;1;;", encoding=encoding)) == [Decimal(1)]


def test_read_csv_in_cp1252_only_if_the_format_says_so() -> None:
    content = csv_file("é;02/03/2026;1;;", encoding="cp1252")

    assert read(content, encoding="cp1252")[0].reference == "é"
    assert refused(content).facts == {"why": "file_has_another_encoding"}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234,5", "1234.5"), ("1\u00a0234,5", "1234.5"), ("1\u202f234", "1234"), ("-3,0400", "-3.04"),
        ("\u2212 7", "-7"), ("+7", "7"), ("99999999999,9999", "99999999999.9999"),
    ],
)  # fmt: skip
def test_read_amount_with_blanks_and_signs(text: str, amount: str) -> None:
    assert amounts(csv_file(f"r;02/03/2026;{text};;")) == [Decimal(amount)]


def test_read_amount_with_thousands_mark() -> None:
    marks = {"decimal_mark": ".", "thousands_mark": ","}

    assert amounts(csv_file("r;02/03/2026;1,234,567.89;;"), **marks) == [Decimal("1234567.89")]
    assert why(csv_file("r;02/03/2026;1,23;;"), **marks) == [(2, "amount_is_no_number")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "amount_is_no_number"), ("Infinity", "amount_is_no_number"), ("1e400", "amount_is_no_number"),
        ("١٢", "amount_is_no_number"), ("1.5", "amount_is_no_number"), ("1,5,5", "amount_is_no_number"),
        ("0x10", "amount_is_no_number"), ("1_000", "amount_is_no_number"), ("", "amount_is_missing"),
        ("0", "amount_is_zero"), ("-0,0", "amount_is_zero"), ("1,00001", "amount_has_too_many_decimals"),
        ("100000000000", "amount_out_of_range"), ("9" * 400, "amount_out_of_range"), ("=1+1", "cell_is_formula"),
    ],
)  # fmt: skip
def test_read_amount_that_is_none_is_refused(text: str, reason: str) -> None:
    assert why(csv_file("r;02/03/2026;1;;", f"r;02/03/2026;{text};;")) == [(3, reason)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "day_is_missing"), ("2026-03-02", "day_has_another_format"), ("31/02/2026", "day_has_another_format"),
        ("02/03/1999", "day_out_of_range"), ("02/03/9999", "day_out_of_range"),
    ],
)  # fmt: skip
def test_read_day_that_is_none_is_refused(text: str, reason: str) -> None:
    assert why(csv_file(f"r;{text};1;;")) == [(2, reason)]


def test_read_moment_with_another_zone_in_utc() -> None:
    found = read(csv_file("r;2026-03-02T01:30:00+02:00;1;;"), moment_format="iso")

    assert found[0].happened_at == datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def test_read_debit_and_credit_columns() -> None:
    form = {
        "amount_reading": AmountReading.DEBIT_CREDIT,
        "amount_column": "",
        "debit_column": "D",
        "credit_column": "C",
    }
    rows = ("r;02/03/2026;5;;;", "r;02/03/2026;;7;;", "r;02/03/2026;0;2;;")
    content = csv_file(*rows, header="Reference;Date;D;C;Fee;Note")

    assert amounts(content, **form) == [Decimal(-5), Decimal(7), Decimal(2)]
    wrong = ("r;02/03/2026;5;7;;", "r;02/03/2026;;;;", "r;02/03/2026;-5;;;")
    assert why(csv_file(*wrong, header="Reference;Date;D;C;Fee;Note"), **form) == [
        (2, "debit_and_credit"), (3, "amount_is_missing"), (4, "debit_or_credit_is_negative"),
    ]  # fmt: skip


def test_read_negated_amounts() -> None:
    assert amounts(csv_file("r;02/03/2026;5;;"), amount_reading=AmountReading.NEGATED) == [Decimal(-5)]


def test_read_skips_rows_above_the_header_and_blank_ones() -> None:
    content = csv_file("Reference;Date;Amount;Fee;Note", "", ";;;;", "r;02/03/2026;1;;", header="Account 17")

    assert [line.row_number for line in read(content, header_row=2)] == [5]


def test_read_header_without_regard_to_case_and_blanks() -> None:
    assert amounts(csv_file("r;02/03/2026;1;;", header=" REFERENCE ;date;Amount;fee;note")) == [Decimal(1)]


def test_read_header_that_lacks_or_repeats_a_column_is_refused() -> None:
    refusal = refused(csv_file("r;1;1;1", header="Reference;Amount;amount;Note"))

    assert isinstance(refusal, StatementColumnsDiffer)
    assert refusal.facts == {"missing_columns": ["Date", "Fee"], "repeated_columns": ["Amount"]}


def test_read_repeated_header_of_an_unused_column_is_no_matter() -> None:
    assert amounts(csv_file("r;02/03/2026;1;;;;", header=";".join((*HEADER, "x", "x")))) == [Decimal(1)]


def test_read_row_with_too_many_cells_is_refused() -> None:
    assert why(csv_file("r;02/03/2026;1;;;;", "r;02/03/2026;1;;;more")) == [(3, "row_has_too_many_cells")]


def test_read_file_with_many_bad_rows_names_the_first_and_counts_all() -> None:
    refusal = refused(csv_file(*["r;02/03/2026;x;;"] * 50))

    assert (refusal.facts["refused"], len(refusal.facts["first_rows"])) == (50, reading.REFUSED_SHOWN)


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", csv_file(), csv_file(";;;;")])
def test_read_file_without_lines_is_refused(content: bytes) -> None:
    assert isinstance(refused(content), StatementEmpty)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><table><tr><td>1</td></tr></table></html>", "file_is_markup"),
        (b"\xef\xbb\xbf \n<?xml version='1.0'?>", "file_is_markup"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "file_is_old_excel"),
        (b"Reference\x00;Date", "file_is_binary"),
        (csv_file('"r;02/03/2026;1;;'), "file_is_no_csv"),
        (b"PK\x03\x04 and then nothing", "file_is_damaged"),
    ],
)
def test_read_file_that_is_no_statement_is_refused(content: bytes, reason: str) -> None:
    refusal = refused(content)

    assert (type(refusal), refusal.facts) == (StatementFileUnreadable, {"why": reason})


def test_read_file_beyond_the_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(bytes(10_000_001)).facts == {"too_many": "bytes", "maximum": 10_000_000}
    assert refused(b";" * 100_000).facts == {"too_many": "columns", "maximum": 100}
    assert refused(csv_file(f"{'r' * 2_001};02/03/2026;1;;")).facts == {
        "too_many": "characters",
        "maximum": 2_000,
    }
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    assert refused(csv_file(*["r;02/03/2026;1;;"] * 3)).facts == {"too_many": "rows", "maximum": 2}


def test_read_100_000_rows_and_not_one_more() -> None:
    rows = ["r;02/03/2026;1;;"] * 100_000

    assert len(read(csv_file(*rows))) == 100_000
    assert refused(csv_file(*rows, rows[0])).facts == {"too_many": "rows", "maximum": 100_000}


# XLSX


def test_read_xlsx_numbers_as_shown_and_days() -> None:
    content = xlsx_file(
        ("TX-1", date(2026, 3, 2), 0.1 + 0.2, 3.04, "a note"), (17, "02/03/2026", "-1 234,5", "", ""),
    )  # fmt: skip

    assert read(content) == [
        ReadLine(2, "TX-1", Decimal("0.3"), Decimal("3.04"), DAY, "a note"),
        ReadLine(3, "17", Decimal("-1234.5"), None, DAY, ""),
    ]


def test_read_xlsx_with_a_formula_is_refused() -> None:
    assert why(xlsx_file(("r", "02/03/2026", "=1+1", "", ""))) == [(2, "cell_is_formula")]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("1e400", "amount_is_no_number"), ("NaN", "amount_is_no_number"), ("INF", "amount_is_no_number"),
        ("-0", "amount_is_zero"), ("1e12", "amount_out_of_range"), ("1e-9", "amount_has_too_many_decimals"),
    ],
)  # fmt: skip
def test_read_xlsx_number_that_is_no_amount_is_refused(stored: str, reason: str) -> None:
    content = packed(sheet(inline(*HEADER), f"{inline('r', '02/03/2026')}<c><v>{stored}</v></c>"))

    assert why(content) == [(2, reason)]


def test_read_xlsx_with_columns_beyond_the_bound_is_refused() -> None:
    content = packed(sheet('<c r="XFD1" t="inlineStr"><is><t>a</t></is></c>'))

    assert refused(content).facts == {"too_many": "columns", "maximum": 100}
    assert refused(packed(sheet("<c/>" * 100_000))).facts == {"too_many": "columns", "maximum": 100}


def test_read_xlsx_that_unpacks_to_too_much_is_refused() -> None:
    bomb = packed(sheet(inline(*HEADER)) + " " * 160_000_000)
    assert len(bomb) < 200_000

    refusal = refused(bomb)

    assert isinstance(refusal, StatementFileTooLarge)
    assert refusal.facts == {"too_many": "bytes", "maximum": 150_000_000}


def test_read_xlsx_with_a_document_type_is_refused() -> None:
    entities = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c SYSTEM "file:///etc/passwd">]>'

    assert refused(packed(entities + sheet(inline("&c;")))).facts == {"why": "file_declares_document_type"}


SHARED = {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>only</t></si></sst>'}


@pytest.mark.parametrize(
    "content",
    [
        packed("<worksheet>"), packed(sheet('<c t="s"><v>x</v></c>')), packed(sheet('<c s="x"/>')),
        packed(sheet('<c t="s"><v>-1</v></c>'), **SHARED), packed(sheet('<c t="s"><v>1</v></c>'), **SHARED),
        packed(sheet('<c s="-1"/>')), packed(sheet("<c/>").replace('r="1"', 'r="-1"')), packed(sheet())[:-200],
        packed(sheet(), **{"xl/workbook.xml": "<workbook/>"}),
        packed(sheet(), **{"xl/_rels/workbook.xml.rels": '<a><Relationship Id="r1" Target="../../etc"/></a>'}),
    ],
)  # fmt: skip
def test_read_xlsx_that_is_damaged_is_refused(content: bytes) -> None:
    assert refused(content).facts == {"why": "file_is_damaged"}


def test_read_xlsx_with_a_long_text_is_refused() -> None:
    assert refused(packed(sheet(inline("r" * 2_001)))).facts == {"too_many": "characters", "maximum": 2_000}


def test_read_zip_that_is_no_workbook_is_refused() -> None:
    import io

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("a.txt", "nothing")

    assert refused(file.getvalue()).facts == {"why": "file_is_damaged"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("To 77 123 45 67 for March", "To …67 for March"), ("+221771234567", "…67"),
        ("Payout 2026-03-02 10", "Payout 2026-03-02 10"),
        ("ref 123456789012", "ref 123456789012"),
    ],
)  # fmt: skip
def test_read_text_keeps_no_phone(text: str, kept: str) -> None:
    assert without_phones(text) == kept
