"""Limits and waivers in the back office: finance proposes on a page, an approver decides from the inbox."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW, make_group, make_ready_cycle, process
from tests.fakes.rail import invoice
from transfers.engine.breaker import count_failure
from transfers.engine.runner import run_due
from transfers.models import Disbursement, PaymentLimit, PaymentLimitRequest
from transfers.services.disbursements import cancel_disbursement

pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/transfers/disbursement/"
EXCEPT = f"{PAYMENTS}actions/waive/"
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
    run_due(slots=1, clock=lambda: NOW)
    return Disbursement.objects.get(pk=payout_id)


def approve(client: Client, proposal: Proposal) -> Any:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return client.post("/admin/core/proposal/actions/approve/", sent)


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_finance_proposes_a_waiver_and_an_approver_finds_it_in_the_inbox(
    too_much: Disbursement, enter: Enter
) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    own = f"{PAYMENTS}{too_much.pk}/change/"
    assert "payout above limit" in page(finance, own)
    assert EXCEPT in page(finance, own)
    assert EXCEPT not in page(approver, own)
    asked = page(finance, f"{EXCEPT}?pk={too_much.pk}")
    assert "exceeds 98\u202f999\u00a0sats, the smallest limit" in asked

    finance.post(EXCEPT, {"pk": too_much.pk, "reason": "I called her"})

    proposal = Proposal.objects.get(kind="payment_exception")
    waiting = page(finance, own)
    assert EXCEPT not in waiting
    assert f"{PAYMENTS}actions/retry/" not in waiting
    assert f"/admin/core/proposal/{proposal.pk}/change/" in waiting
    text = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    assert "If you approve" in text
    assert "99\u202f000\u00a0sats leave at once for user-0" in text
    assert "exceeds 98\u202f999\u00a0sats" in text
    inbox = page(approver, "/admin/core/proposal/?waits=me")
    assert "Waive the limits for a payment" in inbox
    assert own in inbox
    assert approve(approver, proposal).status_code == 302
    too_much.refresh_from_db()
    assert (too_much.state, too_much.failure_code) == ("processing", "")
    assert too_much.waived_at is not None
    assert EXCEPT not in page(finance, own)


def test_waiver_is_not_offered_for_a_payment_that_is_not_deferred(
    too_much: Disbursement, enter: Enter
) -> None:
    cancel_disbursement(disbursement_id=too_much.pk, actor=ACTOR, reason="called off", now=NOW)
    finance = enter(Role.FINANCE)

    assert EXCEPT not in page(finance, f"{PAYMENTS}{too_much.pk}/change/")
    finance.post(EXCEPT, {"pk": too_much.pk, "reason": "all the same"})

    assert not Proposal.objects.filter(kind="payment_exception").exists()


def test_finance_proposes_a_limit_and_an_approver_puts_it_in_force(enter: Enter) -> None:
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


def _finance() -> User:
    return person("a-finance", Role.FINANCE)


def test_proposed_limit_shows_its_approver_what_it_changes(enter: Enter) -> None:
    enter(Role.FINANCE).post(
        PROPOSE_LIMIT, {"kind": "total_hour", "amount_sats": "50000000", "reason": "quiet"}
    )
    proposal = Proposal.objects.get(kind="payment_limit")

    text = page(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    change = "50\u202f000\u202f000\u00a0sats instead of 100\u202f000\u202f000\u00a0sats"
    assert f"the limit “total hour” is {change}" in text


def test_page_of_limits_marks_those_in_force_and_offers_to_propose(enter: Enter) -> None:
    set_limit_to("per_payout", 100_000, now=NOW)
    shown = page(enter(Role.FINANCE), "/admin/transfers/paymentlimit/")

    assert PROPOSE_LIMIT in shown
    assert "from the start" in shown
    assert "1970" not in shown
    marks = re.findall(r'data-boolean="(yes|no)"', shown)
    assert sorted(marks) == ["no", "yes", "yes", "yes", "yes"]
    assert PROPOSE_LIMIT not in page(enter(Role.APPROVER), "/admin/transfers/paymentlimit/")


def test_deferred_payment_shows_until_when(too_much: Disbursement, enter: Enter) -> None:
    until = NOW + timedelta(hours=1)
    facts = {"limit_sats": 5_000_000, "until": until.isoformat()}
    Disbursement.objects.filter(pk=too_much.pk).update(
        state="processing", failure_code="hour-limit", failure_facts=facts, due_at=until
    )

    shown = page(enter(Role.FINANCE), f"{PAYMENTS}{too_much.pk}/change/")

    assert "This payment waits" in shown
    assert "The limit of 5\u202f000\u202f000\u00a0sats in an hour is used up" in shown
    assert "It is tried again by itself on 04/03/2026 11:00" in shown
    assert EXCEPT in shown


def test_page_of_a_stopped_rail_says_what_that_means_and_what_to_do(enter: Enter) -> None:
    for number in range(10):
        count_failure("lightning", disbursement_id=number, now=NOW)

    shown = page(enter(Role.FINANCE), "/admin/transfers/railbreaker/lightning/change/")

    assert "This way to pay is stopped" in shown
    assert "10 payments in a row failed on lightning" in shown
    assert "The next payment alone tries it again." in shown
    assert "stopped" in page(enter(Role.FINANCE), "/admin/transfers/railbreaker/")


def test_usage_is_shown(enter: Enter) -> None:
    set_limit_to("per_payout", 100_000, now=NOW)
    process(make_ready_cycle(make_group(members=10), destination=invoice("awa", 99_000)))
    run_due(slots=1, clock=lambda: NOW)

    shown = page(enter(Role.AUDITOR), "/admin/transfers/limitusage/")

    assert 'title="2026-03-04 user:user-0">04/03/2026 user-0<' in shown
    assert "2026-03-04T10:00" in shown
