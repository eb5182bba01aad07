"""A member's credit over the API, and contributions in francs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from payouts.models import Member
from payouts.queries.cycles import contribution
from payouts.services.contributions import open_contribution
from sunusav.core import clock
from sunusav.core.privacy import erase
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter, enter
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_group, pay_contribution
from tests.factories.users import client_in
from tests.ledger.builders import stored_rate
from tests.transfers.rails import FrancSteeredCollector
from transfers.collection_queries import collections_for
from transfers.collectors import collector
from transfers.services.receipts import record_receipt

__all__ = ["enter"]

pytestmark = pytest.mark.django_db

PATH = "/monetization/members/{}/credit"
PHONE = "+221771234567"


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


@pytest.fixture
def franc(settings: Settings, plugins: None) -> Iterator[FrancSteeredCollector]:
    """Collect by Wave in francs."""
    settings.COLLECTORS = {
        **settings.COLLECTORS, "wave": "tests.transfers.rails.FrancSteeredCollector",
    }  # fmt: skip
    collector.cache_clear()
    found = collector("wave")
    assert isinstance(found, FrancSteeredCollector)
    yield found
    collector.cache_clear()


def overpay(*extras_msat: int) -> None:
    group = make_group(members=2)
    for extra_msat in extras_msat:
        pay_contribution(make_cycle(group), "user-0", received_msat=10_000_000 + extra_msat)


# The API


def test_credit_is_shown_in_whole_sats_with_its_movements(platform: APIClient) -> None:
    overpay(1_400, 700)

    answer = platform.get(PATH.format("user-0"))

    shown = answer.json()
    assert (answer.status_code, shown["user_id"], shown["credit_sats"], shown["next"]) == (
        200, "user-0", 2, None,
    )  # fmt: skip
    assert [(one["kind"], one["amount_msat"]) for one in shown["movements"]] == [
        ("receipt", 700), ("receipt", 1_400),
    ]  # fmt: skip
    assert shown["movements"][0]["subject"].startswith("contribution:")


def test_credit_is_read_page_by_page(platform: APIClient) -> None:
    overpay(1, 2, 3)

    first = platform.get(PATH.format("user-0"), {"page_size": 2}).json()
    second = platform.get(first["next"]).json()

    assert [one["amount_msat"] for one in first["movements"]] == [3, 2]
    assert ([one["amount_msat"] for one in second["movements"]], second["next"]) == ([1], None)
    assert second["credit_sats"] == 0


def test_credit_of_a_member_who_never_had_any_is_empty(platform: APIClient) -> None:
    make_group(members=1)
    assert platform.get(PATH.format("user-0")).json() == {
        "user_id": "user-0", "credit_sats": 0, "movements": [], "next": None,
    }  # fmt: skip


def test_credit_of_nobody_is_missing(platform: APIClient) -> None:
    answer = platform.get(PATH.format("nobody"))
    assert (answer.status_code, answer.json()["code"], answer.json()["user_id"]) == (
        404, "member-missing", "nobody",
    )  # fmt: skip


def test_credit_of_an_erased_member_is_still_shown(platform: APIClient) -> None:
    overpay(5_000)
    erase("member:user-0", now=NOW)
    assert platform.get(PATH.format("user-0")).json()["credit_sats"] == 5


@pytest.mark.parametrize("page_size", ["0", "101", "x"])
def test_credit_with_an_impossible_page_size_is_refused(platform: APIClient, page_size: str) -> None:
    make_group(members=1)
    answer = platform.get(PATH.format("user-0"), {"page_size": page_size})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


# Contributions in francs


def test_contribution_in_francs_shows_what_is_asked_and_gives_the_phone_to_the_collector(
    platform: APIClient, franc: FrancSteeredCollector
) -> None:
    """At 9,123,457: 10,000 sats are 913 XOF."""
    stored_rate("9123457", at=clock.now() - timedelta(minutes=1))
    cycle = make_cycle(make_group(members=2))
    body = {"user_id": "user-0", "method": "wave", "phone": PHONE}

    answer = platform.post(f"/monetization/cycles/{cycle.pk}/contributions", body)

    assert answer.status_code == 201
    assert (answer.json()["amount_sats"], answer.json()["amount_xof"]) == (10_000, 913)
    assert [request.phone for request in franc.requests.values()] == [PHONE]


def test_contribution_by_lightning_asks_for_no_francs(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    body = {"user_id": "user-0", "method": "lightning"}
    assert platform.post(f"/monetization/cycles/{cycle.pk}/contributions", body).json()["amount_xof"] is None


def test_contribution_in_francs_without_a_fresh_rate_is_refused(
    platform: APIClient, franc: FrancSteeredCollector, settings: Settings
) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False
    cycle = make_cycle(make_group(members=2))
    body = {"user_id": "user-0", "method": "wave"}

    answer = platform.post(f"/monetization/cycles/{cycle.pk}/contributions", body)

    assert (answer.status_code, answer.json()["code"]) == (503, "rate-not-fresh")
    assert contribution(cycle.pk, "user-0").status == "pending"


def test_contribution_paid_in_part_expires_and_the_member_pays_again_by_another_method(
    platform: APIClient, franc: FrancSteeredCollector
) -> None:
    """Of 800 XOF at 8,000,000, 300 arrived: 3,750 sats of credit, and the next request asks for the other 6,250."""
    stored_rate("8000000", at=NOW)
    cycle = make_cycle(make_group(members=2))
    owed = open_contribution(cycle_id=cycle.pk, user_id="user-0", method="wave", actor=ACTOR, now=NOW)
    subject = f"contribution:{owed.id}"
    asked = collections_for([subject])[subject]
    record_receipt(
        method="wave",
        reference=asked.reference,
        received=franc.money(300),
        proof="",
        received_at=NOW,
        now=NOW,
    )
    assert contribution(cycle.pk, "user-0").status == "partial"
    franc.cancelled.add(asked.reference)
    later = NOW + timedelta(days=2)

    again = open_contribution(cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=later)

    assert (again.status, again.method, again.amount_xof) == ("invoiced", "lightning", None)
    assert (again.credit_used_sats, collections_for([subject])[subject].amount.amount) == (3_750, 6_250_000)
    shown = platform.get(PATH.format("user-0")).json()
    assert (shown["credit_sats"], [one["kind"] for one in shown["movements"]]) == (
        0, ["credit_used", "parts_credited"],
    )  # fmt: skip


# The back office


def test_page_of_a_member_shows_the_credit(enter: Enter) -> None:
    sync_roles()
    overpay(1_400)
    member = Member.objects.get(user_id="user-0")
    client: Client = enter(Role.AUDITOR)

    page = client.get(f"/admin/payouts/member/{member.pk}/change/").content.decode()

    assert "Last movements of the credit" in page
    assert "1.400\u00a0sats" in page
