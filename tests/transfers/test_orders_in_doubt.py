"""Closed orders that could not be confirmed at once: none is forgotten, and none keeps the others from being asked."""

import pytest

from ledger.auditor import audit
from sunusav.core.switches import pause_outgoing
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    PAYOUT_MSAT,
    Snapshot,
    attempts,
    replace_destination,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.test_late_sends import (
    FINAL,
    IN_FLIGHT,
    NO_ROUTE,
    asked,
    attempt_for,
    cancel,
    give,
    refused,
    wakes,
)
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.errors import OrderStillPayable
from transfers.services.disbursements import retry_disbursement

pytestmark = pytest.mark.django_db


def test_cancel_while_outgoing_money_is_paused_is_possible_once_the_order_was_asked_about(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    pause_outgoing(actor=BY, reason="wrong winner", now=watch())
    with pytest.raises(OrderStillPayable):
        cancel(disbursement_id, watch)
    asked(node)
    watch.advance(MAY_LEAVE_SECONDS)

    run(watch)

    assert asked(node) == ["find"], "nothing is prepared while outgoing money is paused"
    assert row_of(disbursement_id).state == "processing"
    cancel(disbursement_id, watch)
    assert snapshot(disbursement_id) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)


def test_order_paid_late_while_outgoing_money_is_paused_is_booked(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    pause_outgoing(actor=BY, reason="test", now=watch())
    wakes(node, "A")
    watch.advance(MAY_LEAVE_SECONDS)

    run(watch)

    assert snapshot(disbursement_id).state == "completed"


def test_paused_payment_is_not_sent_again_after_its_order_was_asked_about(
    node: SteeredRail, watch: Watch
) -> None:
    refused(node, watch, NO_ROUTE)
    pause_outgoing(actor=BY, reason="test", now=watch())
    asked(node)

    for _ in range(20):
        watch.advance(60)
        run(watch)

    assert set(asked(node)) == {"find"}
    assert node.paid == {}


def test_order_in_doubt_does_not_keep_others_from_being_asked_about(node: SteeredRail, watch: Watch) -> None:
    """The provider says that A is in flight again; C, refused since, was paid by a frozen sender."""
    disbursement_id = refused(node, watch)
    give(disbursement_id, "C", watch)
    node.script.append(FINAL)
    settle(watch)
    assert [one.order.reference for one in attempts(disbursement_id)] == [
        hash_of("A", NET_SATS),
        hash_of("C", NET_SATS),
    ]
    wakes(node, "C")
    node.finds.append(IN_FLIGHT)  # about A, which is asked about first

    settle(watch)

    assert snapshot(disbursement_id).state == "completed"
    assert node.paid == {hash_of("C", NET_SATS): NET_MSAT}


def test_order_paid_beside_another_is_booked_when_the_other_is_refused(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    node.script.append(IN_FLIGHT)
    settle(watch)
    assert snapshot(disbursement_id).attempts == ["failed", "in_flight"]
    wakes(node, "A")
    late = attempt_for("A")
    assert not close_as_paid(late, node._receipt(order_of(late.order)), now=watch())
    assert attempt_for("A").paid_outside_at == watch()
    node.finds.append(FINAL)
    watch.advance(15)
    run(watch)
    assert snapshot(disbursement_id) == Snapshot("failed", ["failed", "failed"], 0, PAYOUT_MSAT)
    with node.unavailable("find"):
        settle(watch)
    assert row_of(disbursement_id).due_at is not None, "the provider did not answer: it is asked again"

    settle(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "failed", "succeeded"], 0, 0)
    assert "I25" not in {breach.invariant for breach in audit(now=watch()).breaches}


def test_order_that_expired_unsent_leaves_an_earlier_one_watched(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch)
    settle(watch)
    short = invoice_for("B", NET_SATS, expires_at=watch.after(1_000))
    replace_destination(disbursement_id=disbursement_id, destination=short, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    with node.unavailable("send"):
        run(watch)
    assert snapshot(disbursement_id).attempts == ["failed", "prepared"]
    watch.advance(2_000)

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("failed", ["failed", "void"], 0, PAYOUT_MSAT)
    assert row_of(disbursement_id).due_at is not None, "A can still be paid"
    assert "I26" not in {breach.invariant for breach in audit(now=watch()).breaches}
