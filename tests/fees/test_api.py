"""The fee endpoints: exact names, exact refusals."""

import pytest
from rest_framework.test import APIClient

from fees import queries
from sunusav.api.authentication import forget_tokens
from sunusav.core.roles import Role
from tests.factories.users import client_in

pytestmark = pytest.mark.django_db
CALCULATE = "/monetization/fees/calculate"
TIERS = "/monetization/fees/tiers"
PROJECT = "/monetization/fees/project-annual-revenue"


@pytest.fixture(autouse=True)
def _tokens_forgotten():
    forget_tokens()
    yield
    forget_tokens()


@pytest.fixture
def anybody() -> APIClient:
    return APIClient()


def refused(response, status, code, **facts):
    document = response.json()
    assert (response.status_code, document["code"]) == (status, code), document
    assert {name: document[name] for name in facts} == facts


def test_calculate_example_of_the_readme_answers_exactly(anybody):
    response = anybody.post(
        CALCULATE, {"payout_sats": 100_000, "group_verified": True, "user_recurring": False}, format="json"
    )

    assert response.status_code == 200
    assert response.json() == {
        "sats_fee": 500, "platform_share": 250, "community_share": 100, "partner_reserved": 150,
        "net_payout": 99_500, "fee_percentage": "0.005", "schedule_version": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "fee", "percentage"),
    [
        ({}, 123, "0.01"),
        ({"group_verified": True}, 61, "0.005"),
        ({"user_recurring": True}, 92, "0.0075"),
        ({"group_verified": True, "user_recurring": True}, 46, "0.00375"),
    ],
)
def test_calculate_with_each_claim_answers_its_fee(anybody, claims, fee, percentage):
    answer = anybody.post(CALCULATE, {"payout_sats": 12_345, **claims}, format="json").json()

    assert (answer["sats_fee"], answer["fee_percentage"]) == (fee, percentage)
    assert answer["net_payout"] == 12_345 - fee


def test_calculate_one_sat_answers_net_zero(anybody):
    answer = anybody.post(CALCULATE, {"payout_sats": 1}, format="json").json()

    assert (answer["sats_fee"], answer["partner_reserved"], answer["net_payout"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "payout_sats", "required"),
        ({"payout_sats": 0}, "payout_sats", "min_value"),
        ({"payout_sats": -5}, "payout_sats", "min_value"),
        ({"payout_sats": 2_100_000_000_000_001}, "payout_sats", "max_value"),
        ({"payout_sats": "100000"}, "payout_sats", "invalid"),
        ({"payout_sats": True}, "payout_sats", "invalid"),
        ({"payout_sats": 1.5}, "payout_sats", "invalid"),
        ({"payout_sats": None}, "payout_sats", "null"),
        ({"payout_sats": 1, "group_verified": "true"}, "group_verified", "invalid"),
        ({"payout_sats": 1, "user_recurring": 1}, "user_recurring", "invalid"),
        ({"payout_sats": 1, "tip": 1}, "tip", "unknown"),
        ({"payout_sats": 1, "fee_percent_override": "-0.1"}, "fee_percent_override", "min_value"),
        ({"payout_sats": 1, "fee_percent_override": "1.1"}, "fee_percent_override", "max_value"),
        ({"payout_sats": 1, "fee_percent_override": "0.0000001"}, "fee_percent_override", "precision"),
        ({"payout_sats": 1, "fee_percent_override": "1e-3"}, "fee_percent_override", "invalid"),
    ],
)
def test_calculate_with_a_wrong_field_is_refused_by_name(anybody, body, field, code):
    response = anybody.post(CALCULATE, body, format="json")

    refused(response, 400, "invalid-request")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


def test_calculate_with_an_override_is_for_finance(anybody, db):
    body = {"payout_sats": 100_000, "fee_percent_override": "0.005"}

    for client in (anybody, client_in(Role.PLATFORM), client_in(Role.AUDITOR)):
        refused(
            client.post(CALCULATE, body, format="json"), 403, "fee-override-not-allowed",
            permission="fees.override_fee",
        )  # fmt: skip
    answer = client_in(Role.FINANCE).post(CALCULATE, body, format="json").json()
    assert (answer["sats_fee"], answer["fee_percentage"]) == (500, "0.005")


def test_calculate_with_an_override_above_the_cap_is_refused(db):
    body = {"payout_sats": 100_000, "fee_percent_override": "0.010001"}

    response = client_in(Role.FINANCE).post(CALCULATE, body, format="json")

    refused(response, 422, "fee-override-above-cap", override_ppm=10_001, cap_ppm=10_000)


