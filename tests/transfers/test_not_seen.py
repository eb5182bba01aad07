"""What the engine does about an order that the provider does not know: send the same again, nothing, or a review."""

from datetime import timedelta

import pytest

from sunusav.core.privacy import erase
from sunusav.core.switches import pause_outgoing
from tests.transfers.builders import (
    BY,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PREPARED,
    Snapshot,
    attempts,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SOURCE, SteeredRail, Watch, hash_of, invoice_for
from transfers.enums import FailureClass
from transfers.models import PaymentOrder
from transfers.services.disbursements import cancel_disbursement, retry_disbursement
from transfers.types import NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
GIVE_UP_SECONDS = 3_600 + 600  # the invoice's hour, and ten minutes in which the node's clock may be slow


@pytest.fixture
def lost(node: SteeredRail, watch: Watch) -> int:
    """A disbursement whose order never reached the provider; its invoice is valid for an hour."""
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=NOW + HOUR))
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    assert snapshot(disbursement_id) == PREPARED
    return disbursement_id


def answers(node: SteeredRail, *found: object) -> None:
    node.finds.extend(found)  # type: ignore[arg-type]


def test_not_seen_before_sends_the_very_same_order_again(lost: int, node: SteeredRail, watch: Watch) -> None:
    watch.advance(15)
    run(watch)

    assert snapshot(lost) == PAID
    assert node.calls == ["prepare", "send", "find", "send"]
    assert PaymentOrder.objects.count() == 1
    (attempt,) = attempts(lost)
    assert (attempt.sends, attempt.sent_at, attempt.opened_at) == (2, watch(), NOW)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


