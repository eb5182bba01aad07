"""Refunds of members' credit: held at the request, without a fee, to the msat; by francs with the residue left."""

from datetime import timedelta

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from ledger.enums import RECEIVABLE_REPAID, AccountRole, Currency
from ledger.queries import balance
from ledger.services import post
from ledger.types import AccountRef, credit, debit
from payouts.errors import MemberMissing, RefundMissing
from payouts.invariants import INVARIANTS
from payouts.models import ProposedRefund, Refund
from payouts.queries.refunds import refund, refunds_page
from payouts.services.proposals import propose_refund
from payouts.services.refunds import cancel_refund, request_refund
from sunusav.core import clock
from sunusav.core.approvals import ProposalFactsChanged, approve, digest_of
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Proposal
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW, make_group
from tests.factories.users import client_in, make_user
from tests.fakes.franc_rail import NAME as FRANCS
from tests.fakes.franc_rail import phone
from tests.fakes.rail import ROUTING_FEE_MSAT, ScriptedRail, invoice
from tests.ledger.builders import stored_rate
from tests.payouts.unchanged import nothing_changes
from transfers.credit_queries import credit_msat
from transfers.engine.runner import run_due
from transfers.enums import FailureClass, LimitKind
from transfers.errors import CreditShort, DisbursementNotCancellable
from transfers.invariants import INVARIANTS as TRANSFER_INVARIANTS
from transfers.models import Attempt, Disbursement
from transfers.rails import rail
from transfers.services.reversals import book_provider_reversal
from transfers.types import Destination, Refused, Reversed, Unknown, credit_of, member_ref

pytestmark = pytest.mark.django_db

NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
LATER = NOW + timedelta(seconds=30)
PATH = "/monetization/members/{}/refunds"


@pytest.fixture(autouse=True)
def member() -> None:
    make_group(members=2)


def credited(amount_msat: int, user_id: str = "user-0") -> None:
    lines = [debit(NODE, amount_msat), credit(credit_of(user_id), amount_msat)]
    post(kind="receipt", reference=f"{user_id}:{amount_msat}", lines=lines, at=NOW, subject="test:1")


def requested(amount_sats: int, destination: Destination | None = None, *, user_id: str = "user-0") -> int:
    return request_refund(
        user_id=user_id, amount_sats=amount_sats, destination=destination or invoice("awa", amount_sats),
        reason="moved away", actor=ACTOR, now=NOW,
    )  # fmt: skip


def run() -> None:
    run_due(slots=1, clock=lambda: NOW)


def confirm_unpaid() -> None:
    """Let a worker ask about refused orders once more, when no send of them can leave any more."""
    run_due(slots=1, clock=lambda: LATER)


def breaches() -> list[str]:
    scope = AuditScope(now=NOW)
    ours = [rule for rule in INVARIANTS if "refund" in rule.title or "credit" in rule.title]
    found = [breach for rule in ours for breach in rule.find(scope)]
    found += [one for rule in TRANSFER_INVARIANTS for one in rule.find(scope) if "receipt" not in one.detail]
    return [f"{one.invariant} {one.subject}: {one.detail}" for one in found]


def test_refund_over_lightning_is_exact_and_the_routing_fee_ours() -> None:
    credited(10_000_000)

    refund_id = requested(10_000)

    assert credit_msat("user-0") == 0
    run()
    paid = refund("user-0", refund_id)
    assert (paid.status, paid.amount_sats, paid.paid_xof, paid.completed_at) == (
        "completed",
        10_000,
        None,
        NOW,
    )
    row = Disbursement.objects.get(subject=f"refund:{refund_id}")
    assert (row.payout_msat, row.net_msat, row.fee_msat, row.assessment_id) == (
        10_000_000,
        10_000_000,
        0,
        None,
    )
    assert (row.payee_ref, row.hold_from) == ("user:user-0", "request")
    assert balance(AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)) == ROUTING_FEE_MSAT
    assert balance(NODE) == -ROUTING_FEE_MSAT
    assert breaches() == []


