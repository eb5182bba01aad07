"""Nothing leaves late, and every order that may have left is asked about.

A frozen sender is simulated by a rail that pays a closed order after the fact, up to its latest moment.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from sunusav.core import switches
from sunusav.core.approvals import approve
from sunusav.core.deadlines import NS_PER_SECOND, Deadline, boottime_ns
from sunusav.core.models import Switch, TrailEntry
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PREPARED,
    Snapshot,
    attempts,
    claimed,
    instruction_of,
    ordered,
    other_invoice,
    replace_destination,
    request_for,
    row_of,
    run,
    settle,
    snapshot,
    work,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine.claims import may_send
from transfers.engine.destinations import order_of
from transfers.engine.opening import Opening, open_attempts
from transfers.enums import FailureClass, ResolutionVerdict
from transfers.errors import ClaimLost, OrderStillPayable
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import (
    cancel_disbursement,
    request_disbursement,
    retry_disbursement,
)
from transfers.services.resolutions import propose_resolution
from transfers.types import NotSeen, Order, Refused, SendOutcome, Succeeded, Unknown

pytestmark = pytest.mark.django_db

FINAL = Refused("incorrect-payment-details", FailureClass.FINAL)
NO_ROUTE = Refused("no-route", FailureClass.RETRY)
RENEW = Refused("invoice-expired", FailureClass.RENEW)
IN_FLIGHT = Unknown(seen=True, reason="in-flight")


def refused(node: SteeredRail, watch: Watch, refusal: Refused = FINAL, *, hours: float | None = None) -> int:
    """Order a payment whose invoice A the provider refuses, valid for some hours."""
    expires_at = {} if hours is None else {"expires_at": watch() + timedelta(hours=hours)}
    disbursement_id = ordered(destination=invoice_for("A", NET_SATS, **expires_at))
    node.script.append(refusal)
    run(watch)
    return disbursement_id


def give(disbursement_id: int, name: str, watch: Watch) -> None:
    """Let a person set another invoice and, if the payment has failed, retry it."""
    replace_destination(
        disbursement_id=disbursement_id, destination=other_invoice(name), actor=BY, now=watch()
    )
    if row_of(disbursement_id).state in ("failed", "needs_review"):
        retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())


def cancel(disbursement_id: int, watch: Watch) -> None:
    cancel_disbursement(disbursement_id=disbursement_id, actor=BY, reason="called off", now=watch())


def attempt_for(name: str) -> Attempt:
    found = Attempt.objects.select_related("order").filter(order__reference=hash_of(name, NET_SATS))
    return found.order_by("pk")[0]


def wakes(node: SteeredRail, name: str) -> None:
    """Let a frozen sender of the order of that name wake, and its payment go through."""
    node._pay(order_of(attempt_for(name).order))


def asked(node: SteeredRail) -> list[str]:
    """Return the names of the calls since this was last asked."""
    calls, node.calls = node.calls, []
    return calls


def expect_double(disbursement_id: int, *names: str, at: object) -> None:
    """Assert that outgoing money is paused, and that the payment beside the books is recorded once, with its order."""
    switch = switches.outgoing()
    assert not switch.is_open
    for name in names:
        assert hash_of(name, NET_SATS) in switch.reason
    line = TrailEntry.objects.get(subject=f"disbursement:{disbursement_id}", action="paid_outside_books")
    assert (line.reason, line.at) == (switch.reason, at)
    assert attempt_for(names[0]).paid_outside_at == at


# a. A person sets another invoice while a frozen sender may still pay the first


def test_frozen_sender_beside_another_invoice_wakes_in_time_and_is_booked(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    asked(node)
    assert (run(watch), asked(node)) == (1, []), "the second is not even prepared while the first may leave"
    watch.advance(MAY_LEAVE_SECONDS - 0.001)
    assert (run(watch), asked(node)) == (0, [])
    wakes(node, "A")
    watch.advance(0.001)

    run(watch)

    assert asked(node) == ["find"]
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("A", NET_SATS): NET_MSAT}
    assert attempts(disbursement_id)[1].order.reference == hash_of("A", NET_SATS)


def test_frozen_sender_after_its_latest_moment_sends_nothing(node: SteeredRail, watch: Watch) -> None:
    """It wakes when the other invoice was paid: its deadline has passed, whatever the invoice says."""
    disbursement_id = ordered(destination=invoice_for("A", NET_SATS))
    frozen = FrozenSender(node)
    node.script.append(FINAL)
    run(watch)
    give(disbursement_id, "B", watch)
    settle(watch)
    assert node.paid == {hash_of("B", NET_SATS): NET_MSAT}

    assert frozen.deadline.at == NOW + timedelta(seconds=20)
    assert node.send(frozen.order, deadline=Deadline(frozen.deadline.at, boottime_ns())).evidence == {}
    assert node.paid == {hash_of("B", NET_SATS): NET_MSAT}


class FrozenSender:
    """Keeps what the first sender was to send, and until when."""

    def __init__(self, node: SteeredRail) -> None:
        send = node.send

        def kept(order: Order, *, deadline: Deadline) -> SendOutcome:
            self.order, self.deadline = order, deadline
            node.send = send  # type: ignore[method-assign]
            return send(order, deadline=deadline)

        node.send = kept  # type: ignore[method-assign]


def test_another_invoice_waits_for_the_last_resend_of_the_first(node: SteeredRail, watch: Watch) -> None:
    """The first send was lost; the second, ten minutes later, may leave for as long as any."""
    disbursement_id = ordered(destination=invoice_for("A", NET_SATS))
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    watch.advance(600)
    node.script.append(NO_ROUTE)
    run(watch)
    resent_at = watch()
    assert attempts(disbursement_id)[0].send_not_after == resent_at + timedelta(seconds=20)
    give(disbursement_id, "B", watch)
    asked(node)

    watch.advance(MAY_LEAVE_SECONDS - 0.001)
    assert (run(watch), asked(node)) == (0, [])
    watch.advance(0.001)
    run(watch)
    assert asked(node) == ["find"]
    watch.advance(60 - MAY_LEAVE_SECONDS)
    run(watch)

    assert asked(node) == ["find", "prepare", "send"]
    assert node.paid == {hash_of("B", NET_SATS): NET_MSAT}


# b. An address whose service makes short invoices: the engine itself asks for another


def test_next_invoice_of_an_address_is_not_asked_for_while_the_last_may_leave(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, RENEW)
    asked(node)
    row = row_of(disbursement_id)
    assert (row.due_at, row.not_before) == (watch.after(MAY_LEAVE_SECONDS), watch.after(120))

    for seconds in (10, 10, 9.999):
        watch.advance(seconds)
        assert (run(watch), asked(node)) == (0, [])
    watch.advance(0.001)
    run(watch)
    assert (asked(node), row_of(disbursement_id).due_at) == (["find"], row.not_before)
    watch.advance(89.999)
    assert (run(watch), asked(node)) == (0, [])
    watch.advance(0.001)
    run(watch)

    assert asked(node) == ["find", "prepare", "send"]
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_wait_of_an_address_whose_host_is_unreachable_asks_about_the_earlier_order_each_time(
    node: SteeredRail, watch: Watch
) -> None:
    """However long the next invoice takes, the last order is asked about directly before it."""
    disbursement_id = refused(node, watch, RENEW)
    watch.advance(120)
    with node.unavailable("prepare"):
        run(watch)
    asked(node)
    wakes(node, "A")
    watch.advance(15)

    run(watch)

    assert asked(node) == ["find"]
    assert snapshot(disbursement_id).state == "completed"
    assert node.paid == {hash_of("A", NET_SATS): NET_MSAT}


# c. Invoices A (frozen sender), B (refused), C


def a_b_c(node: SteeredRail, watch: Watch) -> int:
    """Let A and B be refused, and a person set C."""
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    node.script.append(FINAL)
    settle(watch)
    assert snapshot(disbursement_id) == Snapshot("failed", ["failed", "failed"], 0, PAYOUT_MSAT)
    give(disbursement_id, "C", watch)
    asked(node)
    return disbursement_id


def test_third_invoice_is_not_sent_when_the_first_was_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = a_b_c(node, watch)
    wakes(node, "A")

    settle(watch)

    assert node.paid == {hash_of("A", NET_SATS): NET_MSAT}
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "failed", "succeeded"], 0, 0)
    assert "prepare" not in asked(node)


def test_third_invoice_is_not_sent_when_the_second_was_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = a_b_c(node, watch)
    wakes(node, "B")

    settle(watch)

    assert node.paid == {hash_of("B", NET_SATS): NET_MSAT}
    assert snapshot(disbursement_id).state == "completed"


def test_third_invoice_is_sent_once_both_others_were_asked_about(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = a_b_c(node, watch)

    settle(watch)

    assert asked(node) == ["find", "find", "prepare", "send"]
    assert node.paid == {hash_of("C", NET_SATS): NET_MSAT}
    assert snapshot(disbursement_id).state == "completed"
    assert [one.unpaid_at for one in attempts(disbursement_id)[:2]] == [watch(), watch()]


@pytest.mark.parametrize(
    ("found", "failure_code", "due_seconds"),
    [(IN_FLIGHT, "incorrect-payment-details", 15), (NotSeen(source="node"), "last-order-in-doubt", 30)],
)
def test_third_invoice_is_not_sent_while_the_first_is_in_doubt(
    node: SteeredRail, watch: Watch, found: object, failure_code: str, due_seconds: int
) -> None:
    disbursement_id = a_b_c(node, watch)
    node.finds.append(found)  # type: ignore[arg-type]

    settle(watch)

    assert node.paid == {}
    row = row_of(disbursement_id)
    assert row.due_at == watch.after(due_seconds)
    assert (row.failure_code == "last-order-in-doubt") is (failure_code == "last-order-in-doubt")


def test_another_disbursement_of_the_subject_asks_about_every_order_of_the_cancelled_one(
    node: SteeredRail, watch: Watch
) -> None:
    first = a_b_c(node, watch)
    watch.advance(MAY_LEAVE_SECONDS)
    node.finds.extend([FINAL, FINAL])
    node.script.append(FINAL)
    run(watch)
    settle(watch)
    cancel(first, watch)
    request = request_for(destination=invoice_for("D", NET_SATS))
    second = request_disbursement(request=request, actor=BY, now=watch())
    wakes(node, "A")

    run(watch)

    assert node.paid == {hash_of("A", NET_SATS): NET_MSAT}
    assert (row_of(second).state, row_of(second).failure_code) == ("needs_review", "paid-before")
    expect_double(first, "A", at=watch())


# d. Cancelled


def test_cancel_before_the_latest_moment_is_refused_and_names_it(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)

    for seconds in (0, MAY_LEAVE_SECONDS - 0.001):
        watch.advance(seconds)
        with unchanged(), pytest.raises(OrderStillPayable) as error:
            cancel(disbursement_id, watch)
        payable_until = NOW + timedelta(seconds=MAY_LEAVE_SECONDS)
        assert error.value.facts == {"disbursement_id": disbursement_id, "payable_until": payable_until}


def test_cancel_after_the_latest_moment_is_refused_until_the_provider_was_asked(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    watch.advance(MAY_LEAVE_SECONDS)
    with unchanged(), pytest.raises(OrderStillPayable) as error:
        cancel(disbursement_id, watch)
    assert error.value.facts == {"disbursement_id": disbursement_id, "payable_until": watch()}

    run(watch)
    cancel(disbursement_id, watch)

    assert snapshot(disbursement_id) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)
    assert node.paid == {}


def test_cancel_of_what_a_frozen_sender_paid_is_refused(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    wakes(node, "A")

    settle(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_cancel_asks_about_every_order(node: SteeredRail, watch: Watch) -> None:
    """The newest is confirmed as unpaid, an earlier one is not."""
    disbursement_id = a_b_c(node, watch)
    row = Disbursement.objects.filter(pk=disbursement_id)
    row.update(due_at=None)
    watch.advance(MAY_LEAVE_SECONDS)
    Attempt.objects.filter(number=2).update(unpaid_at=watch())
    Attempt.objects.filter(number=1).update(unpaid_at=NOW)
    with unchanged(), pytest.raises(OrderStillPayable):
        cancel(disbursement_id, watch)

    Attempt.objects.filter(number=1).update(unpaid_at=watch())
    cancel(disbursement_id, watch)

    assert row_of(disbursement_id).state == "cancelled"


def test_cancel_while_the_provider_is_in_doubt_is_refused(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch)
    node.finds.append(IN_FLIGHT)
    settle(watch)

    with unchanged(), pytest.raises(OrderStillPayable):
        cancel(disbursement_id, watch)


def test_cancel_while_the_rail_is_too_short_for_the_payment_is_possible(
    node: SteeredRail, watch: Watch
) -> None:
    """What the rail cannot send now is deferred, but its refused order is asked about all the same."""
    disbursement_id = refused(node, watch, Refused("insufficient-balance", FailureClass.HOLD))
    node.balance_msat = 0

    settle(watch)
    cancel(disbursement_id, watch)

    assert row_of(disbursement_id).state == "cancelled"


def test_payment_retried_by_a_person_is_asked_about_while_the_rail_is_too_short(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch)
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="again", now=watch())
    node.balance_msat = 0
    run(watch)

    settle(watch)

    assert attempts(disbursement_id)[0].unpaid_at == watch()
    cancel(disbursement_id, watch)
    assert row_of(disbursement_id).state == "cancelled"


# e. A send that the node takes up only after everything else


def test_late_payment_beside_another_pauses_outgoing_money_once_and_names_both(
    node: SteeredRail, watch: Watch
) -> None:
    """No deadline held: A is paid after B was. The sweep finds it while A's invoice can be paid."""
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    settle(watch)
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    wakes(node, "A")

    watch.advance(3_600)
    run(watch)

    expect_double(disbursement_id, "A", "B", at=watch())
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    Switch.objects.filter(name="outgoing").update(is_open=True)
    for _ in range(5):
        watch.advance(3_600)
        run(watch)
    assert switches.outgoing().is_open, "it is known, and reported once"
    assert TrailEntry.objects.filter(action="paid_outside_books").count() == 1


