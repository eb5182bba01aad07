"""Groups, members and cycles through the API: exact names, exact refusals."""

from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from payouts.models import Cycle, Group
from sunusav.core.privacy import mask_text
from sunusav.core.roles import Role
from tests.factories.payouts import NOW, make_cycle, make_group, make_ready_cycle, pay_contribution, verify
from tests.factories.users import client_in
from tests.fakes.collector import ScriptedCollector
from tests.fakes.rail import FakeInvoice, invoice
from tests.payouts.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
ROOT = "/monetization"
GROUP = {"id": "group-7", "name": "Tontine Médina", "country": "SN"}
CYCLE = {
    "id": "cycle-8", "group_id": "group-7", "cycle_index": 8, "contribution_sats": 10_000,
    "winner_user_id": "user-0",
}  # fmt: skip


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


def _problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_post_groups_answers_201_with_the_group(platform: APIClient) -> None:
    answer = platform.post(f"{ROOT}/groups", GROUP)

    assert answer.status_code == 201
    group = answer.json()
    assert group.pop("created_at").endswith("Z")
    assert group == {
        **GROUP, "settlement_partner": "wave", "skip_non_working_days": False, "is_verified": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "sn"}, "country"),
        ({"country": "SEN"}, "country"),
        ({"country": 7}, "country"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"id": "a/b"}, "id"),
        ({"id": " a"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"skip_non_working_days": "yes"}, "skip_non_working_days"),
        ({"is_verified": True}, "is_verified"),
    ],
)
def test_post_groups_with_a_wrong_field_names_it(
    platform: APIClient, change: dict[str, Any], field: str
) -> None:
    with nothing_changes():
        answer = platform.post(f"{ROOT}/groups", {**GROUP, **change})
    assert _problem(answer) == (400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_post_groups_twice_is_a_conflict_and_with_a_key_the_same_answer(platform: APIClient) -> None:
    headers: Any = {"HTTP_IDEMPOTENCY_KEY": "group-7-once"}
    first = platform.post(f"{ROOT}/groups", GROUP, **headers)
    again = platform.post(f"{ROOT}/groups", GROUP, **headers)

    assert (again.status_code, again.json()) == (201, first.json())
    assert _problem(platform.post(f"{ROOT}/groups", GROUP)) == (409, "group-exists")
    assert Group.objects.count() == 1


def test_get_groups_pages_and_filters(platform: APIClient) -> None:
    for number in range(3):
        make_group(members=0, id=f"g-{number}", country="CI" if number else "SN")
    verify(Group.objects.get(pk="g-1"))
    first = platform.get(f"{ROOT}/groups?page_size=2").json()
    second = platform.get(first["next"]).json()

    assert [row["id"] for row in first["results"]] == ["g-0", "g-1"]
    assert [row["is_verified"] for row in first["results"]] == [False, True]
    assert ([row["id"] for row in second["results"]], second["next"]) == (["g-2"], None)
    found = platform.get(f"{ROOT}/groups?country=CI").json()["results"]
    assert [row["id"] for row in found] == ["g-1", "g-2"]
    assert platform.get(f"{ROOT}/groups?settlement_partner=orange").json()["results"] == []
    assert _problem(platform.get(f"{ROOT}/groups?colour=red")) == (400, "invalid-request")


def test_get_group_answers_its_members_and_names_an_unknown_group(platform: APIClient) -> None:
    make_group(members=2, id="group-7")

    assert platform.get(f"{ROOT}/groups/group-7").json()["members"] == ["user-0", "user-1"]
    answer = platform.get(f"{ROOT}/groups/Group-7")
    assert _problem(answer) == (404, "group-missing")
    assert answer.json()["group_id"] == "Group-7"


@pytest.mark.parametrize("group_id", ["A.b", "group.json", "a:b#c", "Awa Diop", "ñandú", "members", "x" * 64])
def test_get_group_finds_any_identifier_byte_for_byte(platform: APIClient, group_id: str) -> None:
    make_group(members=0, id=group_id)

    assert platform.get(f"{ROOT}/groups/{quote(group_id)}").json()["id"] == group_id
    assert _problem(platform.get(f"{ROOT}/groups/{quote(group_id)}%20")) == (404, "not-found")
    assert _problem(platform.get(f"{ROOT}/groups/%20{quote(group_id)}")) == (404, "not-found")
    assert _problem(platform.get(f"{ROOT}/groups/{quote(group_id)}/")) == (404, "not-found")


def test_post_members_masks_name_and_phone(platform: APIClient) -> None:
    make_group(members=0, id="group-7")
    body = {"user_id": "user-123", "display_name": "Awa Ndiaye", "phone": "+221 77 123 45 67"}
    answer = platform.post(f"{ROOT}/groups/group-7/members", body)

    assert (answer.status_code, answer.json()) == (
        201,
        {"group_id": "group-7", "user_id": "user-123", "display_name": "A. N.", "phone": "+22177•••••67"},
    )
    assert _problem(platform.post(f"{ROOT}/groups/group-7/members", body)) == (409, "member-exists")
    assert _problem(platform.post(f"{ROOT}/groups/none/members", body)) == (404, "group-missing")


def test_post_members_without_a_phone(platform: APIClient) -> None:
    make_group(members=0, id="group-7")
    answer = platform.post(f"{ROOT}/groups/group-7/members", {"user_id": "u", "display_name": "Awa"})

    assert (answer.status_code, answer.json()["phone"]) == (201, "")


@pytest.mark.parametrize("phone", ["771234567", "+22", "phone", 221771234567, ""])
def test_post_members_with_a_malformed_phone_is_refused(platform: APIClient, phone: Any) -> None:
    make_group(members=0, id="group-7")
    with nothing_changes():
        answer = platform.post(
            f"{ROOT}/groups/group-7/members", {"user_id": "u", "display_name": "A", "phone": phone}
        )
    assert _problem(answer) == (400, "invalid-request")


def test_post_cycles_answers_201_with_the_cycle(platform: APIClient) -> None:
    make_group(members=2, id="group-7")
    answer = platform.post(f"{ROOT}/cycles", CYCLE)

    assert answer.status_code == 201
    cycle = answer.json()
    created_at = cycle.pop("created_at")
    assert cycle == {
        **CYCLE, "members_count": 2, "payout_total_sats": 20_000, "status": "collecting",
        "contributions_due": 2, "contributions_settled": 0, "closed_short": False, "cancelled_at": None,
        "destination": None, "ready_at": None, "destination_replaced_at": None, "second_choice": None,
        "error_message": None,
    }  # fmt: skip
    assert created_at.endswith("Z")
    assert _problem(platform.post(f"{ROOT}/cycles", CYCLE)) == (409, "cycle-exists")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"winner_user_id": "user-99"}, 422, "winner-not-member"),
        ({"group_id": "none"}, 404, "group-missing"),
        ({"contribution_sats": 0}, 400, "invalid-request"),
        ({"contribution_sats": 1.5}, 400, "invalid-request"),
        ({"contribution_sats": "10000"}, 400, "invalid-request"),
        ({"contribution_sats": 2_100_000_000_000_000}, 422, "pot-above-all-bitcoin"),
        ({"cycle_index": -1}, 400, "invalid-request"),
        ({"status": "ready"}, 400, "invalid-request"),
    ],
)
def test_post_cycles_refusals(platform: APIClient, change: dict[str, Any], status: int, code: str) -> None:
    make_group(members=2, id="group-7")
    with nothing_changes():
        answer = platform.post(f"{ROOT}/cycles", {**CYCLE, **change})
    assert _problem(answer) == (status, code)


