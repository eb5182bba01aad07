"""Payouts through the API: exact names and numbers, each refusal; the web process pays nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now as wall_clock
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings
from rest_framework.test import APIClient

from payouts.models import Cycle
from payouts.services.payouts import cancel_payout
from sunusav.core.roles import Role
from tests.architecture.openapi import assert_described
from tests.factories.payouts import (
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.factories.users import client_in, client_of, make_user
from tests.fakes.rail import FakeInvoice, ScriptedRail
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import destination_of
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Disbursement
from transfers.queries import disbursement_for
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db
ROOT = "/monetization/payouts"


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


def _run() -> None:
    run_due(slots=1, clock=wall_clock)


def _problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def _verified_cycle() -> Cycle:
    group = make_group(members=10)
    verify(group)
    return make_payable_cycle(group, cycle_id="cycle-123", net_sats=99_500)


README = {"cycle_id": "cycle-123", "group_verified": True, "user_recurring": False}


def test_process_example_of_the_readme_answers_202_and_then_the_receipt(
    platform: APIClient, node: ScriptedRail
) -> None:
    cycle = _verified_cycle()
    answer = platform.post(f"{ROOT}/process", README)

    assert answer.status_code == 202
    payout_id = answer.json()["payout_id"]
    assert answer.json() == {
        "payout_id": payout_id, "cycle_id": "cycle-123", "payout_total": 100_000, "sats_fee": 500,
        "net_payout": 99_500, "platform_share": 250, "community_share": 100, "partner_reserved": 150,
        "lightning_payment_hash": None, "status": "processing",
    }  # fmt: skip
    assert node.sends == 0
    again = platform.post(f"{ROOT}/process", README)
    assert (again.status_code, again.json()) == (202, answer.json())

    _run()
    paid = FakeInvoice.read(destination_of(cycle).value)
    receipt = platform.get(f"{ROOT}/{payout_id}/receipt").json()
    journal = receipt.pop("journal")
    moments = [receipt.pop(name) for name in ("requested_at", "fee_fixed_at", "completed_at")]
    assert receipt == {
        "payout_id": payout_id, "status": "completed", "cycle_id": "cycle-123", "cycle_index": cycle.cycle_index,
        "group_id": cycle.group_id, "group_name": "Tontine Médina", "winner_user_id": "user-0",
        "contributions_due": 10, "contributions_settled": 10, "closed_short": False,
        "payout_total": 100_000, "sats_fee": 500, "platform_share": 250, "community_share": 100,
        "partner_reserved": 150, "settlement_partner": "wave", "net_payout": 99_500, "net_payout_xof": "7960.00",
        "group_verified": True, "user_recurring": False, "schedule_version": 1, "btc_xof_rate": "8000000",
        "is_fallback_rate": True, "payout_method": "lightning", "lightning_payment_hash": paid.payment_hash,
        "preimage": paid.preimage.hex(), "payment_reference": paid.payment_hash,
        "payment_proof": paid.preimage.hex(), "paid_xof": None, "credited_msat": 0,
    }  # fmt: skip
    assert [line["kind"] for line in journal] == ["hold", "payment"]
    assert all(moment.endswith("Z") for moment in moments)
    assert moments == sorted(moments)


@contextmanager
def _worker(act: Callable[[], object] = _run) -> Iterator[None]:
    """Run a function again and again in a thread with a connection of its own."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            act()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_process_answers_200_when_a_worker_pays_while_it_waits(
    platform: APIClient, settings: Settings
) -> None:
    settings.PAYOUT_WAIT_SECONDS = 20
    _verified_cycle()
    with _worker():
        answer = platform.post(f"{ROOT}/process", README)

    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert_described(answer)
    assert len(answer.json()["lightning_payment_hash"]) == 64
    assert _problem(platform.post(f"{ROOT}/process", README)) == (409, "cycle-already-paid")


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("failure", "code"),
    [(FailureClass.FINAL, "payout-failed"), (FailureClass.REVIEW, "payout-needs-review")],
)
def test_process_that_fails_while_it_waits_answers_like_the_next_call(
    platform: APIClient, node: ScriptedRail, settings: Settings, failure: FailureClass, code: str
) -> None:
    settings.PAYOUT_WAIT_SECONDS = 20
    node.script.append(Refused(reason="incorrect-details", failure=failure))
    _verified_cycle()
    with _worker():
        answer = platform.post(f"{ROOT}/process", README)

    again = platform.post(f"{ROOT}/process", README)
    assert _problem(answer) == _problem(again) == (409, code)
    assert {**answer.json(), "request_id": ""} == {**again.json(), "request_id": ""}
    payout = disbursement_for("cycle:cycle-123")
    assert payout is not None
    assert answer.json()["payout_id"] == payout.id


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_process_cancelled_while_it_waits_answers_payout_cancelled(
    platform: APIClient, settings: Settings
) -> None:
    settings.PAYOUT_WAIT_SECONDS = 20
    _verified_cycle()
    user = make_user(Role.FINANCE)

    def cancel() -> None:
        payout = disbursement_for("cycle:cycle-123")
        if payout is not None and payout.state == "processing":
            cancel_payout(payout_id=payout.id, user=user, reason="wrong group", now=wall_clock())

    with _worker(cancel):
        answer = platform.post(f"{ROOT}/process", README)

    assert _problem(answer) == (409, "payout-cancelled")


