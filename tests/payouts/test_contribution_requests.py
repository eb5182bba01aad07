"""The payment request of a contribution: shown as a QR code, cancelled."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from payouts.models import Contribution, Cycle
from payouts.services.contributions import open_contribution
from sunusav.core import clock
from sunusav.core.qr import qr_svg
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, make_cycle, make_group, pay_contribution
from tests.factories.users import client_in
from tests.fakes.collector import ScriptedCollector
from transfers.models import Collection

pytestmark = pytest.mark.django_db


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


@pytest.fixture
def cycle() -> Cycle:
    return make_cycle(make_group(members=2))


def _owed(cycle: Cycle) -> Contribution:
    return Contribution.objects.get(cycle=cycle, user_id="user-0")


def _address(cycle: Cycle, what: str, number: int | None = None) -> str:
    return f"/monetization/cycles/{cycle.pk}/contributions/{number or _owed(cycle).pk}/{what}"


def _open(cycle: Cycle, method: str = "lightning") -> Any:
    return open_contribution(cycle_id=cycle.pk, user_id="user-0", method=method, actor=ACTOR, now=clock.now())


def _refused(answer: Any) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("contribution_status", "")


def _cancel(platform: APIClient, cycle: Cycle) -> Any:
    return platform.post(_address(cycle, "cancel"), {"reason": "pays by Wave"})


# QR code


@pytest.mark.parametrize("accept", ["*/*", "image/svg+xml", "image/avif,image/*;q=0.8"])
def test_qr_is_the_open_invoice_as_an_image(platform: APIClient, cycle: Cycle, accept: str) -> None:
    opened = _open(cycle)
    answer = platform.get(_address(cycle, "qr"), headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.content.decode() == qr_svg(f"lightning:{opened.payment_request}", ignores_case=True)
    assert answer.headers["Cache-Control"] == "no-store"


def test_qr_of_a_contribution_without_a_request_is_refused(platform: APIClient, cycle: Cycle) -> None:
    assert _refused(platform.get(_address(cycle, "qr"))) == (409, "contribution-not-asked-for", "pending")


def test_qr_of_a_paid_contribution_is_refused(platform: APIClient, cycle: Cycle) -> None:
    pay_contribution(cycle, "user-0")
    assert _refused(platform.get(_address(cycle, "qr"))) == (409, "contribution-not-asked-for", "settled")


def test_qr_of_an_invoice_past_its_expiry_is_refused(platform: APIClient, cycle: Cycle) -> None:
    _open(cycle)
    Collection.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert _refused(platform.get(_address(cycle, "qr"))) == (409, "contribution-not-asked-for", "invoiced")


@pytest.mark.parametrize("what", ["qr", "cancel"])
def test_contribution_of_another_cycle_is_missing(platform: APIClient, cycle: Cycle, what: str) -> None:
    elsewhere = _owed(make_cycle(make_group(members=1))).pk
    call = platform.get if what == "qr" else platform.post
    body = None if what == "qr" else {"reason": "x"}
    assert _refused(call(_address(cycle, what, elsewhere), body))[:2] == (404, "contribution-not-of-cycle")
    nowhere = call(f"/monetization/cycles/nowhere/contributions/{elsewhere}/{what}", body)
    assert _refused(nowhere)[:2] == (404, "cycle-missing")


# cancelling


def test_cancel_closes_the_request_and_another_method_may_open_one(platform: APIClient, cycle: Cycle) -> None:
    _open(cycle)

    answer = _cancel(platform, cycle)

    assert (answer.status_code, answer.json()["status"], answer.json()["method"]) == (
        200,
        "pending",
        "",
    )
    assert _open(cycle, "wave").method == "wave"
    assert list(Collection.objects.order_by("id").values_list("method", "state")) == [
        ("lightning", "cancelled"), ("wave", "open"),
    ]  # fmt: skip


def test_cancel_what_was_paid_meanwhile_books_it_and_is_refused(
    platform: APIClient, cycle: Cycle, till: ScriptedCollector
) -> None:
    _open(cycle)
    row = Collection.objects.get()
    till.received[str(row.reference)] = row.amount

    assert _refused(_cancel(platform, cycle))[:2] == (409, "contribution-settled")

    row.refresh_from_db()
    assert row.state == "settled"


def test_cancel_without_a_request_is_refused(platform: APIClient, cycle: Cycle) -> None:
    assert _refused(_cancel(platform, cycle)) == (409, "contribution-not-asked-for", "pending")


def test_cancel_twice_is_refused(platform: APIClient, cycle: Cycle) -> None:
    _open(cycle)
    _cancel(platform, cycle)
    assert _refused(_cancel(platform, cycle))[:2] == (409, "collection-not-cancellable")


def test_cancel_while_the_collector_is_unavailable_is_refused(
    platform: APIClient, cycle: Cycle, till: ScriptedCollector
) -> None:
    _open(cycle)
    till.is_unavailable = True
    assert _refused(_cancel(platform, cycle))[:2] == (503, "collector-unavailable")
    assert Collection.objects.get().state == "open"
