"""What people and monitors see of settlements that wait: inbox, next steps, health, metrics."""

from datetime import timedelta

import pytest
from django.utils import translation

from partners.settlements.errors import SettlementNotRepeatable
from partners.settlements.health import HEALTH_CHECKS
from partners.settlements.metrics import METRICS
from partners.settlements.next_steps import settlement_step
from partners.settlements.queries import settlement
from partners.settlements.services.payments import execute_settlement
from sunusav.backoffice.facts import value_of
from sunusav.backoffice.inbox import Notice, notices_for
from sunusav.core import approvals, phrasing
from sunusav.core.models import User
from tests.factories.settlements import (
    ON_THE_FIRST,
    account_in_use,
    accrue,
    approved,
    closed,
    rate_of,
    worked_example,
)
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.transfers.builders import run, settle
from tests.transfers.rails import Watch
from transfers.enums import FailureClass
from transfers.types import Refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def noticed(user: User, title: str) -> Notice | None:
    with translation.override("en"):
        found = {str(one.title): one for one in notices_for(user, now=ON_THE_FIRST)}
    return found.get(title)


def test_month_that_nobody_closed_is_in_the_inbox_and_late_after_a_day(finance: User, approver: User) -> None:
    rate_of("8000000")
    worked_example()
    notice = noticed(finance, "Months to settle with partners")
    assert notice is not None
    assert [(str(row.title), row.step is not None) for row in notice.rows] == [("wave 2026-10", True)]
    seen = noticed(approver, "Months to settle with partners")
    assert seen is not None
    assert seen.rows[0].step is None, "an approver closes no month"

    [check] = HEALTH_CHECKS
    assert check.run(ON_THE_FIRST).status == "ok"
    assert check.run(ON_THE_FIRST + DAY).facts["not_closed"] == 1
    assert check.run(ON_THE_FIRST + DAY).status == "degraded"
    closed()
    assert noticed(finance, "Months to settle with partners") is None


def test_each_state_that_waits_for_finance_is_in_their_inbox_with_its_next_step(
    finance: User, approver: User, wave: ScriptedFrancRail
) -> None:
    rate_of("8000000")
    worked_example()
    accrue(100_000, partner="orange")
    account_in_use()
    row, other = closed(), closed(partner="orange")
    seen = approved(row)
    facts = settlement(other.pk)
    assert facts.proposal_id
    approvals.reject(proposal_id=facts.proposal_id, approver=approver, reason="no", now=ON_THE_FIRST)

    to_pay, rejected = noticed(finance, "Settlements to pay"), noticed(finance, "Rejected settlements")
    assert to_pay is not None
    assert to_pay.waiting is not None
    assert to_pay.waiting.amount is not None
    assert to_pay.waiting.amount.xof == 247
    assert rejected is not None
    row.refresh_from_db()
    assert settlement_step(row, ON_THE_FIRST).actions[:2] == ("execute", "record-bank-payment")
    assert settlement_step(other, ON_THE_FIRST).actions == ("propose-again",)

    wave.script.append(Refused("recipient-blocked", FailureClass.FINAL))
    execute_settlement(settlement_id=row.pk, seen=seen, user=finance, now=ON_THE_FIRST)
    watch = Watch(ON_THE_FIRST)
    run(watch)
    settle(watch)
    assert noticed(finance, "Settlements to pay") is None
    failed = noticed(finance, "Settlements whose payment failed")
    assert failed is not None
    assert failed.tone == "alarm"


def test_monitors_see_what_waits_and_for_how_long() -> None:
    rate_of("8000000")
    worked_example()
    closed()
    later = ON_THE_FIRST + 11 * DAY
    metrics = {
        metric.name: [(one.value, dict(one.labels)) for one in metric.read(later)] for metric in METRICS
    }
    assert metrics["settlement_age_seconds"] == [(11 * 86_400, {})]
    assert (1, {"status": "pending"}) in metrics["settlements_open"]
    assert [check.run(later).status for check in HEALTH_CHECKS] == ["degraded"]


def test_states_of_a_settlement_agree_with_its_noun_in_french(approver: User) -> None:
    rate_of("8000000")
    worked_example()
    account_in_use()
    row = closed()
    approved(row)
    row.refresh_from_db()

    with translation.override("fr"):
        assert ">approuvé<" in settlement_step(row, ON_THE_FIRST).state
        refused = SettlementNotRepeatable(settlement_id="1", settlement_status="rejected")
        assert phrasing.refusal_phrase(refused, show=value_of).sentence.endswith("(rejeté).")