def test_process_refusals(platform: APIClient) -> None:
    group = make_group(members=2)
    collecting = make_cycle(group)
    pay_contribution(collecting, "user-0")
    without_destination = make_ready_cycle(group)
    wrong_invoice = make_payable_cycle(group, net_sats=19_801)
    with nothing_changes():
        for body, expected in (
            ({"cycle_id": "none"}, (404, "cycle-missing")),
            ({"cycle_id": collecting.pk}, (409, "cycle-not-ready")),
            ({"cycle_id": without_destination.pk}, (409, "destination-missing")),
            ({"cycle_id": wrong_invoice.pk}, (422, "invoice-amount-differs")),
            ({"cycle_id": wrong_invoice.pk, "group_verified": True}, (409, "claim-contradicts-records")),
            ({}, (400, "invalid-request")),
            ({"cycle_id": wrong_invoice.pk, "group_verified": None}, (400, "invalid-request")),
            ({"cycle_id": wrong_invoice.pk, "group_verified": 1}, (400, "invalid-request")),
            ({"cycle_id": wrong_invoice.pk, "sats_fee": 0}, (400, "invalid-request")),
        ):
            assert _problem(platform.post(f"{ROOT}/process", body)) == expected


def test_process_of_a_collecting_cycle_answers_what_is_missing(platform: APIClient) -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    answer = platform.post(f"{ROOT}/process", {"cycle_id": cycle.pk}).json()

    assert answer["type"] == "/problems/cycle-not-ready"
    facts = {name: answer[name] for name in ("cycle_id", "cycle_status", "missing_contributions")}
    assert facts == {"cycle_id": cycle.pk, "cycle_status": "collecting", "missing_contributions": 1}


def test_process_with_a_key_is_replayed(platform: APIClient) -> None:
    _verified_cycle()
    headers: Any = {"HTTP_IDEMPOTENCY_KEY": "pay-cycle-123"}
    first = platform.post(f"{ROOT}/process", README, **headers)
    _run()
    again = platform.post(f"{ROOT}/process", README, **headers)
    other = platform.post(f"{ROOT}/process", {"cycle_id": "cycle-123"}, **headers)

    assert (again.status_code, again.json()) == (202, first.json())
    assert _problem(other) == (422, "idempotency-key-reused")


