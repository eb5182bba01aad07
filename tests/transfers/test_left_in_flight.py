"""A payment that its node reports as in flight without end, and that is nowhere under way: two people end it."""

import pytest

from tests.transfers.builders import (
    BY,
    NET_MSAT,
    NET_SATS,
    PAYOUT_MSAT,
    Snapshot,
    attempts,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.deciding import People, breaches, kinds_of_answers, waiting
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.errors import OrderStillPayable
from transfers.models import Attempt
from transfers.services.disbursements import retry_disbursement
from transfers.services.reconciliation import query_now
from transfers.types import FindOutcome, Unknown

pytestmark = pytest.mark.django_db

SEEN = Unknown(seen=True, reason="in-flight")
SEARCHED = {"channels_searched": {"7": "active"}}
NOWHERE = Unknown(seen=True, reason="in-flight-nowhere", is_stuck=True, evidence=SEARCHED)
EXPIRED_SECONDS = 3_600 + 601


@pytest.fixture
def people(watch: Watch) -> People:
    return People(watch)


def asked(
    node: SteeredRail, watch: Watch, disbursement_id: int, answer: FindOutcome, *, after: float
) -> None:
    """Let a worker ask later."""
    node.finds.clear()
    watch.advance(after)
    node.finds.append(answer)
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())
    run(watch)


def expired(node: SteeredRail, watch: Watch) -> int:
    """Return a payment that was left in flight, and whose invoice has expired just now."""
    invoice = invoice_for("awa", NET_SATS, expires_at=watch.after(3_600))
    disbursement_id = ordered(destination=invoice)
    node.script.append(SEEN)
    run(watch)
    asked(node, watch, disbursement_id, NOWHERE, after=EXPIRED_SECONDS)
    return disbursement_id


def left(node: SteeredRail, watch: Watch) -> int:
    """Return one that is under review."""
    disbursement_id = expired(node, watch)
    asked(node, watch, disbursement_id, NOWHERE, after=3_600)
    return disbursement_id


def another_goes(node: SteeredRail, watch: Watch, disbursement_id: int, answer: FindOutcome) -> None:
    """Retry with another invoice; the provider answers so about the first order."""
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", NET_SATS), actor=BY, now=watch()
    )
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.clear()
    node.finds.append(answer)
    run(watch)


def test_run_waits_for_an_hour_before_people_are_called(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = expired(node, watch)

    assert row_of(disbursement_id).state == "processing"
    asked(node, watch, disbursement_id, NOWHERE, after=3_598)
    assert row_of(disbursement_id).state == "processing"
    asked(node, watch, disbursement_id, NOWHERE, after=1)

    row, attempt = row_of(disbursement_id), attempts(disbursement_id)[0]
    assert (row.state, row.failure_code) == ("needs_review", "left-in-flight")
    assert row.due_at == watch.after(600)
    assert (attempt.state, attempt.outcome, attempt.evidence) == ("in_flight", "in-flight-nowhere", SEARCHED)
    assert kinds_of_answers(attempt.pk) == ["in_flight", "stuck"]


def test_two_people_end_it_and_another_order_goes(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = left(node, watch)

    people.decide(disbursement_id)

    assert snapshot(disbursement_id) == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)
    another_goes(node, watch, disbursement_id, NOWHERE)
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("new", NET_SATS): NET_MSAT}
    assert breaches(watch) == []


def test_one_that_is_in_a_channel_after_all_keeps_another_order_from_going(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = left(node, watch)
    people.decide(disbursement_id)

    another_goes(node, watch, disbursement_id, SEEN)

    assert node.paid == {}
    assert row_of(disbursement_id).due_at == watch.after(15)


def test_one_that_is_paid_before_another_goes_is_booked(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = left(node, watch)
    people.decide(disbursement_id)
    first = Attempt.objects.select_related("order").get()

    another_goes(node, watch, disbursement_id, node._receipt(order_of(first.order)))

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {}
    assert breaches(watch) == []


def test_one_that_is_paid_beside_another_is_outside_the_books(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = left(node, watch)
    people.decide(disbursement_id)
    another_goes(node, watch, disbursement_id, NOWHERE)
    first = Attempt.objects.select_related("order").get(number=1)

    assert not close_as_paid(first, node._receipt(order_of(first.order)), now=watch())

    assert [code for code, _ in waiting(watch)] == ["I25"]


def test_propose_not_paid_within_the_hour_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    """It may be under review for another reason by then."""
    disbursement_id = expired(node, watch)
    asked(node, watch, disbursement_id, Unknown(seen=True, reason="odd", suspect=True), after=1)
    asked(node, watch, disbursement_id, NOWHERE, after=600)
    assert row_of(disbursement_id).state == "needs_review"

    with unchanged(), pytest.raises(OrderStillPayable):
        people.propose(disbursement_id)


def test_one_that_is_paid_during_the_review_is_booked(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = left(node, watch)
    first = Attempt.objects.select_related("order").get()

    asked(node, watch, disbursement_id, node._receipt(order_of(first.order)), after=600)

    assert snapshot(disbursement_id) == Snapshot("completed", ["succeeded"], 0, 0)