def test_not_seen_order_whose_payload_is_unreadable_is_not_sent_again(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    """Nobody's data is erased while they may be paid; here their key was removed behind the system."""
    erase("cycle:awa", now=NOW)
    watch.advance(15)
    run(watch)

    assert (snapshot(lost), row_of(lost).failure_code) == (PREPARED, "worker-broke")
    assert (node.calls, node.paid) == (["prepare", "send", "find"], {})


def test_not_seen_again_and_again_sends_each_time_and_pays_once(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    for sends in range(2, 6):
        node.script.append(Unknown(seen=False, reason="connection-lost"))
        watch.advance(300)
        run(watch)
        assert (snapshot(lost), attempts(lost)[0].sends) == (PREPARED, sends)

    watch.advance(300)
    run(watch)

    assert snapshot(lost) == PAID
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


@pytest.mark.parametrize("failure", [FailureClass.FINAL, FailureClass.RENEW])
def test_payee_refusing_the_second_sending_needs_a_person_since_the_first_may_have_arrived(
    lost: int, node: SteeredRail, watch: Watch, failure: FailureClass
) -> None:
    node.script.append(Refused(reason="incorrect-payment-details", failure=failure))
    watch.advance(15)
    run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
    row = row_of(lost)
    assert (row.failure_code, row.due_at, node.sends) == ("refused-when-sent-again", watch.after(600), 2)


@pytest.mark.parametrize("failure", [FailureClass.FINAL, FailureClass.RENEW])
def test_payee_refusing_a_later_try_of_an_order_that_was_sent_again_needs_a_person(
    lost: int, node: SteeredRail, watch: Watch, failure: FailureClass
) -> None:
    """The second send found no route, so the same order is retried: the first may have arrived all the same."""
    node.script.append(Refused(reason="no-route", failure=FailureClass.RETRY))
    watch.advance(15)
    run(watch)
    assert snapshot(lost) == Snapshot("processing", ["failed"], 0, PAYOUT_MSAT)
    node.script.append(Refused(reason="incorrect-payment-details", failure=failure))
    watch.advance(60)
    run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["failed", "in_flight"], 0, PAYOUT_MSAT)
    row = row_of(lost)
    assert (row.failure_code, row.due_at, node.sends) == ("refused-when-sent-again", watch.after(600), 3)


def test_refusal_found_of_the_second_sending_needs_a_person(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    node.script.append(Unknown(seen=True, reason="connection-lost"))
    watch.advance(15)
    run(watch)
    answers(node, Refused(reason="incorrect-payment-details", failure=FailureClass.FINAL))
    watch.advance(15)
    run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)


def test_not_seen_after_it_was_seen_needs_review_and_keeps_the_hold(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    answers(node, NotSeen(source=SOURCE))

    watch.advance(15)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
    row = row_of(disbursement_id)
    assert (row.failure_code, row.due_at, node.sends) == ("payment-vanished", watch.after(600), 1)


def test_not_seen_after_it_was_seen_is_never_sent_or_voided_by_itself(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=NOW + HOUR))
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    for _ in range(12):
        answers(node, NotSeen(source=SOURCE))
        watch.advance(600)
        run(watch)

    assert snapshot(disbursement_id) == Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
    assert node.sends == 1


def test_not_seen_by_another_node_needs_review_and_sends_nothing(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    answers(node, NotSeen(source="another node"))

    watch.advance(15)
    run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["prepared"], 0, PAYOUT_MSAT)
    assert row_of(lost).failure_code == "payment-vanished"
    assert row_of(lost).failure_facts == {"source": "another node"}
    assert node.sends == 1


def test_not_seen_by_another_node_stays_held_past_the_expiry(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    for _ in range(10):
        answers(node, NotSeen(source="another node"))
        watch.advance(600)
        run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["prepared"], 0, PAYOUT_MSAT)


def test_vanished_payment_that_turns_up_paid_heals(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    answers(node, NotSeen(source=SOURCE))
    watch.advance(15)
    run(watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(600)
    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


def test_order_under_review_is_not_sent_again_when_its_own_node_answers(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    """A person has to decide: the engine goes on with its queries, and sends nothing."""
    answers(node, NotSeen(source="another node"))
    watch.advance(15)
    run(watch)

    watch.advance(600)
    run(watch)

    assert (snapshot(lost), node.sends) == (Snapshot("needs_review", ["prepared"], 0, PAYOUT_MSAT), 1)
    assert row_of(lost).due_at == watch.after(600)


def test_order_under_review_that_has_expired_keeps_its_hold_until_it_is_cancelled(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    answers(node, NotSeen(source="another node"))
    watch.advance(15)
    run(watch)

    watch.advance(GIVE_UP_SECONDS)
    run(watch)

    assert snapshot(lost) == Snapshot("needs_review", ["void"], 0, PAYOUT_MSAT)
    assert row_of(lost).due_at is None
    cancel_disbursement(disbursement_id=lost, actor=BY, reason="never sent", now=watch())
    assert snapshot(lost) == Snapshot("cancelled", ["void"], PAYOUT_MSAT, 0)


def test_not_seen_too_close_to_the_expiry_waits_without_sending(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    watch.advance(3_600 - 1)
    run(watch)

    assert (snapshot(lost), node.sends) == (PREPARED, 1)
    assert row_of(lost).due_at == NOW + timedelta(seconds=GIVE_UP_SECONDS + 15)


def test_not_seen_until_the_provider_would_refuse_it_is_still_held(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    watch.advance(GIVE_UP_SECONDS)
    run(watch)

    assert (snapshot(lost), node.sends) == (PREPARED, 1)


def test_not_seen_past_its_last_moment_is_void_and_failed(lost: int, node: SteeredRail, watch: Watch) -> None:
    watch.advance(GIVE_UP_SECONDS + 0.001)
    run(watch)

    assert snapshot(lost) == Snapshot("failed", ["void"], 0, PAYOUT_MSAT)
    row, (attempt,) = row_of(lost), attempts(lost)
    assert (row.failure_code, row.failure_facts) == ("never sent, and the order has expired", {})
    assert (row.due_at, attempt.closed_at, attempt.proof, node.sends) == (None, watch(), "", 1)


def test_not_seen_past_its_last_moment_can_be_paid_by_another_invoice(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    watch.advance(GIVE_UP_SECONDS + 1)
    run(watch)
    new = invoice_for("new", NET_SATS)
    replace_destination(disbursement_id=lost, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=lost, actor=BY, reason="new invoice", now=watch())

    run(watch)

    assert snapshot(lost) == Snapshot("completed", ["void", "succeeded"], 0, 0)
    assert node.paid == {hash_of("new", NET_SATS): NET_MSAT}


def test_not_seen_while_paused_sends_nothing(lost: int, node: SteeredRail, watch: Watch) -> None:
    pause_outgoing(actor=BY, reason="for this test", now=NOW)

    watch.advance(15)
    run(watch)

    assert (snapshot(lost), node.sends) == (PREPARED, 1)
    assert row_of(lost).due_at == watch.after(60)


def test_not_seen_while_paused_past_its_last_moment_is_void(lost: int, watch: Watch) -> None:
    pause_outgoing(actor=BY, reason="for this test", now=NOW)

    watch.advance(GIVE_UP_SECONDS + 1)
    run(watch)

    assert snapshot(lost) == Snapshot("failed", ["void"], 0, PAYOUT_MSAT)


def test_sent_again_without_a_route_is_closed_like_any_other(
    lost: int, node: SteeredRail, watch: Watch
) -> None:
    node.script.append(Refused("no-route", FailureClass.RETRY))

    watch.advance(15)
    run(watch)

    assert snapshot(lost) == Snapshot("processing", ["failed"], 0, PAYOUT_MSAT)
