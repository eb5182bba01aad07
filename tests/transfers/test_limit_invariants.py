"""The audit recounts the usage of limits, and checks waivers."""

from datetime import timedelta
from typing import Any

import pytest

from sunusav.core import approvals
from sunusav.core.auditing import AuditScope
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.transfers.builders import BY, NET_SATS, NOW, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.enums import FailureClass
from transfers.invariants import INVARIANTS
from transfers.models import Disbursement, LimitUsage, PastAdmission
from transfers.services.disbursements import retry_disbursement
from transfers.services.limit_waivers import propose_waiver
from transfers.types import Refused

pytestmark = pytest.mark.django_db

NET_MSAT = NET_SATS * 1_000


@pytest.fixture
def paid(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = ordered(payee_ref="user:awa")
    run(watch)
    return disbursement_id


def found(since: Any = None) -> list[tuple[str, str]]:
    scope = AuditScope(now=NOW, since=since)
    rules = [invariant for invariant in INVARIANTS if invariant.code == "I22"]
    assert len(rules) == 2
    return [(breach.subject, breach.detail) for rule in rules for breach in rule.find(scope)]


def test_usage_of_admitted_payments_agrees(paid: int, watch: Watch) -> None:
    watch.advance(86_400)
    ordered("later", payee_ref="user:awa", at=watch.at)
    run(watch)

    assert found() == []
    assert found(since=NOW) == []


def test_payment_admitted_again_in_another_hour_counts_for_both_and_once_for_its_day(
    node: SteeredRail, watch: Watch
) -> None:
    node.script.append(Refused(reason="no-route", failure=FailureClass.RETRY))
    disbursement_id = ordered(payee_ref="user:awa")
    run(watch)
    Disbursement.objects.update(due_at=NOW + timedelta(hours=2))
    watch.at = NOW + timedelta(hours=2)
    run(watch)

    assert PastAdmission.objects.get().admitted_at == NOW
    assert dict(LimitUsage.objects.values_list("key", "used_msat")) == {
        "2026-03-04 user:awa": NET_MSAT, "2026-03-04T10:00": NET_MSAT, "2026-03-04T12:00": NET_MSAT,
    }  # fmt: skip
    assert found() == found(since=NOW) == []

    PastAdmission.objects.create(disbursement_id=disbursement_id, admitted_at=NOW - timedelta(hours=1))
    assert found() == [
        ("limit_usage:total_hour:2026-03-04T09:00", f"counted 0 msat, admitted {NET_MSAT}"),
        (f"disbursement:{disbursement_id}", "admitted past the limits without a waiver"),
    ]


def test_payment_that_a_person_retried_counts_twice_for_its_day(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Refused(reason="invoice-expired", failure=FailureClass.FINAL))
    disbursement_id = ordered(payee_ref="user:awa")
    run(watch)
    watch.advance(90)
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="asked", now=watch.at)
    assert found() == found(since=watch.at) == []
    run(watch)

    assert found() == found(since=watch.at) == []
    LimitUsage.objects.filter(kind="per_payee_day").update(used_msat=NET_MSAT)
    wrong = [
        ("limit_usage:per_payee_day:2026-03-04 user:awa", f"counted {NET_MSAT} msat, admitted {2 * NET_MSAT}")
    ]
    assert found() == found(since=watch.at) == wrong


def test_usage_that_is_too_low_or_missing_is_found(paid: int) -> None:
    LimitUsage.objects.filter(kind="total_hour").update(used_msat=1)
    LimitUsage.objects.filter(kind="per_payee_day").delete()

    assert (
        found()
        == found(since=NOW)
        == [
            ("limit_usage:per_payee_day:2026-03-04 user:awa", f"counted 0 msat, admitted {NET_MSAT}"),
            ("limit_usage:total_hour:2026-03-04T10:00", f"counted 1 msat, admitted {NET_MSAT}"),
        ]
    )


def test_usage_without_a_payment_is_found(paid: int) -> None:
    LimitUsage.objects.create(kind="total_hour", key="2026-03-06T10:00", used_msat=5)

    assert found() == [("limit_usage:total_hour:2026-03-06T10:00", "counted 5 msat, admitted 0")]


def test_fast_audit_reads_only_the_days_since_its_moment(paid: int) -> None:
    LimitUsage.objects.create(kind="total_hour", key="2026-03-02T10:00", used_msat=5)

    assert found(since=NOW - timedelta(hours=2)) == []
    assert found() == [("limit_usage:total_hour:2026-03-02T10:00", "counted 5 msat, admitted 0")]


def test_payment_above_the_limit_it_was_admitted_by_is_found(paid: int, watch: Watch) -> None:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    assert found() == []

    Disbursement.objects.filter(pk=paid).update(admitted_by_version=2)

    detail = f"{NET_MSAT} msat admitted by version 2 of the limit per payout"
    assert found() == [(f"disbursement:{paid}", detail)]


def test_payment_admitted_past_limits_without_a_waiver_is_found(paid: int) -> None:
    Disbursement.objects.filter(pk=paid).update(admitted_by_version=None)

    assert found() == [(f"disbursement:{paid}", "admitted past the limits without a waiver")]


def test_payment_admitted_past_limits_by_a_waiver_is_correct(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    disbursement_id = ordered()
    run(watch)
    proposal = propose_waiver(
        disbursement_id=disbursement_id, proposer=make_user(Role.FINANCE), reason="known", now=NOW
    )
    approvals.approve(
        proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW
    )
    run(watch)

    assert Disbursement.objects.get(pk=disbursement_id).admitted_at == NOW
    assert found() == []
