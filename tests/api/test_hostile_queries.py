"""Whatever a client puts into a path or a query, the API answers with what is there or a refusal, never with a 500."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import URLResolver, get_resolver

from sunusav.core.roles import Role
from tests.factories.users import client_of, make_user

pytestmark = pytest.mark.django_db

VALUES = (
    "", "-1", "0", "x", "9" * 18, "9" * 30, "9" * 5_000, "a\x00b", "\u0661\u0662", "\ufffd", "nan", "[1]", "9999-12-31",
    "0001-01-01T00:00:00+14:00",
)  # fmt: skip
PLACE = re.compile(r"<(?:\w+:)?\w+>")


def _routes(resolver: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one, route)
        elif route.startswith("monetization/"):
            yield f"/{route}", one.callback


def _parameters(view: Any) -> set[str]:
    """Return the query parameters that the reading methods of a view declare."""
    shown = getattr(view, "cls", None) or getattr(view, "view_class", None)
    names = {"nonsense"}
    for method in {"get", *getattr(view, "actions", {}).values()}:
        declared = getattr(getattr(shown, method, None), "endpoint", None)
        names |= set(declared.query().get_fields()) if declared and declared.query else set()
        names |= {"cursor", "page_size"} if declared and declared.paged else set()
    return names


def test_no_value_in_a_path_or_query_is_an_error_of_ours() -> None:
    client = client_of(make_user(Role.FINANCE, is_superuser=True))
    asked: list[tuple[str, dict[str, str]]] = []
    for route, view in _routes(get_resolver()):
        asked += [(PLACE.sub("1", route), {name: value}) for name in _parameters(view) for value in VALUES]
        if PLACE.search(route):
            places = [quote(value, safe="") for value in VALUES if 0 < len(value) < 100]
            asked += [(PLACE.sub(place.replace("\\", r"\\"), route), {}) for place in places]

    assert len({name for _url, query in asked for name in query}) > 5
    assert [one for one in asked if client.get(*one).status_code >= 500] == []
