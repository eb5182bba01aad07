"""A payout above a limit waits 24 hours after the payee of a ready cycle has changed.

A cycle of ten members collects 100,000 sats; the winner's net is 99,000. Invoices named "x@node" are of that node.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from payouts.models import Cycle
from payouts.services.cycles import record_ready_cycles, set_destination
from payouts.services.payouts import schedule_payout
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_ready_cycle, pay_contributions, process
from tests.factories.users import client_in
from tests.fakes.rail import ScriptedRail, invoice
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.services.disbursements import cancel_disbursement

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)
API = "/monetization"


def set_to(cycle: Cycle, name: str, *, at: datetime = NOW) -> None:
    set_destination(cycle_id=cycle.pk, destination=invoice(name, 99_000), actor=ACTOR, now=at)


def replaced_at(cycle: Cycle) -> datetime | None:
    return Cycle.objects.get(pk=cycle.pk).destination_replaced_at


def paid(cycle: Cycle, *, at: datetime = NOW) -> Disbursement:
    payout_id = process(cycle, now=at)
    run_due(slots=1, clock=lambda: at)
    return Disbursement.objects.get(pk=payout_id)


def test_first_destination_of_a_ready_cycle_is_no_replacement(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()

    set_to(cycle, "first@wallet-a")

    assert replaced_at(cycle) is None
    assert paid(cycle).state == "completed"


def test_another_invoice_of_the_same_node_is_no_replacement(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")

    set_to(cycle, "second@wallet-a")

    assert replaced_at(cycle) is None
    assert paid(cycle).state == "completed"


class OtherRail(ScriptedRail):
    """A second rail, whose payees may have the names that Lightning's have."""

    name = "wave"


def test_another_rail_is_another_payee_even_of_the_same_name(node: ScriptedRail, settings: Settings) -> None:
    settings.RAILS = {**settings.RAILS, "wave": "tests.payouts.test_cooling_off.OtherRail"}
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    other = replace(invoice("second@wallet-a", 99_000), rail="wave")
    assert rail("wave").payee_of(other) == node.payee_of(invoice("first@wallet-a", 99_000))

    set_destination(cycle_id=cycle.pk, destination=other, actor=ACTOR, now=NOW)

    assert replaced_at(cycle) == NOW


def test_another_node_before_the_cycle_is_ready_is_no_replacement(node: ScriptedRail) -> None:
    cycle = make_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b")
    pay_contributions(cycle)
    record_ready_cycles(now=NOW)

    assert replaced_at(cycle) is None
    assert paid(cycle).state == "completed"


def test_another_node_once_ready_waits_24_hours(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b", at=NOW + timedelta(hours=1))

    payout = paid(cycle, at=NOW + timedelta(hours=2))

    assert replaced_at(cycle) == NOW + timedelta(hours=1)
    assert (payout.state, payout.failure_code) == ("processing", "destination-cooling-off")
    assert payout.due_at == NOW + timedelta(hours=25)
    assert payout.payee_ref == "user:user-0"
    assert node.sends == 0
    line = TrailEntry.objects.filter(subject=f"cycle:{cycle.pk}", action="set_destination").latest("pk")
    assert line.facts["replaced"] is True

    run_due(slots=1, clock=lambda: NOW + timedelta(hours=25))

    payout.refresh_from_db()
    assert (payout.state, payout.failure_code) == ("completed", "")


def test_another_node_below_the_limit_is_paid_at_once(node: ScriptedRail) -> None:
    set_limit_to("replaced_destination", 99_000, now=NOW)
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")

    set_to(cycle, "second@wallet-b")

    assert replaced_at(cycle) == NOW
    assert paid(cycle).state == "completed"


def test_changing_back_and_forth_does_not_shorten_the_wait(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b", at=NOW + timedelta(hours=1))

    set_to(cycle, "third@wallet-a", at=NOW + timedelta(hours=2))
    assert replaced_at(cycle) == NOW + timedelta(hours=2)

    set_to(cycle, "fourth@wallet-a", at=NOW + timedelta(hours=3))
    assert replaced_at(cycle) == NOW + timedelta(hours=2)


def test_waiting_payout_that_is_redirected_keeps_waiting(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    payout_id = process(cycle)

    set_to(cycle, "second@wallet-b", at=NOW + timedelta(minutes=1))
    run_due(slots=1, clock=lambda: NOW + timedelta(minutes=1))

    payout = Disbursement.objects.get(pk=payout_id)
    assert payout.destinations.get().replaced_at == NOW + timedelta(minutes=1)
    assert (payout.failure_code, payout.due_at) == (
        "destination-cooling-off",
        NOW + DAY + timedelta(minutes=1),
    )


def test_cancelling_and_requesting_again_does_not_shorten_the_wait(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b")
    payout = paid(cycle)
    cancel_disbursement(disbursement_id=payout.pk, actor=ACTOR, reason="again", now=NOW)

    again = paid(cycle)

    assert again.pk != payout.pk
    assert (again.failure_code, again.due_at) == ("destination-cooling-off", NOW + DAY)


def test_scheduled_payout_to_another_node_waits_too(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    payout_id = schedule_payout(
        cycle_id=cycle.pk, scheduled_at=NOW + timedelta(hours=2), actor=ACTOR, now=NOW
    )
    set_to(cycle, "second@wallet-b", at=NOW + timedelta(hours=1))

    run_due(slots=1, clock=lambda: NOW + timedelta(hours=2))

    payout = Disbursement.objects.get(pk=payout_id)
    assert (payout.state, payout.failure_code) == ("processing", "destination-cooling-off")
    assert payout.due_at == NOW + timedelta(hours=25)


def test_scheduled_payout_after_the_wait_is_paid_on_its_day(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b")
    payout_id = schedule_payout(
        cycle_id=cycle.pk, scheduled_at=NOW + timedelta(hours=24), actor=ACTOR, now=NOW
    )

    run_due(slots=1, clock=lambda: NOW + timedelta(hours=24))

    assert Disbursement.objects.get(pk=payout_id).state == "completed"


def test_platform_reads_why_a_payout_waits(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    set_to(cycle, "first@wallet-a")
    set_to(cycle, "second@wallet-b")
    paid(cycle)
    platform = client_in(Role.PLATFORM)

    status = platform.get(f"{API}/payouts/status/{cycle.pk}").json()
    body = platform.get(f"{API}/cycles/{cycle.pk}").json()

    why = "Its destination became another payee's after the cycle was ready; it goes on 2026-03-05T10:00:00+00:00."
    assert (status["payout_status"], status["error_message"]) == ("processing", why)
    assert (body["status"], body["error_message"]) == ("paying", why)
    assert body["destination_replaced_at"] == "2026-03-04T10:00:00Z"
