"""Lists by keyset: a page starts after the last row of the page before, at the same cost."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from sunusav.api.answers import Page
from sunusav.core.keyset import BadSignature, Position, read_cursor, write_cursor

CURSOR = "cursor"
PAGE_SIZE = "page_size"
PAGE_PARAMETERS = {CURSOR, PAGE_SIZE}
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
_SALT = "sunusav.api.pagination"
_SHORT_NUMBER = re.compile(r"[0-9]{1,3}")

Row = TypeVar("Row")
# A query function: `fetch(after, limit)` returns at most `limit` rows beyond that position, in order.
Fetch = Callable[[Position | None, int], Sequence[Row]]


def page_by(request: Request, fetch: Fetch[Row], *, key: Callable[[Row], Position]) -> Page:
    """Return the requested page of a list.

    Raises: ValidationError for a page size out of range, or a cursor that this list did not give.
    """
    size = _page_size(request)
    found = fetch(_position(request), size + 1)
    shown = list(found[:size])
    return Page(shown, _next_url(request, key(shown[-1])) if len(found) > size else None)


def _page_size(request: Request) -> int:
    given = request.query_params.get(PAGE_SIZE, str(DEFAULT_PAGE_SIZE))
    if not (_SHORT_NUMBER.fullmatch(given) and 1 <= int(given) <= MAX_PAGE_SIZE):
        _refuse(PAGE_SIZE, f"A page has 1 to {MAX_PAGE_SIZE} rows.")
    return int(given)


def _position(request: Request) -> Position | None:
    """Read the cursor. It is signed for its own path, so it holds nothing that we did not write."""
    given = request.query_params.get(CURSOR)
    if given is None:
        return None
    try:
        return read_cursor(given, salt=_SALT + request.path)
    except BadSignature:
        _refuse(CURSOR, "This is not a cursor of this list: take the one in `next`.")
    return None


def _next_url(request: Request, position: Position) -> str:
    cursor = write_cursor(position, salt=_SALT + request.path)
    return str(replace_query_param(request.build_absolute_uri(), CURSOR, cursor))


def _refuse(name: str, message: str) -> None:
    raise ValidationError({name: [ErrorDetail(message, code=name)]})
