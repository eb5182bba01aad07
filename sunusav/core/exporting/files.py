"""The files of exports: a private folder each, under a name that nobody can guess.

Every claim appends to a file of its own, and only as many of its bytes count as the row says: what a killed worker
wrote but did not record is never read, and a frozen one that goes on disturbs nobody.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from sunusav.core.exporting.writers import Writer
from sunusav.core.models import Export

BLOCK = 1_048_576
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def open_segment(export: Export) -> BinaryIO:
    """Open the empty file of the present claim."""
    _make_folder(export)
    return _create(_segment(export, export.claim))


def sync(file: BinaryIO) -> int:
    """Put what was written on the disk, before the row says that it is there; return how long the file is."""
    file.flush()
    os.fsync(file.fileno())
    return file.tell()


def finish(export: Export, writer: Writer) -> int:
    """Make the finished file of the present claim from the segments; return its size in bytes."""
    _make_folder(export)
    path = finished_path(export)
    draft = path.with_suffix(".draft")
    with _create(draft) as file:
        writer.finish(_written(export), file)
        size = sync(file)
    draft.replace(path)
    return size


def finished_path(export: Export) -> Path:
    """Return the path of the finished file. The claim that made an export ready is its last."""
    return _folder(export.folder) / f"{export.claim}.{export.file_format}"


def delete_files(folder: str) -> None:
    """Delete what there is of an export."""
    if _folder(folder).exists():
        shutil.rmtree(_folder(folder))


def delete_segments(export: Export) -> None:
    """Delete what the finished file was made from."""
    for path in _folder(export.folder).glob("*.rows"):
        path.unlink(missing_ok=True)


def stored_folders() -> list[str]:
    """Return the names of the folders that exist."""
    root: Path = settings.EXPORTS_DIR
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.exists() else []


def _written(export: Export) -> Iterator[bytes]:
    """Yield the bytes of the rows in blocks. Raises: EOFError when the disk lost some."""
    for claim, length in export.segments:
        with _segment(export, claim).open("rb") as file:
            left = length
            while left:
                block = file.read(min(BLOCK, left))
                if not block:
                    raise EOFError(f"segment {claim} of {export} is {left} bytes short")
                left -= len(block)
                yield block


def _segment(export: Export, claim: int) -> Path:
    return _folder(export.folder) / f"{claim}.rows"


def _folder(name: str) -> Path:
    root: Path = settings.EXPORTS_DIR
    return root / name


def _make_folder(export: Export) -> None:
    settings.EXPORTS_DIR.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    _folder(export.folder).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE), "wb")