def test_late_payment_of_a_cancelled_payout_pauses_outgoing_money_once(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    settle(watch)
    cancel(disbursement_id, watch)
    wakes(node, "A")

    watch.advance(60)
    run(watch)

    expect_double(disbursement_id, "A", at=watch())
    assert snapshot(disbursement_id) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)
    watch.advance(15)
    run(watch)
    assert row_of(disbursement_id).due_at is None


@pytest.mark.parametrize("refusal", [FINAL, Refused("unknown-99", FailureClass.REVIEW)])
def test_late_payment_of_a_payout_that_waits_for_a_person_is_booked(
    node: SteeredRail, watch: Watch, refusal: Refused
) -> None:
    disbursement_id = refused(node, watch, refusal)
    settle(watch)
    wakes(node, "A")

    watch.advance(MAY_LEAVE_SECONDS)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert switches.outgoing().is_open


# f. Every closed order is asked about by the sweep while its invoice can be paid


def looks(node: SteeredRail, watch: Watch, disbursement_id: int, *, most: int = 50) -> list[float]:
    """Let time pass until nothing is due; return when the provider was asked, in seconds from now."""
    start, found = watch(), []
    for _ in range(most):
        due_at = row_of(disbursement_id).due_at
        if due_at is None:
            break
        watch.at = due_at
        asked(node)
        run(watch)
        found += [(watch() - start).total_seconds()] * asked(node).count("find")
    return found


