"""Settlements by the API: who decides on what, and refusals that change nothing."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from partners.models import Settlement
from partners.settlements.queries import settlement
from sunusav.core import clock
from sunusav.core.roles import Role
from tests.factories.settlements import another_partner, approved, closed, rate_of, seen_of
from tests.factories.users import client_in
from tests.transfers.unchanged import unchanged

pytestmark = pytest.mark.django_db

ROOT = "/monetization/partners"


@pytest.fixture
def months(db: None) -> list[Settlement]:
    """Two partners, each with a month that is closed and waits for a decision."""
    now = clock.now()
    at = now - timedelta(days=40)
    rate_of("8000000", at=at)
    return [closed(partner=another_partner(at=at, now=now), now=now) for _ in range(2)]


def seen(row: Settlement) -> dict[str, Any]:
    proposal_id, digest = seen_of(row)
    return {"proposal_id": proposal_id, "digest": digest}


def post(client: APIClient, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = client.post(f"{ROOT}/{path}", body, format="json")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_decision_is_on_the_settlement_of_the_path(months: list[Settlement], verb: str) -> None:
    one, other = months
    approver = client_in(Role.APPROVER)
    reason = {"reason": "no"} if verb == "reject" else {}
    for body in (seen(other), {**seen(one), "digest": "0" * 64}):
        with unchanged():
            status, problem = post(approver, f"settlements/{one.pk}/{verb}", {**body, **reason})
        assert (status, problem["code"]) == (409, "settlement-approval-differs")


def test_maker_checker_and_executor_are_three_calls(months: list[Settlement]) -> None:
    row = months[0]
    body, finance = seen(row), client_in(Role.FINANCE)

    assert post(finance, f"settlements/{row.pk}/execute", body)[1]["code"] == "settlement-not-payable"
    status, answer = post(client_in(Role.APPROVER), f"settlements/{row.pk}/approve", body)
    assert (status, answer["status"], answer["amount_xof"]) == (200, "approved", 247)
    assert answer["residue_xof"] == "0.92"
    status, answer = post(finance, f"settlements/{row.pk}/execute", body)
    assert (status, answer["status"], answer["proposal_id"]) == (202, "processing", body["proposal_id"])
    with unchanged():
        assert post(finance, f"settlements/{row.pk}/execute", body)[0] == 409


def test_list_is_filtered_by_partner_and_state(months: list[Settlement]) -> None:
    one, other = months
    approved(one, now=clock.now())
    client = client_in(Role.AUDITOR)

    def found(query: str) -> list[int]:
        return [row["id"] for row in client.get(f"{ROOT}/settlements?{query}").json()["results"]]

    assert found("") == [other.pk, one.pk]
    assert found("status=approved") == [one.pk]
    assert found(f"partner_name={other.partner}&status=pending") == [other.pk]
    assert found(f"partner_name={other.partner}&status=approved") == []


@pytest.mark.parametrize("path", ["settlements/999999", "settlements/999999/approve"])
def test_settlement_that_does_not_exist_is_refused(months: list[Settlement], path: str) -> None:
    if path.endswith("approve"):
        assert post(client_in(Role.APPROVER), path, seen(months[0]))[1]["code"] == "settlement-missing"
    else:
        assert client_in(Role.FINANCE).get(f"{ROOT}/{path}").json()["code"] == "settlement-missing"


def test_partner_outside_the_directory_is_not_settled() -> None:
    with unchanged():
        status, problem = post(client_in(Role.FINANCE), "settle", {"partner_name": "nobody"})
    assert (status, problem["code"]) == (404, "settlement-partner-unknown")


def test_settlement_of_a_rejection_is_rejected(months: list[Settlement]) -> None:
    row = months[0]
    body = {**seen(row), "reason": "the partner contests it"}
    assert post(client_in(Role.APPROVER), f"settlements/{row.pk}/reject", body)[1]["status"] == "rejected"
    assert settlement(row.pk).status == "rejected"
