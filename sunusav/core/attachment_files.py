"""The files of attachments: in one private folder, under random names."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from django.conf import settings

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
BLOCK: Final = 65_536
NAME_BYTES: Final = 32
STORED_NAME: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Written:
    """How long a file that is on the disk is, and its hash."""

    size_bytes: int
    sha256: str


def new_name() -> str:
    """Return a name that nobody can guess."""
    return token_hex(NAME_BYTES)


def write(stored_name: str, blocks: Iterable[bytes]) -> Written:
    """Write a new file and put it on the disk, before a row says that it is there."""
    digest, size = sha256(), 0
    _make_folder()
    with _create(_path(stored_name)) as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            size += len(block)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder()
    return Written(size, digest.hexdigest())


def read(stored_name: str, *, most_bytes: int) -> bytes:
    """Return the content of a file, at most this much of it. Raises: FileNotFoundError."""
    with _path(stored_name).open("rb") as file:
        return file.read(most_bytes)


def size_of(stored_name: str) -> int | None:
    """Return how long a file is; None if there is none."""
    path = _path(stored_name)
    return path.stat().st_size if path.is_file() else None


def hash_of(stored_name: str) -> str:
    """Return the hash of a file, read in blocks."""
    digest = sha256()
    with _path(stored_name).open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def delete(stored_name: str) -> None:
    """Delete a file, if there is one."""
    _path(stored_name).unlink(missing_ok=True)


def written_before(moment: datetime) -> list[str]:
    """Return the names of the files that nobody has written to since a moment.

    Files that have no name of ours are not among them: the folder of the settings may be a wrong one.
    """
    return sorted(path.name for path in _files() if _is_written_before(path, moment))


def _files() -> Iterator[Path]:
    if _root().exists():
        yield from (path for path in _root().iterdir() if STORED_NAME.fullmatch(path.name) and path.is_file())


def _is_written_before(path: Path, moment: datetime) -> bool:
    try:
        written_at = path.stat().st_mtime
    except FileNotFoundError:  # refused meanwhile
        return False
    return written_at < moment.timestamp()


def _root() -> Path:
    root: Path = settings.ATTACHMENTS_DIR
    return root


def _path(stored_name: str) -> Path:
    return _root() / stored_name


def _make_folder() -> None:
    _root().mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE), "wb")


def _sync_folder() -> None:
    """Put the file's name on the disk too: `fsync` of a file does not."""
    folder = os.open(_root(), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
