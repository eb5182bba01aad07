"""Orders that the provider pays after it had refused them: a late send of a failed hash can revive it."""

import threading

import pytest

from sunusav.core import switches
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    Snapshot,
    claimed,
    instruction_of,
    ordered,
    replace_destination,
    request_for,
    row_of,
    run,
    settle,
    snapshot,
    work,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from transfers.engine.destinations import order_of
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.paid import close_as_paid
from transfers.enums import FailureClass
from transfers.models import Attempt
from transfers.services.disbursements import (
    cancel_disbursement,
    request_disbursement,
    retry_disbursement,
)
from transfers.types import NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

FINAL = Refused("incorrect-payment-details", FailureClass.FINAL, verdict="1/1")
RETRY = Refused("no-route", FailureClass.RETRY, verdict="1/1")


def _refused_once(node: SteeredRail, watch: Watch, refusal: Refused = FINAL) -> int:
    disbursement_id = ordered()
    node.script.append(refusal)
    run(watch)
    return disbursement_id


def _pay_late(node: SteeredRail, name: str = "awa") -> None:
    """Let a send that was under way arrive now."""
    attempt = Attempt.objects.select_related("order").filter(order__reference=hash_of(name, NET_SATS)).first()
    assert attempt is not None
    node._pay(order_of(attempt.order))


def test_close_as_paid_of_a_failed_attempt_books_the_payment_that_happened(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = _refused_once(node, watch)
    assert snapshot(disbursement_id).state == "failed"
    _pay_late(node)
    closed = Attempt.objects.select_related("order").get()

    assert close_as_paid(closed, node._receipt(order_of(closed.order)), now=watch())

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_close_as_paid_of_a_failed_attempt_closes_the_live_one_of_the_same_order(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = _refused_once(node, watch, RETRY)
    node.script.append(Unknown(seen=True, reason="in-flight"))
    watch.advance(60)
    run(watch)
    closed = Attempt.objects.select_related("order").get(number=1)
    _pay_late(node)

    assert close_as_paid(closed, node._receipt(order_of(closed.order)), now=watch())

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_close_as_paid_of_a_cancelled_disbursement_pauses_outgoing_money(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = _refused_once(node, watch)
    settle(watch)
    cancel_disbursement(disbursement_id=disbursement_id, actor=BY, reason="wrong invoice", now=watch())
    _pay_late(node)
    closed = Attempt.objects.select_related("order").get()

    assert not close_as_paid(closed, node._receipt(order_of(closed.order)), now=watch())

    assert snapshot(disbursement_id).state == "cancelled"
    switch = switches.outgoing()
    assert not switch.is_open
    assert hash_of("awa", NET_SATS) in switch.reason


def test_run_with_another_invoice_queries_the_last_one_first(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = _refused_once(node, watch)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", NET_SATS), actor=BY, now=watch()
    )
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    _pay_late(node)
    watch.advance(MAY_LEAVE_SECONDS)

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


def test_run_with_another_invoice_while_the_last_one_is_in_flight_again_sends_nothing(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = _refused_once(node, watch)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", NET_SATS), actor=BY, now=watch()
    )
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(Unknown(seen=True, reason="in-flight"))
    watch.advance(MAY_LEAVE_SECONDS)

    run(watch)

    assert node.paid == {}
    assert row_of(disbursement_id).due_at == watch.after(15)


def test_run_with_another_invoice_when_the_last_one_is_forgotten_needs_review(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = _refused_once(node, watch)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("new", NET_SATS), actor=BY, now=watch()
    )
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(NotSeen(source="node"))
    watch.advance(MAY_LEAVE_SECONDS)

    run(watch)

    assert node.paid == {}
    assert row_of(disbursement_id).failure_code == "last-order-in-doubt"


def test_run_after_cancel_queries_the_cancelled_order(node: SteeredRail, watch: Watch) -> None:
    first = _refused_once(node, watch)
    settle(watch)
    cancel_disbursement(disbursement_id=first, actor=BY, reason="wrong invoice", now=watch())
    request = request_for(destination=invoice_for("new", NET_SATS))
    second = request_disbursement(request=request, actor=BY, now=watch())
    _pay_late(node)

    run(watch)

    assert row_of(second).failure_code == "paid-before"
    assert not switches.outgoing().is_open
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


def test_run_with_a_refusal_of_an_earlier_send_treats_it_as_stale(node: SteeredRail, watch: Watch) -> None:
    """A worker was killed between opening the second attempt and sending it: the node reports the first failure."""
    disbursement_id = _refused_once(node, watch, RETRY)
    watch.advance(60)
    claim = claimed(disbursement_id, watch)
    order = node.prepare(instruction_of(disbursement_id), now=watch())
    open_attempts([Opening(claim, order, 2)], now=watch())
    watch.advance(20)

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert row_of(disbursement_id).retries == 1
    assert Attempt.objects.get(number=2).sends == 2


def test_run_keeps_its_lease_while_it_prepares(node: SteeredRail, watch: Watch) -> None:
    """A node that answers slowly must not make each worker lose its claim to the next."""
    disbursement_id = ordered()
    claim = claimed(disbursement_id, watch)
    alive: list[bool] = []
    node.meanwhile["prepare"] = lambda: alive.append(_beats())

    work(claim, clock=watch)

    assert alive == [True]


def _beats() -> bool:
    return any(thread.name == "lease-heartbeat" for thread in threading.enumerate())


def test_retry_delay_is_not_shortened_by_a_stale_answer(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = _refused_once(node, watch, RETRY)

    row = row_of(disbursement_id)
    assert (row.due_at, row.not_before) == (watch.after(MAY_LEAVE_SECONDS), watch.after(60))
    settle(watch)
    assert (row_of(disbursement_id).due_at, node.sends) == (row.not_before, 1)