def test_refund_in_francs_sends_983_of_12299_sats_and_leaves_11500_msat(settings: Settings) -> None:
    """At 8,000,000: 12,299 sats are 983.92 XOF; 983 go out, and 0.92 XOF are 11,500 msat of credit again."""
    settings.RAILS = {**settings.RAILS, FRANCS: "tests.fakes.franc_rail.ScriptedFrancRail"}
    rail.cache_clear()
    stored_rate("8000000", at=NOW)
    credited(12_299_000)

    refund_id = requested(12_299, phone("+221771234567"))
    run()

    paid = refund("user-0", refund_id)
    assert (paid.status, paid.paid_xof, credit_msat("user-0")) == ("completed", 983, 11_500)
    rail.cache_clear()


def test_refund_of_more_than_there_is_is_refused() -> None:
    credited(10_000_000)
    with nothing_changes(), pytest.raises(CreditShort) as error:
        requested(10_001)
    assert error.value.facts == {"needed_msat": 10_001_000, "available_msat": 10_000_000}
    assert not Refund.objects.exists()


def test_credit_of_a_refund_that_waits_is_promised_once() -> None:
    credited(10_000_000)
    requested(6_000)
    with pytest.raises(CreditShort) as error:
        requested(6_000, invoice("second", 6_000))
    assert error.value.facts == {"needed_msat": 6_000_000, "available_msat": 4_000_000}


def test_refund_of_nobody_is_refused() -> None:
    with pytest.raises(MemberMissing):
        requested(1, user_id="nobody")


def test_refund_while_paused_is_refused() -> None:
    credited(10_000_000)
    pause_outgoing(actor=ACTOR, reason="drill", now=NOW)
    with pytest.raises(OutgoingPaused):
        requested(1)
    assert (credit_msat("user-0"), Refund.objects.count()) == (10_000_000, 0)


def test_failed_refund_holds_its_credit_until_it_is_cancelled(node: ScriptedRail) -> None:
    credited(10_000_000)
    node.script.append(Refused(reason="no route", failure=FailureClass.FINAL))
    refund_id = requested(10_000)
    run()
    assert (refund("user-0", refund_id).status, credit_msat("user-0")) == ("failed", 0)
    confirm_unpaid()

    cancel_refund(user_id="user-0", refund_id=refund_id, reason="another wallet", actor=ACTOR, now=LATER)

    assert (refund("user-0", refund_id).status, credit_msat("user-0")) == ("cancelled", 10_000_000)
    again = requested(10_000, invoice("another", 10_000))
    run()
    assert refund("user-0", again).status == "completed"
    assert [one.id for one in refunds_page(None, 10, user_id="user-0")] == [again, refund_id]
    assert breaches() == []


def test_refund_that_may_be_paid_is_not_cancelled(node: ScriptedRail) -> None:
    credited(10_000_000)
    node.script.append(Unknown(seen=True, reason="in flight"))
    refund_id = requested(10_000)
    run()
    with nothing_changes(), pytest.raises(DisbursementNotCancellable):
        cancel_refund(user_id="user-0", refund_id=refund_id, reason="late", actor=ACTOR, now=NOW)


def test_reversed_refund_is_credit_again() -> None:
    credited(10_000_000)
    refund_id = requested(10_000)
    run()
    attempt = Attempt.objects.get(disbursement__subject=f"refund:{refund_id}")
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    assert book_provider_reversal(attempt.pk, found, now=NOW)
    assert (refund("user-0", refund_id).status, credit_msat("user-0")) == ("reversed", 10_000_000)


def test_refund_of_another_member_is_missing() -> None:
    credited(10_000_000)
    refund_id = requested(1)
    with pytest.raises(RefundMissing):
        refund("user-1", refund_id)


def test_audit_finds_a_refund_of_another_amount() -> None:
    credited(10_000_000)
    refund_id = requested(10_000)
    Disbursement.objects.update(payout_msat=9_999_000, net_msat=9_999_000)
    rule = next(rule for rule in INVARIANTS if "refund" in rule.title)
    assert [found.subject for found in rule.find(AuditScope(now=NOW))] == [f"refund:{refund_id}"]


