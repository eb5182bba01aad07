"""CSV for programs: the same bytes in every language, so that its hash can be printed, and checked by anybody."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final

from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers.base import digits_of, is_number, text_of
from sunusav.core.exporting.writers.csv_file import guarded

CONTENT_TYPE: Final = "text/csv; charset=utf-8"
ROWS_PER_BLOCK: Final = 500


def plain_csv(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a CSV file in blocks: commas, decimal points, datetimes in UTC, lines that end by a line feed."""
    block = io.StringIO()
    writer = csv.writer(block, lineterminator="\n")
    writer.writerow(names)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_written(cell) for cell in row])
        if number % ROWS_PER_BLOCK == 0:
            yield _taken(block)
    yield _taken(block)


def sha256_of(blocks: Iterable[bytes]) -> str:
    """Return the SHA-256 hash of a file, in hexadecimal digits."""
    digest = sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def _taken(block: io.StringIO) -> bytes:
    """Return what was written since the last block."""
    written = block.getvalue().encode()
    block.seek(0)
    block.truncate()
    return written


def _written(cell: Cell) -> str:
    if is_number(cell):
        return digits_of(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return text_of(cell) if isinstance(cell, date) else guarded(text_of(cell))