# It may leave until 30 s; then after 30 s, doubled up to an hour; give_up_after is 600 s past the expiry.
TWO_HOURS_OF_LOOKS = [30, 60, 90, 150, 270, 510, 990, 1_950, 3_870, 7_470, 7_815]


@pytest.mark.parametrize("refusal", [FINAL, Refused("unknown-99", FailureClass.REVIEW)])
def test_sweep_asks_about_the_order_of_an_ended_payment_until_it_can_be_paid_no_more(
    node: SteeredRail, watch: Watch, refusal: Refused
) -> None:
    disbursement_id = refused(node, watch, refusal, hours=2)

    assert looks(node, watch, disbursement_id) == TWO_HOURS_OF_LOOKS
    assert (row_of(disbursement_id).due_at, node.sends) == (None, 1)
    assert attempts(disbursement_id)[0].unpaid_at == NOW + timedelta(seconds=7_200 + 600 + 15)


def test_sweep_asks_about_the_order_of_a_cancelled_payment_until_it_can_be_paid_no_more(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE, hours=2)
    settle(watch)
    cancel(disbursement_id, watch)

    seconds = [MAY_LEAVE_SECONDS + one for one in looks(node, watch, disbursement_id)]

    assert seconds == [30, *TWO_HOURS_OF_LOOKS[1:]]


