"""The platform retries and cancels failed payouts; people decide about those under review."""

from datetime import timedelta

import pytest

from payouts.errors import PayoutMissing, PayoutNeedsReview, PayoutNotCompleted
from payouts.models import Cycle
from payouts.queries.payouts import payout, payout_of
from payouts.receipts import receipt_of
from payouts.services.cycles import set_destination
from payouts.services.payouts import cancel_payout, retry_payout
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, NOW, make_group, make_payable_cycle, process
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import destination_of
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.errors import DisbursementNotCancellable, DisbursementNotRetryable, PaymentReferenceUsed
from transfers.models import Disbursement
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db


def _run() -> None:
    run_due(slots=1, clock=lambda: NOW)


def _ended(node: ScriptedRail, failure: FailureClass) -> tuple[Cycle, int]:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    node.script.append(Refused(reason="no", failure=failure))
    _run()
    # Its order can leave no more after half a minute, and the node is asked about it once more.
    run_due(slots=1, clock=lambda: NOW + timedelta(seconds=30))
    return cycle, payout_id


def _retry(payout_id: int, role: Role) -> None:
    retry_payout(payout_id=payout_id, user=make_user(role), reason="new invoice", now=NOW)


def _cancel(payout_id: int, role: Role) -> None:
    cancel_payout(payout_id=payout_id, user=make_user(role), reason="requested", now=NOW)


def test_the_platform_retries_a_failed_payout_with_a_new_invoice(node: ScriptedRail) -> None:
    cycle, payout_id = _ended(node, FailureClass.FINAL)
    set_destination(cycle_id=cycle.pk, destination=invoice("new", 99_000), actor=ACTOR, now=NOW)
    _retry(payout_id, Role.PLATFORM)
    assert payout_of(cycle.pk).cycle_status == "paying"
    run_due(slots=1, clock=lambda: NOW.replace(minute=5))

    assert (payout(payout_id).status, payout(payout_id).attempts_made) == ("completed", 2)
    entry = TrailEntry.objects.get(subject=f"disbursement:{payout_id}", action="retry")
    assert (entry.from_state, entry.to_state, entry.reason) == ("failed", "processing", "new invoice")
    kinds = [movement.kind for movement in receipt_of(payout_id).movements]
    assert kinds == ["hold", "payment"]


def test_the_platform_may_not_decide_about_a_payout_under_review(node: ScriptedRail) -> None:
    cycle, payout_id = _ended(node, FailureClass.REVIEW)
    user = make_user(Role.PLATFORM)
    with nothing_changes(), pytest.raises(PayoutNeedsReview) as refused:
        retry_payout(payout_id=payout_id, user=user, reason="again", now=NOW)
    assert refused.value.facts == {
        "cycle_id": cycle.pk, "payout_id": payout_id, "payout_status": "needs_review", "failure_code": "no",
    }  # fmt: skip
    with nothing_changes(), pytest.raises(PayoutNeedsReview):
        cancel_payout(payout_id=payout_id, user=user, reason="again", now=NOW)


def test_finance_retries_a_payout_under_review(node: ScriptedRail) -> None:
    _, payout_id = _ended(node, FailureClass.REVIEW)
    _retry(payout_id, Role.FINANCE)
    run_due(slots=1, clock=lambda: NOW + timedelta(seconds=30))

    assert payout(payout_id).status == "completed"


def test_cancel_a_payout_makes_its_cycle_ready_again(node: ScriptedRail) -> None:
    cycle, payout_id = _ended(node, FailureClass.FINAL)
    _cancel(payout_id, Role.FINANCE)
    status = payout_of(cycle.pk)
    assert (status.cycle_status, status.payout_status) == ("ready", "cancelled")

    # The hash of the old invoice stays with the old payout: the winner sends another invoice.
    with nothing_changes(), pytest.raises(PaymentReferenceUsed):
        process(cycle)
    used = destination_of(cycle)
    with nothing_changes(), pytest.raises(PaymentReferenceUsed):
        set_destination(cycle_id=cycle.pk, destination=used, actor=ACTOR, now=NOW)
    set_destination(cycle_id=cycle.pk, destination=invoice("new", 99_000), actor=ACTOR, now=NOW)
    second = process(cycle)
    assert second != payout_id
    # Not while a worker may still be sending the old one.
    run_due(slots=1, clock=lambda: NOW.replace(minute=5))
    assert payout_of(cycle.pk).payout_status == "completed"
    assert node.sends == 2


def test_cancel_a_payout_that_may_still_be_paid_is_refused(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    node.script.append(Unknown(seen=True, reason="in flight"))
    _run()
    user = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(DisbursementNotCancellable):
        cancel_payout(payout_id=payout_id, user=user, reason="?", now=NOW)
    with nothing_changes(), pytest.raises(DisbursementNotRetryable):
        retry_payout(payout_id=payout_id, user=user, reason="?", now=NOW)


def test_retry_or_cancel_a_paid_payout_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    _run()
    user = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(DisbursementNotRetryable):
        retry_payout(payout_id=payout_id, user=user, reason="?", now=NOW)
    with nothing_changes(), pytest.raises(DisbursementNotCancellable):
        cancel_payout(payout_id=payout_id, user=user, reason="?", now=NOW)


def test_disbursement_of_another_subject_is_no_payout() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    Disbursement.objects.filter(pk=payout_id).update(subject="distribution:7")
    user = make_user(Role.FINANCE)
    for missing in (payout_id, 10**30):
        with nothing_changes(), pytest.raises(PayoutMissing) as refused:
            retry_payout(payout_id=missing, user=user, reason="?", now=NOW)
        assert refused.value.facts == {"payout_id": missing}


def test_receipt_of_an_unpaid_payout_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    with nothing_changes(), pytest.raises(PayoutNotCompleted) as refused:
        receipt_of(payout_id)
    assert refused.value.facts == {"payout_id": payout_id, "payout_status": "processing"}
    with pytest.raises(PayoutMissing):
        receipt_of(payout_id + 1)