def test_calculate_with_a_null_override_is_public(anybody):
    body = {"payout_sats": 100_000, "fee_percent_override": None}

    assert anybody.post(CALCULATE, body, format="json").json()["sats_fee"] == 1_000


def test_calculate_with_an_unknown_token_is_refused(anybody):
    response = anybody.post(CALCULATE, {"payout_sats": 1}, format="json", HTTP_AUTHORIZATION="Token nope")

    refused(response, 401, "not-authenticated")


@pytest.mark.usefixtures("caches_outlast_the_test")
def test_calculate_with_warm_caches_makes_no_query(anybody, django_assert_num_queries):
    service = client_in(Role.PLATFORM)
    for client in (anybody, service):
        client.post(CALCULATE, {"payout_sats": 100_000}, format="json")
        with django_assert_num_queries(0):
            client.post(CALCULATE, {"payout_sats": 100_000, "group_verified": True}, format="json")


def test_calculate_by_get_is_refused(anybody):
    response = anybody.get(CALCULATE)

    refused(response, 405, "method-not-allowed")
    assert response["Allow"] == "POST"


def test_tiers_answer_each_kind(anybody):
    response = anybody.get(TIERS)

    assert response.status_code == 200
    assert response.json() == {
        "standard": {
            "base_fee_percent": "0.01",
            "description": "Everybody: 1 % of the payout, at least 1 sat.",
        },
        "verified_group": {
            "base_fee_percent": "0.005",
            "description": "Members of a verified group: 0.5 % of the payout, at least 1 sat.",
        },
        "recurring_user": {
            "base_fee_percent": "0.0075",
            "description": "Winners with a paid subscription: 0.75 % of the payout, at least 1 sat.",
        },
        "verified_recurring": {
            "base_fee_percent": "0.00375",
            "description": (
                "Winners with a paid subscription in a verified group: 0.375 % of the payout, at least 1 sat."
            ),
        },
    }


def test_project_ten_groups_answers_the_worked_year(db):
    response = client_in(Role.PLATFORM).post(PROJECT, {"groups_count": 10}, format="json")

    assert response.status_code == 200
    assert response.json() == {
        "total_platform_revenue": 208_000, "total_community_fund": 83_200, "total_partner_payouts": 124_800,
        "total_fees_collected": 416_000, "cycles_processed": 520, "groups_count": 10,
    }  # fmt: skip


def test_project_with_every_assumption_uses_them(db):
    # 4 cycles of 12,345: 2 verified at 61, 2 recurring at 92.
    body = {
        "groups_count": 2, "weeks_per_year": 2, "avg_payout_sats": 12_345, "verified_groups_ratio": "0.5",
        "recurring_users_ratio": "0.5",
    }  # fmt: skip

    answer = client_in(Role.FINANCE).post(PROJECT, body, format="json").json()

    assert (answer["total_fees_collected"], answer["cycles_processed"]) == (306, 4)


@pytest.mark.parametrize(
    ("role", "status"), [(Role.AUDITOR, 200), (Role.APPROVER, 403), (Role.OPERATOR, 403)]
)
def test_project_is_answered_to_roles_that_plan(role, status):
    assert client_in(role).post(PROJECT, {"groups_count": 1}, format="json").status_code == status


def test_project_without_a_token_is_refused(anybody):
    refused(anybody.post(PROJECT, {"groups_count": 1}, format="json"), 401, "not-authenticated")


def test_project_with_ratios_above_one_is_refused(db):
    body = {"groups_count": 1, "verified_groups_ratio": "0.6", "recurring_users_ratio": "0.41"}

    refused(
        client_in(Role.PLATFORM).post(PROJECT, body, format="json"), 422, "ratios-exceed-one",
        verified_groups_ratio="0.6", recurring_users_ratio="0.41",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"groups_count": -1}, "groups_count"),
        ({"weeks_per_year": 54}, "weeks_per_year"),
        ({"avg_payout_sats": 0}, "avg_payout_sats"),
        ({"verified_groups_ratio": "1.1"}, "verified_groups_ratio"),
        ({"months": 1}, "months"),
    ],
)
def test_project_with_a_wrong_field_is_refused_by_name(change, field):
    response = client_in(Role.PLATFORM).post(PROJECT, {"groups_count": 1, **change}, format="json")

    refused(response, 400, "invalid-request")
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_quote_cache_is_the_one_the_views_use(anybody, django_assert_num_queries):
    queries.forget_schedules()

    with django_assert_num_queries(2):
        anybody.get(TIERS)
