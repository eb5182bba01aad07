"""The API answers each URL, method and role as the access table states."""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from sunusav.api.authentication import forget_tokens
from sunusav.core.roles import Role
from tests.architecture.access_table import ACCESS, PUBLIC
from tests.factories.users import client_in

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ADMIN = "admin/"
EXAMPLES = {"str": "x-1", "int": "1"}
# Arguments for which only some values exist.
NAMED = {"code": "not-found"}


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver) and route != ADMIN:
            yield from _routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def _admin_routes() -> list[str]:
    [admin] = [
        e for e in get_resolver().url_patterns if str(e.pattern) == ADMIN and isinstance(e, URLResolver)
    ]
    return [ADMIN + str(entry.pattern) for entry in admin.url_patterns if isinstance(entry, URLPattern)]


def _address(route: str) -> str:
    return "/" + re.sub(r"<(\w+):(\w+)>", lambda found: NAMED.get(found[2], EXAMPLES[found[1]]), route)


def test_every_url_has_a_row_and_every_row_a_url() -> None:
    assert sorted(_routes(get_resolver())) == sorted(ACCESS)


@pytest.fixture
def clients(db: None) -> Iterator[dict[str, APIClient]]:
    forget_tokens()
    yield {"anonymous": APIClient(), **{role.value: client_in(role) for role in Role}}
    forget_tokens()


def _expected(route: str, method: str, caller: str) -> str:
    if method not in ACCESS[route]:
        return "405"
    allowed = ACCESS[route][method]
    if allowed is PUBLIC:
        return "allowed"
    if caller == "anonymous":
        return "401"
    return "allowed" if caller in allowed else "403"


def _found(client: APIClient, route: str, method: str) -> str:
    body: dict[str, object] | None = {} if method in {"POST", "PUT", "PATCH"} else None
    response = getattr(client, method.lower())(_address(route), body)
    is_json = "json" in response.headers.get("Content-Type", "")
    code = response.json().get("code", "") if is_json and response.status_code >= 400 else ""
    assert response.status_code < 500, (route, method, response.content)
    assert code != "not-found", "the URL exists only for another argument"
    # A refusal by an app has a code of its own; only the permission check answers `not-allowed`.
    return (
        str(response.status_code)
        if code in {"not-authenticated", "not-allowed"}
        else _class_of(response.status_code)
    )


def _class_of(status: int) -> str:
    return "405" if status == 405 else "allowed"


@pytest.mark.parametrize("route", sorted(ACCESS))
def test_url_answers_each_method_to_each_role_as_the_table_states(
    route: str, clients: dict[str, APIClient]
) -> None:
    cells = [(method, caller) for method in METHODS for caller in clients]
    found = {cell: _found(clients[cell[1]], route, cell[0]) for cell in cells}
    assert found == {cell: _expected(route, *cell) for cell in cells}


@pytest.mark.django_db
@pytest.mark.parametrize("role", [None, *Role])
def test_admin_without_session_redirects_to_login(role: Role | None) -> None:
    client = APIClient() if role is None else client_in(role)
    routes = [route for route in _admin_routes() if re.fullmatch(r"[\w/-]+", route)]
    public = {"admin/login/", "admin/logout/", "admin/jsi18n/", "admin/language/"}
    assert len(routes) > 3
    for route in set(routes) - public:
        response = client.get("/" + route)
        assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/"), route