def test_status_before_during_and_after(platform: APIClient, node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    url = f"{ROOT}/status/{cycle.pk}"
    assert platform.get(url).json() == {
        "cycle_id": cycle.pk, "cycle_status": "ready", "payout_id": None, "payout_status": "not_initiated",
        "payout_method": None, "lightning_payment_hash": None, "error_message": None, "created_at": None,
        "completed_at": None,
    }  # fmt: skip
    payout_id = process(cycle)
    node.script.append(Unknown(seen=True, reason="in flight"))
    _run()
    answer = platform.get(url).json()
    assert (answer["cycle_status"], answer["payout_status"], answer["payout_id"]) == (
        "paying",
        "processing",
        payout_id,
    )
    assert answer["lightning_payment_hash"] == FakeInvoice.read(destination_of(cycle).value).payment_hash
    assert _problem(platform.get(f"{ROOT}/status/none")) == (404, "cycle-missing")


def test_schedule_answers_202(platform: APIClient) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    body = {"cycle_id": cycle.pk, "scheduled_at": "2099-03-07T10:00:00+01:00"}
    answer = platform.post(f"{ROOT}/schedule", body)
    payout_id = answer.json()["payout_id"]

    assert (answer.status_code, answer.json()) == (
        202,
        {
            "task_id": f"payout:{payout_id}", "payout_id": payout_id, "cycle_id": cycle.pk,
            "status": "scheduled", "scheduled_at": "2099-03-07T09:00:00Z",
        },
    )  # fmt: skip
    assert _problem(platform.post(f"{ROOT}/schedule", body)) == (409, "payout-scheduled-already")
    now = make_payable_cycle(make_group(members=2), net_sats=19_800)
    assert platform.post(f"{ROOT}/schedule", {"cycle_id": now.pk}).json()["status"] == "queued"
    naive = {"cycle_id": cycle.pk, "scheduled_at": "2099-03-07T10:00:00"}
    assert _problem(platform.post(f"{ROOT}/schedule", naive)) == (400, "invalid-request")


def test_payouts_are_listed_paged_and_filtered(platform: APIClient) -> None:
    group = make_group(members=2)
    cycles = [make_payable_cycle(group, net_sats=19_800) for _ in range(3)]
    ids = [process(cycle) for cycle in cycles]
    first = platform.get(f"{ROOT}?page_size=2").json()
    second = platform.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == ids[::-1]
    assert second["next"] is None
    found = platform.get(f"{ROOT}?cycle_id={cycles[1].pk}").json()["results"]
    assert [(row["id"], row["group_id"], row["status"]) for row in found] == [
        (ids[1], group.pk, "processing")
    ]
    assert platform.get(f"{ROOT}?status=completed").json()["results"] == []
    assert len(platform.get(f"{ROOT}?group_id={group.pk}&status=processing").json()["results"]) == 3
    assert _problem(platform.get(f"{ROOT}?status=paid")) == (400, "invalid-request")


def test_get_payout_answers_its_split(platform: APIClient) -> None:
    payout_id = process(make_payable_cycle(make_group(members=2), contribution_sats=50_000))
    answer = platform.get(f"{ROOT}/{payout_id}").json()

    assert (answer["sats_fee"], answer["platform_share"], answer["community_share"], answer["partner_reserved"]) == (
        1_000, 500, 200, 300,
    )  # fmt: skip
    assert (answer["net_payout"], answer["schedule_version"], answer["attempts"]) == (99_000, 1, 0)
    assert _problem(platform.get(f"{ROOT}/{10**40}")) == (404, "payout-missing")
    assert _problem(platform.get(f"{ROOT}/{payout_id}/receipt")) == (409, "payout-not-completed")


def test_retry_and_cancel(platform: APIClient, node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    node.script.append(Refused(reason="incorrect-details", failure=FailureClass.FINAL))
    _run()
    refused = platform.post(f"{ROOT}/process", {"cycle_id": cycle.pk})
    assert _problem(refused) == (409, "payout-failed")
    assert (refused.json()["payout_id"], refused.json()["failure_code"]) == (payout_id, "incorrect-details")
    assert _problem(platform.post(f"{ROOT}/{payout_id}/retry", {})) == (400, "invalid-request")

    retried = platform.post(f"{ROOT}/{payout_id}/retry", {"reason": "try again"})
    assert (retried.status_code, retried.json()["status"]) == (202, "processing")
    early = platform.post(f"{ROOT}/{payout_id}/cancel", {"reason": "no longer wanted"})
    assert _problem(early) == (409, "order-still-payable")
    Disbursement.objects.filter(pk=payout_id).update(not_before=wall_clock() + timedelta(hours=1))
    run_due(slots=1, clock=lambda: wall_clock() + timedelta(seconds=31))
    cancelled = platform.post(f"{ROOT}/{payout_id}/cancel", {"reason": "no longer wanted"})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = platform.post(f"{ROOT}/{payout_id}/retry", {"reason": "x"})
    assert _problem(again) == (409, "disbursement-not-retryable")
    assert _problem(platform.post(f"{ROOT}/999999/cancel", {"reason": "x"})) == (404, "payout-missing")


def test_retry_or_cancel_under_review_is_refused_to_a_service(
    platform: APIClient, node: ScriptedRail
) -> None:
    payout_id = process(make_payable_cycle(make_group(members=2), net_sats=19_800))
    node.script.append(Refused(reason="strange", failure=FailureClass.REVIEW))
    _run()
    with nothing_changes():
        for verb in ("retry", "cancel"):
            answer = platform.post(f"{ROOT}/{payout_id}/{verb}", {"reason": "x"})
            assert _problem(answer) == (409, "payout-needs-review")
    answer = client_in(Role.FINANCE).post(f"{ROOT}/{payout_id}/retry", {"reason": "looked at it"})
    assert answer.status_code == 202


def test_person_retries_a_payout_with_a_fresh_code(node: ScriptedRail) -> None:
    payout_id = process(make_payable_cycle(make_group(members=2), net_sats=19_800))
    node.script.append(Refused(reason="incorrect-details", failure=FailureClass.FINAL))
    _run()
    person = make_user(Role.FINANCE)
    device, client = TOTPDevice.objects.create(user=person), client_of(person)
    url, body = f"{ROOT}/{payout_id}/retry", {"reason": "asked the winner"}

    with nothing_changes():
        assert _problem(client.post(url, body)) == (403, "second-factor-refused")
    assert client.post(url, body, HTTP_X_OTP=f"{totp(device.bin_key):06}").status_code == 202


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_read_payouts_and_change_nothing(role: Role) -> None:
    payout_id = process(make_payable_cycle(make_group(members=2), net_sats=19_800))
    client = client_in(role)

    assert client.get(f"{ROOT}/{payout_id}").status_code == 200
    with nothing_changes():
        assert client.post(f"{ROOT}/{payout_id}/cancel", {"reason": "x"}).status_code == 403
        assert client.post(f"{ROOT}/{payout_id}/retry", {"reason": "x"}).status_code == 403


def test_payouts_without_a_token_are_refused() -> None:
    assert APIClient().get(ROOT).status_code == 401