# The API


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


def test_post_refund_answers_201_and_is_listed(platform: APIClient) -> None:
    credited(10_000_000)
    given = invoice("awa", 10_000)
    body = {
        "amount_sats": 10_000, "reason": "moved away",
        "destination": {"rail": given.rail, "kind": given.kind, "value": given.value},
    }  # fmt: skip
    answer = platform.post(PATH.format("user-0"), body, format="json")
    shown = answer.json()
    assert (answer.status_code, shown["status"], shown["amount_sats"], shown["amount_xof"]) == (
        201, "processing", 10_000, None,
    )  # fmt: skip
    run_due(slots=1, clock=clock.now)
    one = platform.get(f"{PATH.format('user-0')}/{shown['id']}").json()
    assert (one["status"], one["attempts"], one["error_code"]) == ("completed", 1, None)
    listed = platform.get(PATH.format("user-0")).json()
    assert [item["id"] for item in listed["results"]] == [shown["id"]]


def test_post_refund_without_enough_credit_answers_409(platform: APIClient) -> None:
    given = invoice("awa", 10_000)
    body = {
        "amount_sats": 10_000, "reason": "moved away",
        "destination": {"rail": given.rail, "kind": given.kind, "value": given.value},
    }  # fmt: skip
    answer = platform.post(PATH.format("user-0"), body, format="json")
    assert (answer.status_code, answer.json()["code"], answer.json()["available_msat"]) == (
        409,
        "credit-short",
        0,
    )


def test_cancel_refund_answers_with_the_refund(platform: APIClient, node: ScriptedRail) -> None:
    credited(10_000_000)
    node.script.append(Refused(reason="no route", failure=FailureClass.FINAL))
    refund_id = requested(10_000)
    run()
    confirm_unpaid()
    path = f"{PATH.format('user-0')}/{refund_id}/cancel"
    answer = platform.post(path, {"reason": "another wallet"}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    missing = platform.post(f"{PATH.format('user-1')}/{refund_id}/cancel", {"reason": "x"}, format="json")
    assert (missing.status_code, missing.json()["code"]) == (404, "refund-missing")


def test_refunds_count_for_the_day_of_their_payee() -> None:
    credited(10_000_000)
    set_limit_to(LimitKind.PER_PAYEE_DAY, 6_000, now=NOW)
    requested(5_000)
    run()
    second = requested(5_000, invoice("second", 5_000))
    run()
    assert refund("user-0", second).failure.code == "payee-day-limit"
    run_due(slots=1, clock=lambda: NOW + timedelta(days=1))
    assert refund("user-0", second).status == "completed"


def test_credit_that_repays_what_a_reversal_left_open_is_no_breach() -> None:
    post(
        kind=RECEIVABLE_REPAID, reference="repay:1", at=NOW, subject="account:1",
        lines=[debit(credit_of("user-0"), 5), credit(NODE, 5)],
    )  # fmt: skip
    credited(10)
    rule = next(rule for rule in INVARIANTS if "owner and cause" in rule.title)
    assert list(rule.find(AuditScope(now=NOW))) == []


def test_proposed_refund_whose_sealed_destination_is_another_one_is_not_paid() -> None:
    credited(10_000_000)
    proposal = propose_refund(
        user_id="user-0", amount_sats=5_000, destination=invoice("awa", 5_000), reason="left",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip
    row = ProposedRefund.objects.get()
    forged = ProposedRefund(
        **{
            **{field.attname: getattr(row, field.attname) for field in row._meta.fields},
            "id": None,
            "sealed_value": seal(member_ref("user-0"), invoice("thief", 5_000).value),
        }
    )
    forged.save(force_insert=True)
    Proposal.objects.filter(pk=proposal.pk).update(subject_id=str(forged.pk))
    proposal.refresh_from_db()
    digest = digest_of(proposal.kind, proposal.subject_id, proposal.facts)
    Proposal.objects.filter(pk=proposal.pk).update(digest=digest)
    with pytest.raises(ProposalFactsChanged):
        approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=digest, now=NOW)
    assert not Refund.objects.exists()
