"""A winner's second choice: it is stored, it cools off by itself, and it is paid if the first is refused.

A cycle of ten members collects 100,000 sats; the winner's net is 99,000. Invoices named "x@node" are of that node.
"""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from payouts.models import Cycle
from payouts.services.cycles import set_destination
from sunusav.core.privacy import mask_text
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.payouts import ACTOR, NOW, make_ready_cycle, process
from tests.factories.users import client_in
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Disbursement
from transfers.types import Destination, Refused

pytestmark = pytest.mark.django_db

FIRST, SECOND = invoice("first@wallet-a", 99_000), invoice("second@wallet-b", 99_000)
REFUSED = Refused("invoice-expired", FailureClass.FINAL)


def put(cycle: Cycle, first: Destination, second: Destination | None, client: APIClient | None = None) -> Any:
    body: dict[str, Any] = {"rail": first.rail, "kind": first.kind, "value": first.value}
    if second is not None:
        body["second_choice"] = {"rail": second.rail, "kind": second.kind, "value": second.value}
    path = f"/monetization/cycles/{cycle.pk}/destination"
    return (client or client_in(Role.PLATFORM)).put(path, body)


def run(at: Any) -> None:
    run_due(slots=1, clock=lambda: at)


def test_both_choices_are_answered_and_a_later_put_without_a_second_removes_it(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()

    answer = put(cycle, FIRST, SECOND)

    assert answer.status_code == 200
    assert answer.json()["destination"] == {
        "rail": "lightning",
        "kind": "bolt11",
        "value": mask_text(FIRST.value),
    }
    assert answer.json()["second_choice"] == {
        "rail": "lightning",
        "kind": "bolt11",
        "value": mask_text(SECOND.value),
    }

    assert put(cycle, FIRST, None).json()["second_choice"] is None
    assert Cycle.objects.get(pk=cycle.pk).destinations[1:] == ()


def test_second_choice_equal_to_the_first_is_refused(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()

    with nothing_changes():
        answer = put(cycle, FIRST, FIRST)

    assert (answer.status_code, answer.json()["code"]) == (422, "second-choice-same")


def test_second_choice_that_can_never_be_paid_is_refused(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()

    with nothing_changes():
        answer = put(cycle, FIRST, invoice("other", 99_000, network="mainnet"))

    assert (answer.status_code, answer.json()["code"]) == (422, "invoice-for-another-network")


def test_second_choice_is_paid_when_the_first_is_finally_refused(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    put(cycle, FIRST, SECOND)
    payout_id = process(cycle, now=NOW)
    node.script.append(REFUSED)

    run(NOW)
    assert (node.sends, len(node.paid)) == (1, 0)
    run(NOW + timedelta(minutes=2))

    assert list(node.paid) == [FakeInvoice.read(SECOND.value).payment_hash]
    answer = client_in(Role.PLATFORM).get(f"/monetization/payouts/{payout_id}/receipt").json()
    assert (answer["status"], answer["net_payout"]) == ("completed", 99_000)
    assert answer["lightning_payment_hash"] == FakeInvoice.read(SECOND.value).payment_hash


def test_second_choice_added_to_a_ready_cycle_cools_off_and_the_first_does_not(node: ScriptedRail) -> None:
    """Only what exceeds the limit of replaced destinations waits, and only for the choice that was replaced."""
    set_limit_to("replaced_destination", 10_000, now=NOW)
    cycle = make_ready_cycle()
    set_destination(cycle_id=cycle.pk, destination=FIRST, second_choice=SECOND, actor=ACTOR, now=NOW)
    other = invoice("other@wallet-c", 99_000)
    later = NOW + timedelta(minutes=1)

    set_destination(cycle_id=cycle.pk, destination=FIRST, second_choice=other, actor=ACTOR, now=later)

    row = Cycle.objects.get(pk=cycle.pk)
    assert row.replaced_at == (None, later)
    payout_id = process(cycle, now=later)
    node.script.append(REFUSED)
    run(later)
    run(later + timedelta(minutes=2))
    waiting = Disbursement.objects.get(pk=payout_id)
    assert (waiting.state, waiting.failure_code) == ("processing", "destination-cooling-off")
    assert waiting.due_at == later + timedelta(hours=24)
    assert node.sends == 1

    run(later + timedelta(hours=24))
    assert list(node.paid) == [FakeInvoice.read(other.value).payment_hash]