def test_get_cycle_answers_the_net_once_it_is_ready(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2), contribution_sats=50_000)
    pay_contribution(cycle, "user-0")
    answer = platform.get(f"{ROOT}/cycles/{cycle.pk}").json()
    assert (answer["status"], answer["contributions_settled"], answer["expected_net_sats"]) == (
        "collecting",
        1,
        None,
    )

    ready = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
    answer = platform.get(f"{ROOT}/cycles/{ready.pk}").json()
    assert (answer["status"], answer["contributions_settled"], answer["expected_net_sats"]) == (
        "ready",
        2,
        99_000,
    )
    assert _problem(platform.get(f"{ROOT}/cycles/none")) == (404, "cycle-missing")


def test_get_cycles_filters(platform: APIClient) -> None:
    one, other = make_group(members=1), make_group(members=1)
    for number, group in enumerate((one, other, one)):
        make_cycle(group, cycle_id=f"c-{number}")

    listed = platform.get(f"{ROOT}/cycles").json()["results"]
    assert [row["id"] for row in listed] == ["c-0", "c-1", "c-2"]
    listed = platform.get(f"{ROOT}/cycles?group_id={one.pk}").json()["results"]
    assert [row["id"] for row in listed] == ["c-0", "c-2"]
    assert platform.get(f"{ROOT}/cycles?winner_user_id=user-9").json()["results"] == []


def test_get_cycles_makes_a_constant_number_of_queries(
    platform: APIClient, django_assert_max_num_queries: Any
) -> None:
    group = make_group(members=1)
    for number in range(6):
        make_cycle(group, cycle_id=f"c-{number}")
    platform.get(f"{ROOT}/cycles")
    with django_assert_max_num_queries(9):
        assert len(platform.get(f"{ROOT}/cycles").json()["results"]) == 6


