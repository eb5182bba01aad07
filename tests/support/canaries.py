"""Canaries: made-up secrets that a test plants, then looks for in every form wherever something is kept or shown."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import md5, sha1, sha256
from typing import Any
from urllib.parse import quote

from django.db import connection

# Shorter texts occur anywhere.
SHORTEST = 6


def require_in_no_row(canaries: Mapping[str, str]) -> None:
    """Fail for a canary in any column of any table of the database, read as raw rows."""
    require_in_none_of({f"table {name}": row for name, row in rows()}, canaries)


def require_in_none_of(texts: Mapping[str, bytes | str], canaries: Mapping[str, str]) -> None:
    """Fail for a text that contains a canary: in clear, escaped, encoded, or as a hash without a key."""
    forms = {form: name for name, canary in canaries.items() for form in forms_of(canary)}
    found = sorted(
        f"{where} contains {forms[form]}"
        for where, text in texts.items()
        for form in forms
        if form in (text.encode() if isinstance(text, str) else text)
    )
    assert not found, found


def forms_of(canary: str) -> Iterator[bytes]:
    """Yield a text in the forms in which it would leak."""
    assert len(canary) >= SHORTEST, "a short canary is found everywhere"
    plain = canary.encode()
    yield from {plain, canary.lower().encode(), canary.upper().encode()}
    yield json.dumps(canary)[1:-1].encode()
    yield quote(canary, safe="").encode()
    yield base64.b64encode(plain).rstrip(b"=")[:-1]
    yield plain.hex().encode()
    for algorithm in (md5, sha1, sha256):
        digest = algorithm(plain, usedforsecurity=False)
        yield digest.digest()
        yield digest.hexdigest().encode()


def rows() -> Iterator[tuple[str, bytes]]:
    """Yield every row of every table as bytes, whatever models say of them."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for number, row in enumerate(cursor.fetchall()):
                yield f"{table} {number}", b"\n".join(_bytes_of(row))


def _bytes_of(row: Iterable[Any]) -> Iterator[bytes]:
    for value in row:
        yield bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
