"""Requesting the payout of a cycle: each refusal by name, and that it changes nothing."""

from datetime import timedelta
from typing import Any

import pytest

from fees.enums import DiscountKind
from fees.errors import NetNotPositive
from fees.services import grant_discount
from lightning.errors import InvoiceAmountDiffers, InvoiceExpired
from payouts.errors import (
    ClaimContradictsRecords,
    CycleAlreadyPaid,
    CycleMissing,
    CycleNotReady,
    DestinationMissing,
    PayoutCancelled,
    PayoutFailed,
    PayoutNeedsReview,
    PayoutReversed,
)
from payouts.models import Cycle
from payouts.queries.cycles import cycle as cycle_facts
from payouts.queries.payouts import payout, payout_of, payouts_page
from payouts.services.cycles import set_destination
from payouts.services.payouts import cancel_payout, request_payout, require_going_well
from payouts.types import Claims
from sunusav.core.errors import DomainError
from sunusav.core.roles import Role
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.factories.users import make_user
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.errors import PaymentReferenceUsed
from transfers.models import Disbursement
from transfers.types import Destination, Refused

pytestmark = pytest.mark.django_db


def _run() -> None:
    run_due(slots=1, clock=lambda: NOW)


def _state(cycle: Cycle) -> tuple[str, str]:
    status = payout_of(cycle.pk)
    return status.cycle_status, status.payout_status