def test_put_destination_answers_the_cycle(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    body = {"rail": "lightning", "kind": "bolt11", "value": FakeInvoice("awa", 19_800_000).text}
    answer = platform.put(f"{ROOT}/cycles/{cycle.pk}/destination", body)

    assert answer.status_code == 200
    assert answer.json()["destination"] == {**body, "value": mask_text(body["value"])}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"rail": "lightning", "kind": "bolt11", "value": "lnbc1nonsense"}, 422, "invoice-unreadable"),
        (
            {"rail": "lightning", "kind": "bolt11", "value": invoice("x", 1, network="mainnet").value},
            422, "invoice-for-another-network",
        ),
        ({"rail": "wave", "kind": "phone", "value": "+221771234567"}, 422, "rail-unknown"),
        ({"rail": "cash", "kind": "bolt11", "value": "x"}, 400, "invalid-request"),
        ({"rail": "lightning", "kind": "bolt11", "value": ""}, 400, "invalid-request"),
        ({"rail": "lightning", "kind": "bolt11", "value": "x" * 4_001}, 400, "invalid-request"),
        ({"rail": "lightning", "value": "x"}, 400, "invalid-request"),
    ],
)  # fmt: skip
def test_put_destination_refusals(platform: APIClient, body: dict[str, str], status: int, code: str) -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes():
        answer = platform.put(f"{ROOT}/cycles/{cycle.pk}/destination", body)
    assert _problem(answer) == (status, code)


def test_post_contributions_answers_201_with_what_to_pay(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    url = f"{ROOT}/cycles/{cycle.pk}/contributions"
    answer = platform.post(url, {"user_id": "user-0", "method": "lightning"})

    assert answer.status_code == 201
    opened = answer.json()
    assert (opened["status"], opened["amount_sats"], opened["user_id"]) == ("invoiced", 10_000, "user-0")
    assert opened["payment_request"].startswith("pay-")
    assert opened["expires_at"].endswith("Z")
    listed = platform.get(url).json()["results"]
    assert [(row["user_id"], row["status"]) for row in listed] == [
        ("user-0", "invoiced"), ("user-1", "pending"),
    ]  # fmt: skip


def test_post_contributions_refusals(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    url = f"{ROOT}/cycles/{cycle.pk}/contributions"
    with nothing_changes():
        body = {"user_id": "user-99", "method": "lightning"}
        assert _problem(platform.post(url, body)) == (404, "contribution-missing")
        body = {"user_id": "user-0", "method": "mtn"}
        assert _problem(platform.post(url, body)) == (422, "collector-unknown")
        body = {"user_id": "user-0", "method": "cash"}
        assert _problem(platform.post(url, body)) == (400, "invalid-request")
        answer = platform.post(url, {"user_id": "user-0", "method": "lightning", "phone": "+221771234567"})
        assert _problem(answer) == (400, "invalid-request")
        assert [error["field"] for error in answer.json()["errors"]] == ["phone"]
        body = {"user_id": "user-0", "method": "lightning"}
        assert _problem(platform.post(f"{ROOT}/cycles/none/contributions", body)) == (404, "cycle-missing")
        assert _problem(platform.get(f"{ROOT}/cycles/none/contributions")) == (404, "cycle-missing")
    pay_contribution(cycle, "user-0")
    with nothing_changes():
        assert _problem(platform.post(url, body)) == (409, "contribution-settled")


def test_post_contributions_by_mobile_money_takes_a_phone(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    body = {"user_id": "user-0", "method": "wave", "phone": "+221771234567"}
    answer = platform.post(f"{ROOT}/cycles/{cycle.pk}/contributions", body)

    assert (answer.status_code, answer.json()["method"]) == (201, "wave")


def test_post_contributions_while_the_node_is_unavailable_is_503_and_succeeds_later(
    platform: APIClient, till: ScriptedCollector
) -> None:
    cycle = make_cycle(make_group(members=2))
    url, body = f"{ROOT}/cycles/{cycle.pk}/contributions", {"user_id": "user-0", "method": "lightning"}
    headers: Any = {"HTTP_IDEMPOTENCY_KEY": "once"}
    till.is_unavailable = True
    answer = platform.post(url, body, **headers)
    assert _problem(answer) == (503, "collector-unavailable")
    assert int(answer.headers["Retry-After"]) > 0

    till.is_unavailable = False
    assert platform.post(url, body, **headers).status_code == 201


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_writes_by_other_roles_than_platform_are_refused(role: Role) -> None:
    cycle = make_cycle(make_group(members=1, id="group-7"))
    client = client_in(role)
    with nothing_changes():
        for path, body in (
            ("groups", GROUP),
            ("groups/group-7/members", {"user_id": "u", "display_name": "A"}),
            ("cycles", CYCLE),
            (f"cycles/{cycle.pk}/contributions", {"user_id": "user-0", "method": "lightning"}),
            ("payouts/process", {"cycle_id": cycle.pk}),
            ("payouts/schedule", {"cycle_id": cycle.pk}),
        ):
            assert client.post(f"{ROOT}/{path}", body).status_code == 403
        destination = {"rail": "lightning", "kind": "bolt11", "value": "x"}
        assert client.put(f"{ROOT}/cycles/{cycle.pk}/destination", destination).status_code == 403
    assert Cycle.objects.get(pk=cycle.pk).created_at == NOW
