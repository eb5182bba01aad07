"""Scheduled payouts. NOW is Wednesday 4 March 2026, 10:00 in Dakar."""

from datetime import UTC, datetime, timedelta

import pytest

from lightning.errors import InvoiceAmountDiffers
from payouts.errors import (
    CycleAlreadyPaid,
    CycleNotReady,
    DestinationMissing,
    PayoutScheduledAlready,
    PayoutUnderWay,
)
from payouts.models import Cycle
from payouts.queries.payouts import payout, payout_of
from payouts.services.cycles import set_destination
from payouts.services.payouts import cancel_payout, schedule_payout
from sunusav.core.roles import Role
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    process,
    verify,
)
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due

pytestmark = pytest.mark.django_db
TOMORROW = NOW + timedelta(days=1)
SATURDAY = datetime(2026, 3, 7, 9, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def _schedule(cycle: Cycle, at: datetime | None = None, *, now: datetime = NOW) -> int:
    return schedule_payout(cycle_id=cycle.pk, scheduled_at=at, actor=ACTOR, now=now)


def _cycle(**group: object) -> Cycle:
    return make_payable_cycle(make_group(members=2, **group), contribution_sats=50_000)


def test_scheduled_payout_waits_and_is_paid_once(node: ScriptedRail) -> None:
    cycle = _cycle()
    payout_id = _schedule(cycle, TOMORROW)
    status = payout_of(cycle.pk)
    assert (status.cycle_status, status.payout_status) == ("ready", "scheduled")
    assert payout(payout_id).fee_sats is None

    run_due(slots=1, clock=lambda: TOMORROW - timedelta(seconds=1))
    assert node.sends == 0
    run_due(slots=1, clock=lambda: TOMORROW)
    assert list(node.paid.values()) == [99_000_000]
    assert payout(payout_id).status == "completed"


@pytest.mark.parametrize("at", [None, NOW - timedelta(days=3), NOW])
def test_schedule_for_a_past_moment_means_now(at: datetime | None) -> None:
    payout_id = _schedule(_cycle(), at)

    assert (payout(payout_id).status, payout(payout_id).scheduled_at) == ("processing", NOW)


def test_group_that_skips_non_working_days_is_paid_on_monday() -> None:
    assert payout(_schedule(_cycle(skip_non_working_days=True), SATURDAY)).scheduled_at == MONDAY


def test_group_that_does_not_skip_them_is_paid_on_saturday() -> None:
    assert payout(_schedule(_cycle(), SATURDAY)).scheduled_at == SATURDAY


def test_schedule_for_now_on_a_holiday_waits_if_the_group_skips_it() -> None:
    easter_monday = datetime(2026, 4, 6, 8, 0, tzinfo=UTC)
    payout_id = _schedule(_cycle(skip_non_working_days=True), now=easter_monday)

    assert payout(payout_id).status == "scheduled"
    assert payout(payout_id).scheduled_at == datetime(2026, 4, 7, 8, 0, tzinfo=UTC)


def test_request_a_scheduled_payout_runs_it_now_as_the_same_payout(node: ScriptedRail) -> None:
    cycle = _cycle()
    payout_id = _schedule(cycle, TOMORROW)

    assert process(cycle) == payout_id
    run_due(slots=1, clock=lambda: NOW)
    assert payout(payout_id).status == "completed"
    assert node.sends == 1


def test_request_a_scheduled_payout_whose_invoice_does_not_fit_leaves_it_scheduled() -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    _schedule(cycle, TOMORROW)
    verify(group)
    with nothing_changes(), pytest.raises(InvoiceAmountDiffers):
        process(cycle)


def test_discount_of_a_scheduled_payout_is_that_of_its_due_moment(node: ScriptedRail) -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    payout_id = _schedule(cycle, TOMORROW)
    verify(group)
    set_destination(cycle_id=cycle.pk, destination=invoice("verified", 99_500), actor=ACTOR, now=NOW)
    run_due(slots=1, clock=lambda: TOMORROW)

    assert payout(payout_id).fee_sats == 500
    assert list(node.paid.values()) == [99_500_000]


def test_scheduled_payout_whose_invoice_does_not_fit_fails_and_books_nothing(node: ScriptedRail) -> None:
    group = make_group(members=2)
    cycle = make_payable_cycle(group, contribution_sats=50_000)
    payout_id = _schedule(cycle, TOMORROW)
    verify(group)
    run_due(slots=1, clock=lambda: TOMORROW)

    assert (payout(payout_id).status, payout(payout_id).failure.code) == ("failed", "invoice-amount-differs")
    assert (node.sends, payout_of(cycle.pk).cycle_status) == (0, "failed")


def test_scheduling_again_is_refused_and_works_after_a_cancellation() -> None:
    cycle = _cycle()
    payout_id = _schedule(cycle, TOMORROW)
    with nothing_changes(), pytest.raises(PayoutScheduledAlready) as refused:
        _schedule(cycle, TOMORROW)
    assert refused.value.facts == {"cycle_id": cycle.pk, "payout_id": payout_id, "scheduled_at": TOMORROW}

    cancel_payout(payout_id=payout_id, user=make_user(Role.PLATFORM), reason="other day", now=NOW)
    assert payout_of(cycle.pk).cycle_status == "ready"
    assert _schedule(cycle, TOMORROW) != payout_id


def test_schedule_a_payout_under_way_is_refused() -> None:
    cycle = _cycle()
    payout_id = process(cycle)
    with nothing_changes(), pytest.raises(PayoutUnderWay) as refused:
        _schedule(cycle, TOMORROW)
    assert refused.value.facts == {
        "cycle_id": cycle.pk, "payout_id": payout_id, "payout_status": "processing",
    }  # fmt: skip


def test_scheduling_a_paid_cycle_is_refused() -> None:
    cycle = _cycle()
    process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    with nothing_changes(), pytest.raises(CycleAlreadyPaid):
        _schedule(cycle, TOMORROW)


def test_scheduling_a_cycle_that_is_not_ready_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(CycleNotReady) as refused:
        _schedule(cycle, TOMORROW)
    assert refused.value.facts["missing_contributions"] == 2


def test_scheduling_without_a_destination_is_refused() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(DestinationMissing):
        _schedule(cycle, TOMORROW)


def test_scheduling_for_later_works_while_outgoing_is_paused_and_for_now_does_not() -> None:
    cycle, other = _cycle(), _cycle()
    pause_outgoing(actor=ACTOR, reason="pause", now=NOW)
    _schedule(cycle, TOMORROW)
    with nothing_changes(), pytest.raises(OutgoingPaused):
        _schedule(other)