def test_sweep_asks_about_the_other_order_of_a_paid_payment_until_it_can_be_paid_no_more(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, hours=2)
    give(disbursement_id, "B", watch)
    settle(watch)
    assert row_of(disbursement_id).state == "completed"

    seconds = [MAY_LEAVE_SECONDS + one for one in looks(node, watch, disbursement_id)]

    assert seconds == TWO_HOURS_OF_LOOKS[1:]
    assert attempts(disbursement_id)[0].unpaid_at == NOW + timedelta(seconds=7_200 + 600 + 15)


def test_sweep_asks_about_every_order_of_a_payment_booked_late(node: SteeredRail, watch: Watch) -> None:
    """A was paid after B was refused: B may still leave, and is asked about as soon as it cannot."""
    disbursement_id = a_b_c(node, watch)
    wakes(node, "A")
    settle(watch)
    assert row_of(disbursement_id).state == "completed"
    wakes(node, "B")

    watch.advance(3_600)
    run(watch)

    expect_double(disbursement_id, "B", "A", at=watch())


def test_sweep_ends_for_a_payment_that_was_paid_by_a_retry_of_its_order(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE, hours=2)
    watch.advance(60)
    run(watch)
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    asked(node)

    assert (row_of(disbursement_id).due_at, looks(node, watch, disbursement_id)) == (None, [])