def test_request_payout_is_paid_by_a_worker(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    assert _state(cycle) == ("ready", "not_initiated")
    payout_id = process(cycle)
    assert _state(cycle) == ("paying", "processing")
    _run()

    assert _state(cycle) == ("paid", "completed")
    paid = payout(payout_id)
    assert (paid.payout_total_sats, paid.fee_sats, paid.net_sats) == (100_000, 1_000, 99_000)
    assert list(node.paid.values()) == [99_000_000]


def test_request_payout_again_while_processing_is_the_same_payout(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    first = process(cycle)
    with nothing_changes():
        assert process(cycle) == first
    _run()
    assert node.sends == 1


def test_request_payout_of_an_unknown_cycle_is_refused() -> None:
    with nothing_changes(), pytest.raises(CycleMissing) as refused:
        request_payout(cycle_id="c-9", claims=Claims(), actor=ACTOR, now=NOW)
    assert refused.value.facts == {"cycle_id": "c-9"}


def test_request_payout_of_a_cycle_with_a_missing_contribution_is_refused() -> None:
    cycle = make_cycle(make_group(members=3))
    pay_contribution(cycle, "user-0")
    pay_contribution(cycle, "user-1")
    with nothing_changes(), pytest.raises(CycleNotReady) as refused:
        process(cycle)
    assert refused.value.facts == {
        "cycle_id": cycle.pk,
        "cycle_status": "collecting",
        "missing_contributions": 1,
    }


def test_request_payout_of_a_paid_cycle_is_refused_naming_the_payout() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    _run()
    with nothing_changes(), pytest.raises(CycleAlreadyPaid) as refused:
        process(cycle)
    assert refused.value.facts == {
        "cycle_id": cycle.pk, "payout_id": payout_id, "payout_status": "completed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "refusal", "cycle_status", "payout_status"),
    [
        (FailureClass.FINAL, PayoutFailed, "failed", "failed"),
        (FailureClass.REVIEW, PayoutNeedsReview, "paying", "needs_review"),
    ],
)
def test_request_payout_after_a_failed_one_is_refused_naming_the_payout(
    node: ScriptedRail, failure: FailureClass, refusal: type[Exception], cycle_status: str, payout_status: str
) -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    node.script.append(Refused(reason="incorrect-payment-details", failure=failure))
    _run()
    assert _state(cycle) == (cycle_status, payout_status)
    with nothing_changes(), pytest.raises(refusal) as refused:
        process(cycle)
    assert refused.value.facts == {  # type: ignore[attr-defined]
        "cycle_id": cycle.pk, "payout_id": payout_id, "payout_status": payout_status,
        "failure_code": "incorrect-payment-details",
    }  # fmt: skip


def test_request_payout_after_a_reversal_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    payout_id = process(cycle)
    _run()
    Disbursement.objects.filter(pk=payout_id).update(state="reversed")
    assert _state(cycle) == ("failed", "reversed")
    with nothing_changes(), pytest.raises(PayoutReversed) as refused:
        process(cycle)
    assert refused.value.facts["payout_id"] == payout_id


def test_request_payout_without_a_destination_is_refused() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(DestinationMissing) as refused:
        process(cycle)
    assert refused.value.facts == {"cycle_id": cycle.pk}


@pytest.mark.parametrize("net_msat", [98_999_999, 99_000_001, 99_500_000])
def test_request_payout_to_an_invoice_for_another_amount_is_refused(net_msat: int) -> None:
    cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
    text = FakeInvoice("awa", net_msat).text
    set_destination(
        cycle_id=cycle.pk, destination=Destination("lightning", "bolt11", text), actor=ACTOR, now=NOW
    )
    with nothing_changes(), pytest.raises(InvoiceAmountDiffers) as refused:
        process(cycle)
    assert refused.value.facts == {"expected_msat": 99_000_000, "invoice_msat": net_msat}


def test_request_payout_to_an_invoice_that_expired_meanwhile_is_refused() -> None:
    short = invoice("short", 99_000, expires_at=NOW + timedelta(minutes=1))
    cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000, destination=short)
    with nothing_changes(), pytest.raises(InvoiceExpired):
        process(cycle, now=NOW + timedelta(minutes=2))


def test_request_payout_to_an_invoice_that_another_cycle_used_is_refused() -> None:
    group = make_group(members=2)
    same = invoice("same", 99_000)
    first = make_ready_cycle(group, contribution_sats=50_000, destination=same)
    second = make_ready_cycle(group, contribution_sats=50_000, destination=same)
    payout_id = process(first)
    _run()
    with nothing_changes(), pytest.raises(PaymentReferenceUsed) as refused:
        process(second)
    assert refused.value.facts["disbursement_id"] == payout_id


def test_request_payout_whose_fee_is_the_whole_payout_is_refused() -> None:
    # One sat: the minimum fee is one sat, the net is 0.
    cycle = make_ready_cycle(make_group(members=1), contribution_sats=1, destination=invoice("dust", 1))
    with nothing_changes(), pytest.raises(NetNotPositive) as refused:
        process(cycle)
    assert refused.value.facts == {"payout_sats": 1, "fee_sats": 1}


def test_request_payout_while_outgoing_is_paused_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
    pause_outgoing(actor=ACTOR, reason="node looks odd", now=NOW)
    with nothing_changes(), pytest.raises(OutgoingPaused) as refused:
        process(cycle)
    assert refused.value.facts == {"reason": "node looks odd", "paused_at": NOW}


# Claims


def _subscribe(user_id: str, *, bps: int | None = None) -> None:
    grant_discount(
        holder=f"user:{user_id}", kind=DiscountKind.SUBSCRIPTION, discount_bps=bps, starts_at=NOW, ends_at=None,
        granted_for="subscription:1", actor=ACTOR, now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verified", "recurring", "claims", "facts"),
    [
        (False, False, {"group_verified": True}, ("group_verified", True, False)),
        (True, False, {"group_verified": False}, ("group_verified", False, True)),
        (False, False, {"user_recurring": True}, ("user_recurring", True, False)),
        (True, True, {"group_verified": True, "user_recurring": False}, ("user_recurring", False, True)),
    ],
)
def test_request_payout_with_a_claim_our_records_contradict_is_refused_naming_both(
    verified: bool, recurring: bool, claims: dict[str, Any], facts: tuple[str, bool, bool]
) -> None:
    group = make_group(members=2)
    if verified:
        verify(group)
    if recurring:
        _subscribe("user-0")
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    with nothing_changes(), pytest.raises(ClaimContradictsRecords) as refused:
        process(cycle, **claims)
    claim, claimed, recorded = facts
    assert refused.value.facts == {
        "cycle_id": cycle.pk, "claim": claim, "claimed": claimed, "recorded": recorded,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("verified", "recurring_bps", "net_sats"),
    [(False, None, 99_000), (True, None, 99_500), (False, 2_500, 99_250), (True, 2_500, 99_625),
     (True, 5_000, 99_750)],
)  # fmt: skip
def test_request_payout_prices_by_our_records(
    verified: bool, recurring_bps: int | None, net_sats: int, node: ScriptedRail
) -> None:
    group = make_group(members=2)
    if verified:
        verify(group)
    if recurring_bps:
        _subscribe("user-0", bps=recurring_bps)
    cycle = make_payable_cycle(group, contribution_sats=50_000, net_sats=net_sats)
    process(cycle, group_verified=verified, user_recurring=bool(recurring_bps))
    _run()

    assert list(node.paid.values()) == [net_sats * 1_000]


def test_request_payout_again_compares_claims_with_the_fixed_fee() -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    payout_id = process(cycle, group_verified=False)
    verify(group)

    assert process(cycle, group_verified=False) == payout_id
    with nothing_changes(), pytest.raises(ClaimContradictsRecords):
        process(cycle, group_verified=True)


# Lists


def test_payouts_page_lists_the_newest_first_and_filters() -> None:
    one, other = make_group(members=2), make_group(members=2)
    cycles = [make_payable_cycle(group, contribution_sats=50_000) for group in (one, other, one)]
    ids = [process(cycle) for cycle in cycles]
    _run()
    late = make_payable_cycle(one, contribution_sats=50_000)
    ids.append(process(late))

    assert [row.id for row in payouts_page(None, 10)] == ids[::-1]
    assert [row.id for row in payouts_page((ids[2],), 1)] == [ids[1]]
    assert [row.id for row in payouts_page(None, 10, group_id=other.pk)] == [ids[1]]
    assert [row.id for row in payouts_page(None, 10, cycle_id=cycles[2].pk)] == [ids[2]]
    assert [row.id for row in payouts_page(None, 10, status="processing")] == [ids[3]]
    assert list(payouts_page(None, 10, group_id=one.pk, cycle_id=cycles[1].pk)) == []
    assert cycle_facts(late.pk).status == "paying"


# Payouts that ended while a request waited


@pytest.mark.parametrize(
    ("failure", "refusal"),
    [(FailureClass.FINAL, PayoutFailed), (FailureClass.REVIEW, PayoutNeedsReview)],
)
def test_require_going_well_refuses_as_the_next_request_does(
    node: ScriptedRail, failure: FailureClass, refusal: type[DomainError]
) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    require_going_well(payout(payout_id))
    node.script.append(Refused(reason="strange", failure=failure))
    _run()

    with pytest.raises(refusal) as now:
        require_going_well(payout(payout_id))
    with pytest.raises(refusal) as next_time:
        process(cycle)
    assert now.value.facts == next_time.value.facts
    assert (now.value.facts["payout_id"], now.value.facts["failure_code"]) == (payout_id, "strange")


def test_require_going_well_of_a_cancelled_payout_is_refused() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    cancel_payout(payout_id=payout_id, user=make_user(Role.FINANCE), reason="x", now=NOW)

    with nothing_changes(), pytest.raises(PayoutCancelled) as refused:
        require_going_well(payout(payout_id))
    assert refused.value.facts == {
        "cycle_id": cycle.pk,
        "payout_id": payout_id,
        "payout_status": "cancelled",
    }


def test_require_going_well_of_a_paid_payout_passes() -> None:
    payout_id = process(make_payable_cycle(make_group(members=2), net_sats=19_800))
    _run()
    require_going_well(payout(payout_id))
