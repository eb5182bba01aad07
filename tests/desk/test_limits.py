"""Limits and exceptions in the desk: finance proposes on a page, an approver decides in the inbox."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role, sync_roles
from sunusav.desk.waiting import what_waits
from tests.desk.conftest import Enter
from tests.desk.world import person
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW, make_group, make_ready_cycle, process
from tests.fakes.rail import invoice
from transfers.engine.breaker import note_failures
from transfers.engine.runner import run_due
from transfers.models import Disbursement, PaymentLimit, PaymentLimitRequest
from transfers.services.disbursements import cancel_disbursement

pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/transfers/disbursement/"
EXCEPT = f"{PAYMENTS}actions/except/"
PROPOSE_LIMIT = "/admin/transfers/paymentlimitrequest/actions/propose/"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


@pytest.fixture
def too_much() -> Disbursement:
    """Return a payout of 99,000 sats net, above a limit of 98,999."""
    set_limit_to("per_payout", 98_999, now=NOW)
    cycle = make_ready_cycle(make_group(members=10), destination=invoice("awa", 99_000))
    payout_id = process(cycle)
    run_due(lanes=1, clock=lambda: NOW)
    return Disbursement.objects.get(pk=payout_id)


def approve(client: Client, proposal: Proposal) -> Any:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return client.post("/admin/core/proposal/actions/approve/", sent)


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_finance_proposes_an_exception_and_an_approver_finds_it_in_the_inbox(
    too_much: Disbursement, enter: Enter
) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    own = f"{PAYMENTS}{too_much.pk}/change/"
    assert "payout-above-limit" in page(finance, own)
    assert EXCEPT in page(finance, own)
    assert EXCEPT not in page(approver, own)
    asked = page(finance, f"{EXCEPT}?pk={too_much.pk}")
    assert "98999 sats for one payout" in asked

    finance.post(EXCEPT, {"pk": too_much.pk, "reason": "I called her"})

    proposal = Proposal.objects.get(kind="payment_exception")
    inbox = page(approver, "/admin/core/proposal/?waits=me")
    assert "Let a payment pass the limits" in inbox
    assert own in inbox
    assert approve(approver, proposal).status_code == 302
    too_much.refresh_from_db()
    assert (too_much.state, too_much.failure_code) == ("processing", "")
    assert too_much.excepted_at is not None
    assert EXCEPT not in page(finance, own)


def test_exception_is_not_offered_where_nothing_is_held_back(too_much: Disbursement, enter: Enter) -> None:
    cancel_disbursement(disbursement_id=too_much.pk, actor=ACTOR, reason="called off", now=NOW)
    finance = enter(Role.FINANCE)

    assert EXCEPT not in page(finance, f"{PAYMENTS}{too_much.pk}/change/")
    finance.post(EXCEPT, {"pk": too_much.pk, "reason": "all the same"})

    assert not Proposal.objects.filter(kind="payment_exception").exists()


def test_finance_proposes_a_limit_that_an_approver_puts_in_force(enter: Enter) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    assert PROPOSE_LIMIT in page(finance, "/admin/transfers/paymentlimitrequest/")
    assert PROPOSE_LIMIT not in page(approver, "/admin/transfers/paymentlimitrequest/")
    assert "100\u202f000\u202f000\u00a0sats" in page(finance, PROPOSE_LIMIT)

    given = {"kind": "total_hour", "amount_sats": "50000000", "reason": "a quiet month"}
    finance.post(PROPOSE_LIMIT, given)

    proposal = Proposal.objects.get(kind="payment_limit")
    assert not PaymentLimit.objects.filter(version=2).exists()
    assert "50\u202f000\u202f000\u00a0sats" in page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    approve(approver, proposal)

    limit = PaymentLimit.objects.get(kind="total_hour", version=2)
    assert (limit.amount_sats, limit.request) == (50_000_000, PaymentLimitRequest.objects.get())
    assert page(finance, f"/admin/transfers/paymentlimit/{limit.pk}/change/")


def test_first_page_tells_of_waiting_payments_and_stopped_rails(too_much: Disbursement, enter: Enter) -> None:
    user = _finance()
    titles = [str(notice.title) for notice in what_waits(user, now=NOW)]
    assert "Ways to pay that are stopped after failures" not in titles
    assert "Payments that wait for a limit or for their new destination" not in titles

    note_failures("lightning", disbursement_ids=range(10), now=NOW)
    set_limit_to("total_hour", 99_000, now=NOW)
    Disbursement.objects.filter(pk=too_much.pk).update(
        state="processing", failure_code="hour-limit", due_at=NOW + timedelta(hours=1)
    )

    notices = {str(notice.title): notice for notice in what_waits(user, now=NOW)}
    stopped = notices["Ways to pay that are stopped after failures"]
    assert (stopped.value, stopped.tone) == ("lightning", "alarm")
    assert notices["Payments that wait for a limit or for their new destination"].value == 1
    assert page(enter(Role.FINANCE), stopped.url)


def _finance() -> User:
    return person("a-finance", Role.FINANCE)


def test_usage_is_shown(enter: Enter) -> None:
    set_limit_to("per_payout", 100_000, now=NOW)
    process(make_ready_cycle(make_group(members=10), destination=invoice("awa", 99_000)))
    run_due(lanes=1, clock=lambda: NOW)

    shown = page(enter(Role.AUDITOR), "/admin/transfers/limitusage/")

    assert "2026-03-04 user:user-0" in shown
    assert "2026-03-04T10:00" in shown
