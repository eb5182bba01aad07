"""Lists by keyset: every row once, in order, whatever happens between two pages."""

from typing import Any

import pytest
from django.core import signing
from rest_framework.test import APIClient

from tests.factories.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.views")]

USERS = "/monetization/users"


def _walk(path: str) -> list[int]:
    found, following = [], path
    while following:
        answer = APIClient().get(following).json()
        found += [row["id"] for row in answer["results"]]
        following = answer["next"]
    return found


def test_walk_yields_every_row_once_in_order() -> None:
    users = [make_user(last_name=f"n{number % 3}") for number in range(11)]
    expected = [user.pk for user in sorted(users, key=lambda user: (user.last_name, user.pk), reverse=True)]
    for size in (1, 2, 3, 10, 11, 12, 100):
        assert _walk(f"{USERS}?page_size={size}") == expected


def test_last_page_has_no_next() -> None:
    make_user()
    assert APIClient().get(USERS).json()["next"] is None


def test_rows_added_before_the_cursor_do_not_shift_the_next_page() -> None:
    users = [make_user(last_name="m") for _ in range(4)]
    first = APIClient().get(f"{USERS}?page_size=2").json()
    make_user(last_name="z")
    second = APIClient().get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [users[1].pk, users[0].pk]


def test_next_keeps_the_page_size_and_the_filters() -> None:
    for _ in range(3):
        make_user()
    assert "page_size=1" in APIClient().get(f"{USERS}?page_size=1&extra=x").json()["next"]
    assert "extra=x" in APIClient().get(f"{USERS}?page_size=1&extra=x").json()["next"]


@pytest.mark.parametrize("size", ["0", "101", "-1", "1.5", "", "x", "1000000000", "٣"])
def test_page_size_out_of_range_is_refused(size: str) -> None:
    _assert_invalid(APIClient().get(USERS, {"page_size": size}), "page_size")


@pytest.mark.parametrize("cursor", ["", "x", "eyJhIjoxfQ:1:abc", "null"])
def test_unsigned_cursor_is_refused(cursor: str) -> None:
    _assert_invalid(APIClient().get(USERS, {"cursor": cursor}), "cursor")


def test_cursor_of_another_list_is_refused() -> None:
    forged = signing.dumps(["a", 1], salt="sunusav.api.pagination/monetization/other")
    _assert_invalid(APIClient().get(USERS, {"cursor": forged}), "cursor")


def _assert_invalid(response: Any, field: str) -> None:
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
