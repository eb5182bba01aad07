"""Members who leave, people and groups that change, through the API: exact names, exact refusals."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from sunusav.core.privacy import erase
from sunusav.core.roles import Role
from tests.factories.payouts import NOW, make_group
from tests.factories.users import client_in
from tests.payouts.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
ROOT = "/monetization"
GROUP, MEMBER, PERSON = f"{ROOT}/groups/g-1", f"{ROOT}/groups/g-1/members/user-0", f"{ROOT}/members/user-0"


@pytest.fixture
def platform() -> APIClient:
    make_group(members=2, id="g-1")
    return client_in(Role.PLATFORM)


def _problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_delete_member_answers_when_they_left(platform: APIClient) -> None:
    answer = platform.delete(MEMBER)

    left = answer.json()
    assert (answer.status_code, left.pop("left_at").endswith("Z")) == (200, True)
    assert left == {"group_id": "g-1", "user_id": "user-0", "display_name": "A. N.", "phone": "+22177•••••67"}
    assert platform.get(GROUP).json()["members"] == ["user-1"]


def test_delete_member_refusals(platform: APIClient) -> None:
    platform.delete(MEMBER)
    with nothing_changes():
        again = platform.delete(MEMBER)
        assert _problem(again) == (409, "member-left")
        assert again.json()["left_at"].endswith("Z")
        assert _problem(platform.delete(f"{GROUP}/members/nobody")) == (404, "member-not-of-group")
        assert _problem(platform.delete(f"{ROOT}/groups/none/members/user-0")) == (404, "group-missing")


def test_delete_member_with_a_key_answers_the_same_again(platform: APIClient) -> None:
    first, again = (platform.delete(MEMBER, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert (again.status_code, again.json()) == (200, first.json())


def test_member_who_left_joins_again(platform: APIClient) -> None:
    platform.delete(MEMBER)
    answer = platform.post(f"{GROUP}/members", {"user_id": "user-0", "display_name": "Awa Ndiaye"})
    assert (answer.status_code, platform.get(GROUP).json()["members"]) == (201, ["user-0", "user-1"])


def test_patch_member_answers_the_person_in_all_groups(platform: APIClient) -> None:
    make_group(members=1, id="g-0")
    answer = platform.patch(PERSON, {"phone": "+221 77 999 99 99"})

    person = answer.json()
    assert person.pop("phone_replaced_at").endswith("Z")
    assert (answer.status_code, person) == (
        200,
        {"user_id": "user-0", "display_name": "A. N.", "phone": "+22177•••••99", "groups": ["g-0", "g-1"]},
    )


def test_patch_member_with_a_key_is_answered_again_and_refuses_another_body(platform: APIClient) -> None:
    headers: Any = {"HTTP_IDEMPOTENCY_KEY": "once"}
    first = platform.patch(PERSON, {"phone": "+221779999999"}, **headers)
    assert platform.patch(PERSON, {"phone": "+221779999999"}, **headers).json() == first.json()
    again = platform.patch(PERSON, {"phone": "+221779999998"}, **headers)
    assert _problem(again) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    "body", [{}, {"phone": ""}, {"phone": "771234567"}, {"display_name": ""}, {"user_id": "another"}]
)
def test_patch_member_with_a_malformed_body_is_refused(platform: APIClient, body: dict[str, Any]) -> None:
    with nothing_changes():
        assert _problem(platform.patch(PERSON, body)) == (400, "invalid-request")


def test_patch_member_refusals(platform: APIClient) -> None:
    erase("member:user-1", now=NOW)
    with nothing_changes():
        body = {"display_name": "Binta"}
        assert _problem(platform.patch(f"{ROOT}/members/nobody", body)) == (404, "member-missing")
        assert _problem(platform.patch(f"{ROOT}/members/user-1", body)) == (404, "person-erased")


def test_patch_group_answers_the_group(platform: APIClient) -> None:
    answer = platform.patch(GROUP, {"name": "Tontine Dakar", "settlement_partner": "orange"})
    changed = answer.json()
    assert (answer.status_code, changed["name"], changed["settlement_partner"]) == (
        200, "Tontine Dakar", "orange",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid-request"),
        ({"name": ""}, 400, "invalid-request"),
        ({"country": "CI"}, 400, "invalid-request"),
        ({"settlement_partner": "Wave"}, 422, "partner-unknown"),
        ({"settlement_partner": "mtn"}, 422, "partner-serves-elsewhere"),
    ],
)
def test_patch_group_refusals(platform: APIClient, body: dict[str, Any], status: int, code: str) -> None:
    with nothing_changes():
        assert _problem(platform.patch(GROUP, body)) == (status, code)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_than_platform_change_nobody(role: Role) -> None:
    make_group(members=1, id="g-1")
    client = client_in(role)
    with nothing_changes():
        assert client.delete(MEMBER).status_code == 403
        assert client.patch(PERSON, {"display_name": "B"}).status_code == 403
        assert client.patch(GROUP, {"name": "B"}).status_code == 403
