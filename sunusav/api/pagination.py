"""Lists by keyset: a page starts after the last row of the one before, at the same cost."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

CURSOR = "cursor"
PAGE_SIZE = "page_size"
PAGE_PARAMETERS = {CURSOR, PAGE_SIZE}
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
_SALT = "sunusav.api.pagination"
_MOMENT = "@"
_SHORT_NUMBER = re.compile(r"[0-9]{1,3}")

Row = TypeVar("Row")
Stored = TypeVar("Stored", bound=Model)
Position = tuple[Any, ...]


def paged(
    request: Request,
    rows: QuerySet[Stored],
    *,
    ordering: Sequence[str] = ("-pk",),
    serialize: Callable[[Stored], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of a queryset as `{"results": […], "next": url or null}`.

    `ordering` names columns without nulls; the primary key is added when it is not there.
    Raises: ValidationError for a cursor or page size that is not ours.
    """
    order = _with_key(ordering)
    names = [name.lstrip("-") for name in order]

    def fetch(after: Position | None, limit: int) -> Sequence[Stored]:
        beyond = rows.filter(_beyond(order, after)) if after else rows
        return list(beyond.order_by(*order)[:limit])

    return paged_by(
        request, fetch, key=lambda row: tuple(getattr(row, n) for n in names), serialize=serialize
    )


def paged_by(
    request: Request,
    fetch: Callable[[Position | None, int], Sequence[Row]],
    *,
    key: Callable[[Row], Position],
    serialize: Callable[[Row], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of what a query function fetches.

    `fetch(after, limit)` answers at most `limit` rows beyond that key, in order.

    Raises: ValidationError for a cursor or page size that is not ours.
    """
    size = _page_size(request)
    found = fetch(_position(request), size + 1)
    shown = found[:size]
    following = _next_url(request, key(shown[-1])) if len(found) > size else None
    return {"results": [serialize(row) for row in shown], "next": following}


def _with_key(ordering: Sequence[str]) -> list[str]:
    names = {name.lstrip("-") for name in ordering}
    if names & {"pk", "id"}:
        return list(ordering)
    return [*ordering, "-pk" if ordering and ordering[-1].startswith("-") else "pk"]


def _beyond(order: Sequence[str], after: Position) -> Q:
    """Return rows after a position: past it in the first column, or equal there and past it in the next."""
    beyond, equal = Q(), Q()
    for ordered, value in zip(order, after, strict=True):
        name = ordered.lstrip("-")
        beyond |= equal & Q(**{f"{name}__{'lt' if ordered.startswith('-') else 'gt'}": value})
        equal &= Q(**{name: value})
    return beyond


def _page_size(request: Request) -> int:
    given = request.query_params.get(PAGE_SIZE, str(DEFAULT_PAGE_SIZE))
    if not (_SHORT_NUMBER.fullmatch(given) and 1 <= int(given) <= MAX_PAGE_SIZE):
        _refuse(PAGE_SIZE, f"A page has 1 to {MAX_PAGE_SIZE} rows.")
    return int(given)


def _position(request: Request) -> Position | None:
    """Read the cursor; it is signed for its own path, so what it holds is what we wrote."""
    given = request.query_params.get(CURSOR)
    if given is None:
        return None
    try:
        return tuple(_read(value) for value in signing.loads(given, salt=_SALT + request.path))
    except signing.BadSignature:
        _refuse(CURSOR, "This is not a cursor of this list: take the one in `next`.")
    return None


def _next_url(request: Request, position: Position) -> str:
    cursor = signing.dumps([_written(value) for value in position], salt=_SALT + request.path)
    return str(replace_query_param(request.build_absolute_uri(), CURSOR, cursor))


def _written(value: Any) -> Any:
    return {_MOMENT: value.isoformat()} if isinstance(value, datetime) else value


def _read(value: Any) -> Any:
    return datetime.fromisoformat(value[_MOMENT]) if isinstance(value, dict) else value


def _refuse(name: str, message: str) -> None:
    raise ValidationError({name: [ErrorDetail(message, code=name)]})
