"""A provider that may pay one reference twice, and does not show an order: it is not sent again, and people decide."""

from datetime import timedelta

import pytest

from sunusav.core.models import Switch
from sunusav.core.switches import pause_outgoing
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    PAYOUT_MSAT,
    Snapshot,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.deciding import PAID, People, breaches
from tests.transfers.rails import SOURCE, SteeredRail, Watch, hash_of, invoice_for, proof_of
from tests.transfers.unchanged import unchanged
from transfers.engine.destinations import order_of
from transfers.enums import FailureClass
from transfers.errors import OrderStillPayable
from transfers.models import Attempt
from transfers.services.disbursements import retry_disbursement
from transfers.services.reconciliation import query_now
from transfers.types import NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

LOST = Unknown(seen=False, reason="connection-lost")
SHORT = Refused("float-short", FailureClass.HOLD)
ABSENT = NotSeen(source=SOURCE, is_resendable=False, evidence={"searched": "a day"})
SEARCH_WINDOW = timedelta(hours=24)
WINDOW_SECONDS = SEARCH_WINDOW.total_seconds() + MAY_LEAVE_SECONDS


@pytest.fixture
def people(watch: Watch) -> People:
    return People(watch)


@pytest.fixture(autouse=True)
def slow_to_show(node: SteeredRail) -> None:
    """Let the provider show an order a day after it was sent, at the latest."""
    node.search_window = SEARCH_WINDOW


def lost(node: SteeredRail, watch: Watch) -> int:
    """Return a payment whose answer was lost; its order can be paid for ten hours."""
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=watch.after(36_000)))
    node.script.append(LOST)
    run(watch)
    return disbursement_id


def absent(node: SteeredRail, watch: Watch, disbursement_id: int, *, after: float) -> None:
    """Let a worker ask later; the provider does not show the order."""
    watch.advance(after)
    node.finds.clear()
    node.finds.append(ABSENT)
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())
    run(watch)


def never_found(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = lost(node, watch)
    absent(node, watch, disbursement_id, after=WINDOW_SECONDS + 1)
    return disbursement_id


def test_order_that_is_not_found_is_never_sent_again_and_a_person_is_called_after_the_search_window(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = lost(node, watch)
    absent(node, watch, disbursement_id, after=15)
    assert snapshot(disbursement_id) == Snapshot("processing", ["prepared"], 0, PAYOUT_MSAT)
    absent(node, watch, disbursement_id, after=WINDOW_SECONDS - 15)
    assert row_of(disbursement_id).state == "processing"

    absent(node, watch, disbursement_id, after=0.001)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, row.due_at) == ("needs_review", "never-found", watch.after(600))
    assert node.sends == 1


@pytest.mark.parametrize("is_shown", [True, False])
def test_order_whose_only_send_was_refused_needs_no_window_and_no_people(
    node: SteeredRail, watch: Watch, is_shown: bool
) -> None:
    """The refusal answered the very send that could have paid it: it may be shown as refused, or not at all."""
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=watch.after(36_000)))
    node.script.append(SHORT)
    run(watch)
    node.finds.append(SHORT if is_shown else ABSENT)
    watch.advance(MAY_LEAVE_SECONDS + 60)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.sends == 2
    assert breaches(watch) == []


def test_order_that_was_sent_again_and_refused_is_in_doubt_within_the_search_window(
    node: SteeredRail, watch: Watch
) -> None:
    """The first send was unavailable by our own record, and the second is counted as one more."""
    disbursement_id = lost(node, watch)
    Attempt.objects.update(sends=2)
    node.finds.append(SHORT)
    watch.advance(15)
    run(watch)
    absent(node, watch, disbursement_id, after=MAY_LEAVE_SECONDS + 60)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, node.sends) == ("needs_review", "last-order-in-doubt", 1)


def test_two_people_end_it_and_another_order_goes(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = never_found(node, watch)

    people.decide(disbursement_id)

    assert snapshot(disbursement_id) == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", NET_SATS), actor=BY, now=watch()
    )
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="decided", now=watch())
    node.finds.clear()
    node.finds.append(ABSENT)
    run(watch)
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("new", NET_SATS): NET_MSAT}
    assert breaches(watch) == []


def test_two_people_find_it_paid(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = never_found(node, watch)

    people.decide(disbursement_id, PAID, proof=proof_of("awa", NET_SATS), cost=0)

    assert snapshot(disbursement_id) == Snapshot("completed", ["succeeded"], 0, 0)
    assert breaches(watch) == []


def test_propose_not_paid_within_the_search_window_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    """It may be under review for another reason by then."""
    disbursement_id = lost(node, watch)
    node.finds.append(Unknown(seen=False, reason="odd", suspect=True))
    watch.advance(15)
    run(watch)
    absent(node, watch, disbursement_id, after=WINDOW_SECONDS - 60)
    assert row_of(disbursement_id).state == "needs_review"

    with unchanged(), pytest.raises(OrderStillPayable):
        people.propose(disbursement_id)


def test_order_that_is_found_after_all_is_booked(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = never_found(node, watch)
    node._pay(order_of(Attempt.objects.select_related("order").get().order))
    watch.advance(600)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["succeeded"], 0, 0)


def test_send_that_certainly_did_not_leave_is_sent_again(node: SteeredRail, watch: Watch) -> None:
    """The rail was unavailable for the send: nothing left, so that its absence needs no window and no people."""
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=watch.after(36_000)))
    with node.unavailable("send"):
        run(watch)
    assert Attempt.objects.get().sends == 0
    node.finds.append(ABSENT)
    watch.advance(60)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["succeeded"], 0, 0)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}
    assert breaches(watch) == []


def test_order_that_a_pause_kept_from_leaving_is_sent_after_it(node: SteeredRail, watch: Watch) -> None:
    """Outgoing money is paused between the intent and the last look before the send."""
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=watch.after(36_000)))
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="for this test", now=watch())
    run(watch)
    assert (Attempt.objects.get().sends, node.sends) == (0, 0)
    Switch.objects.update(is_open=True)
    node.finds.append(ABSENT)
    watch.advance(60)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["succeeded"], 0, 0)
    assert node.sends == 1
