"""Rows of a CSV file, within bounds."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from transfers.statement_errors import StatementFileTooLarge, StatementFileUnreadable
from transfers.statements.cells import MAX_CELL, MAX_COLUMNS, MAX_ROWS_READ, Row

UTF_8: Final = "utf-8"
ENCODINGS: Final = (UTF_8, "cp1252")
DELIMITERS: Final = (";", ",", "\t", "|")


def csv_rows(content: bytes, *, encoding: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows that have cells, each with the number of its first line.

    Raises: StatementFileUnreadable, StatementFileTooLarge.
    """
    lines = io.StringIO(_decoded(content, encoding), newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            if cells:
                yield number, list(_bounded(cells))
            number = reader.line_num + 1
            if number > MAX_ROWS_READ:
                raise StatementFileTooLarge(too_many="rows", maximum=MAX_ROWS_READ)
    except csv.Error:
        raise StatementFileUnreadable(why="file_is_no_csv") from None


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode("utf-8-sig" if encoding == UTF_8 else encoding)
    except UnicodeDecodeError:
        raise StatementFileUnreadable(why="file_has_another_encoding") from None


def _bounded(cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise StatementFileTooLarge(too_many="columns", maximum=MAX_COLUMNS)
    if any(len(cell) > MAX_CELL for cell in cells):
        raise StatementFileTooLarge(too_many="characters", maximum=MAX_CELL)
    return cells