def test_sweep_asks_about_ended_payments_while_outgoing_money_is_paused(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch)
    pause_outgoing(actor=BY, reason="for this test", now=watch())
    wakes(node, "A")

    settle(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_sweep_goes_on_while_a_limit_has_put_the_payment_under_review(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = refused(node, watch, NO_ROUTE)
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    watch.advance(60)
    run(watch)
    assert row_of(disbursement_id).failure_code == "payout-above-limit"
    wakes(node, "A")

    watch.advance(3_600)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


def test_sweep_goes_on_when_two_people_resolve_the_other_order(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch)
    expires_at = watch.after(3_600)
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("B", NET_SATS, expires_at=expires_at),
        actor=BY, now=watch(),
    )  # fmt: skip
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.script.append(IN_FLIGHT)
    settle(watch)
    node.finds.extend([NotSeen(source="node")] * 2)
    watch.advance(1)
    run(watch)
    watch.advance(4_200)
    run(watch)
    assert snapshot(disbursement_id).attempts == ["failed", "in_flight"]
    resolved_as_not_paid(disbursement_id, watch)
    assert (row_of(disbursement_id).state, row_of(disbursement_id).due_at) == ("failed", watch())
    wakes(node, "A")

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "failed", "succeeded"], 0, 0)
    assert attempts(disbursement_id)[2].order.reference == hash_of("A", NET_SATS)


def resolved_as_not_paid(disbursement_id: int, watch: Watch) -> None:
    """Let two people find that the open order was not paid."""
    proposal = propose_resolution(
        disbursement_id=disbursement_id, verdict=ResolutionVerdict.NOT_PAID, proposer=make_user(Role.FINANCE),
        explanation="her wallet shows nothing", now=watch(),
    )  # fmt: skip
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=watch())


def test_sweep_that_finds_the_rail_unavailable_asks_again(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch)
    with node.unavailable("find"):
        settle(watch)
    assert row_of(disbursement_id).due_at == watch.after(15)
    wakes(node, "A")

    watch.advance(15)
    run(watch)

    assert snapshot(disbursement_id).state == "completed"


def test_sweep_books_an_order_that_was_refused_and_seems_to_have_been_paid_before_it_was_ours(
    node: SteeredRail, watch: Watch
) -> None:
    """The provider would have reported that payment instead of refusing it: its clock was set back."""
    disbursement_id = refused(node, watch)
    node.finds.append(started(node, "A", at_seconds=-11))

    settle(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)


# An invoice that our node had paid before it was ours


def started(node: SteeredRail, name: str, *, at_seconds: float) -> Succeeded:
    """Return the proven payment of the invoice of that name, begun this long after the order was prepared."""
    receipt = node._receipt(node.prepare(instruction_of(Disbursement.objects.latest("pk").pk), now=NOW))
    return Succeeded(
        receipt.proof,
        receipt.amount,
        receipt.cost,
        started_at=NOW + timedelta(seconds=at_seconds),
    )


@pytest.mark.parametrize(
    ("at_seconds", "state", "code"),
    [
        (-10.001, "needs_review", "paid-before-ordered"),
        (-10, "completed", ""),
        (0, "completed", ""),
        (1, "completed", ""),
    ],
)
def test_payment_that_began_before_its_order_needs_review(
    node: SteeredRail, watch: Watch, at_seconds: float, state: str, code: str
) -> None:
    """Up to `late_by` earlier the clocks may differ."""
    disbursement_id = ordered(destination=invoice_for("A", NET_SATS))
    node.script.append(started(node, "A", at_seconds=at_seconds))

    run(watch)

    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == (state, code)


# The deadline of a send


class BootClock:
    """The clock that goes on while a process is stopped, set forward by a test. The database's clock stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = time.clock_gettime_ns
        self.late_ns = 0
        monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: real(clock) + self.late_ns)

    def stop(self, seconds: float) -> None:
        """Stop the worker for this long."""
        self.late_ns = int(seconds * NS_PER_SECOND)

    @contextmanager
    def stopped_at(self, statement: str, *, seconds: float) -> Iterator[None]:
        """Stop the worker for this long, directly before a statement that starts so."""

        def execute(run_it: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.replace("`", '"').startswith(statement):
                self.stop(seconds)
            return run_it(sql, *rest)

        with connection.execute_wrapper(execute):
            yield


@pytest.fixture
def boot_clock(monkeypatch: pytest.MonkeyPatch) -> BootClock:
    return BootClock(monkeypatch)


def test_send_after_a_stop_of_twenty_seconds_is_too_late_and_the_same_order_is_sent_again_once(
    node: SteeredRail, watch: Watch, boot_clock: BootClock
) -> None:
    """It stopped between its last look and the send."""
    disbursement_id = ordered()
    node.meanwhile["send"] = lambda: boot_clock.stop(20)

    run(watch)

    assert (node.paid, node.sends, snapshot(disbursement_id)) == ({}, 0, PREPARED)
    (attempt,) = attempts(disbursement_id)
    assert (attempt.outcome, attempt.sends) == ("too-late", 0)
    assert row_of(disbursement_id).due_at == watch.after(1)
    asked(node)
    watch.advance(1)
    run(watch)

    assert asked(node) == ["find", "send"]
    (attempt,) = attempts(disbursement_id)
    assert (attempt.sends, attempt.send_not_after) == (1, watch.after(20))
    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


def test_send_after_a_stop_of_less_than_twenty_seconds_is_sent(
    node: SteeredRail, watch: Watch, boot_clock: BootClock
) -> None:
    disbursement_id = ordered()
    node.meanwhile["send"] = lambda: boot_clock.stop(10)

    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


def test_send_after_a_stop_inside_the_commit_of_its_intent_is_too_late(
    node: SteeredRail, watch: Watch, boot_clock: BootClock
) -> None:
    """The boot clock is read before the database's: time that passes inside the commit counts."""
    disbursement_id = ordered()
    with boot_clock.stopped_at('INSERT INTO "transfers_attempt"', seconds=20):
        run(watch)

    assert (node.paid, snapshot(disbursement_id)) == ({}, PREPARED)
    assert (attempts(disbursement_id)[0].outcome, node.calls[-1]) == ("too-late", "send")


def test_send_again_after_a_stop_inside_the_commit_of_its_intent_is_too_late(
    node: SteeredRail, watch: Watch, boot_clock: BootClock
) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    watch.advance(1)
    with boot_clock.stopped_at('UPDATE "transfers_attempt" SET "sends"', seconds=20):
        run(watch)

    assert (node.paid, snapshot(disbursement_id)) == ({}, PREPARED)
    (attempt,) = attempts(disbursement_id)
    assert (attempt.outcome, attempt.sends, attempt.send_not_after) == ("too-late", 1, watch.after(20))


def test_sends_that_are_always_too_late_are_tried_less_and_less_often(
    node: SteeredRail, watch: Watch, boot_clock: BootClock
) -> None:
    """Each try is a row of the trail."""
    disbursement_id = ordered()
    waits = []
    for stops in range(1, 16):
        node.meanwhile["send"] = partial(boot_clock.stop, 20 * stops)
        run(watch)
        due_at = row_of(disbursement_id).due_at
        assert due_at is not None
        waits.append((due_at - watch()).total_seconds())
        watch.at = due_at

    assert waits == [1, 2, 4, 8, 15, 15, 15, 15, 15, 30, 60, 120, 240, 300, 300]
    assert (node.paid, snapshot(disbursement_id)) == ({}, PREPARED)


def test_worker_that_lost_its_claim_while_frozen_sends_nothing(node: SteeredRail, watch: Watch) -> None:
    """It stopped before its last look: another worker has sent the order, and was refused."""
    disbursement_id = ordered(destination=invoice_for("A", NET_SATS))
    order = node.prepare(instruction_of(disbursement_id), now=watch())
    frozen = claimed(disbursement_id, watch)
    open_attempts([Opening(frozen, order, 1)], now=watch())
    watch.advance(20)
    node.script.append(NO_ROUTE)
    work(claimed(disbursement_id, watch, worker="worker-2"), clock=watch)
    assert attempts(disbursement_id)[0].state == "failed"

    with unchanged(), pytest.raises(ClaimLost):
        may_send([frozen], now=watch())
