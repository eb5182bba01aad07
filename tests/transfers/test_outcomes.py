"""What the engine does with each answer: the state, the attempt, the books, the hold, and when it is due again."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from fees.models import FeeRecord
from ledger.queries import balance, owed
from ledger.types import msat
from sunusav.core.models import OutboxMessage, TrailEntry
from tests.fakes.rail import ROUTING_FEE_MSAT
from tests.transfers.builders import (
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    ROUTING,
    Snapshot,
    attempts,
    node_msat,
    ordered,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, proof_of
from transfers.booking import COMMUNITY_FUND, PLATFORM_FEES
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import PaymentOrder
from transfers.types import Refused, Succeeded, Unknown
from transfers.types.accounts import partner_reserve

pytestmark = pytest.mark.django_db

HELD_FOR_REVIEW = Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)


@pytest.fixture(autouse=True)
def platform(settings: Settings) -> None:
    """Have a subscriber to announce to."""
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"


# Paid


def test_run_pays_the_net_and_splits_the_fee(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()

    assert run(watch) == 1

    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}
    assert snapshot(disbursement_id) == PAID
    assert (owed(PLATFORM_FEES), owed(COMMUNITY_FUND)) == (500_000, 200_000)
    assert owed(partner_reserve("wave")) == 300_000
    assert (balance(ROUTING), ROUTING_FEE_MSAT) == (1_500, 1_500)
    assert node_msat() == PAYOUT_MSAT - NET_MSAT - 1_500


def test_run_keeps_order_proof_cost_and_moment(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    watch.advance(7)

    run(watch)

    (attempt,) = attempts(disbursement_id)
    order = PaymentOrder.objects.get()
    assert (attempt.order_id, attempt.number, attempt.sends) == (order.pk, 1, 1)
    assert (attempt.proof, attempt.cost, attempt.outcome) == (proof_of("awa", NET_SATS), 1_500, "paid")
    assert (attempt.opened_at, attempt.sent_at, attempt.closed_at) == (watch(), watch(), watch())
    assert (order.reference, order.amount, order.prepared_at) == (
        hash_of("awa", NET_SATS),
        NET_MSAT,
        watch(),
    )
    row = row_of(disbursement_id)
    assert (row.completed_at, row.due_at, row.claimed_by) == (watch(), None, "")
    assert FeeRecord.objects.get().completed_at == watch()


def test_run_appends_to_the_trail_and_announces_to_the_platform(watch: Watch) -> None:
    disbursement_id = ordered()

    run(watch)

    lines = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}").order_by("id")
    assert list(lines.values_list("action", "to_state", "actor_label")) == [
        ("request", "scheduled", "system:tests"),
        ("begin", "processing", "system:tests"),
        ("open_attempt", "prepared", "system:transfers.engine"),
        ("close_attempt", "succeeded", "system:transfers.engine"),
        ("complete", "completed", "system:transfers.engine"),
    ]
    (message,) = OutboxMessage.objects.all()
    assert (message.topic, message.subject) == ("disbursement.completed", "cycle:awa")


def test_run_pays_everybody_once_however_often_it_runs(node: SteeredRail, watch: Watch) -> None:
    names = ["awa", "binta", "coumba"]
    for name in names:
        ordered(name)

    assert run(watch) == 3
    for _ in range(5):
        watch.advance(60)
        assert run(watch) == 0

    assert node.paid == {hash_of(name, NET_SATS): NET_MSAT for name in names}


def test_run_stops_at_its_limit(watch: Watch) -> None:
    for name in ("awa", "binta", "coumba"):
        ordered(name)

    assert run_due(slots=1, limit=2, clock=watch).worked == 2
    assert run(watch) == 1


# Contradictions


@pytest.mark.parametrize(
    "wrong",
    [
        Succeeded(proof="00" * 32, amount=msat(NET_MSAT), cost=msat(0)),
        Succeeded(proof=proof_of("awa", NET_SATS), amount=msat(NET_MSAT - 1), cost=msat(0)),
        Succeeded(proof=proof_of("awa", NET_SATS), amount=msat(NET_MSAT + 1), cost=msat(0)),
    ],
    ids=["wrong proof", "one msat less", "one msat more"],
)
def test_run_paid_with_another_proof_or_amount_needs_review_and_keeps_the_hold(
    wrong: Succeeded, node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(wrong)

    run(watch)

    assert snapshot(disbursement_id) == HELD_FOR_REVIEW
    row = row_of(disbursement_id)
    assert row.failure_code == "answer-contradicts-records"
    assert row.failure_facts == {"outcome": "paid, but proof or amount is not ours"}
    assert row.due_at == NOW + timedelta(minutes=10)
    assert FeeRecord.objects.count() == 0


def test_run_under_review_completes_when_the_provider_proves_payment(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Succeeded(proof="00" * 32, amount=msat(NET_MSAT), cost=msat(0)))
    run(watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(600)
    run(watch)

    assert snapshot(disbursement_id) == PAID
    assert (row_of(disbursement_id).failure_code, node.sends) == ("", 1)


def test_run_under_review_whose_order_is_refused_after_all_waits_for_a_person(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="another-amount-paid", suspect=True))
    run(watch)
    node.finds.append(Refused("no-route", FailureClass.RETRY))

    watch.advance(600)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("needs_review", ["failed"], 0, PAYOUT_MSAT)
    # It is asked about again after as long as no send of it can leave any more, and nothing else happens to it.
    seconds = 600 - MAY_LEAVE_SECONDS
    assert row_of(disbursement_id).due_at == watch.after(seconds)
    watch.advance(seconds)
    node.finds.append(Refused("no-route", FailureClass.RETRY))
    run(watch)
    assert snapshot(disbursement_id) == Snapshot("needs_review", ["failed"], 0, PAYOUT_MSAT)
    assert (node.sends, node.calls[-1], attempts(disbursement_id)[0].unpaid_at) == (1, "find", watch())


def test_run_under_review_queries_every_ten_minutes(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="preimage-does-not-fit", suspect=True))
    run(watch)
    for _ in range(3):
        node.finds.append(Unknown(seen=True, reason="preimage-does-not-fit", suspect=True))
        watch.advance(600)
        run(watch)
        assert row_of(disbursement_id).due_at == watch.after(600)

    assert snapshot(disbursement_id) == HELD_FOR_REVIEW
    assert OutboxMessage.objects.filter(topic="disbursement.needs_review").count() == 1


# Refusals


def test_run_refused_to_retry_waits_60_120_240_seconds_then_needs_review(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.extend(Refused("no-route", FailureClass.RETRY) for _ in range(4))

    for retries, seconds in enumerate([60, 120, 240], start=1):
        run(watch)
        row = row_of(disbursement_id)
        assert (row.state, row.retries, row.not_before) == ("processing", retries, watch.after(seconds))
        assert row.due_at == watch.after(MAY_LEAVE_SECONDS), "the refused order is asked about before"
        assert snapshot(disbursement_id) == Snapshot("processing", ["failed"] * retries, 0, PAYOUT_MSAT)
        node.calls.clear()
        assert settle(watch) == 1
        assert (node.calls, row_of(disbursement_id).due_at) == (["find"], row.not_before)
        watch.advance(seconds - MAY_LEAVE_SECONDS)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.due_at, row.failure_code) == (
        "needs_review",
        watch.after(MAY_LEAVE_SECONDS),
        "no-route",
    )
    assert snapshot(disbursement_id) == Snapshot("needs_review", ["failed"] * 4, 0, PAYOUT_MSAT)
    assert (node.sends, PaymentOrder.objects.count()) == (4, 1)
    node.calls.clear()
    watch.advance(86_400)
    assert run(watch) == 1
    assert (node.calls, snapshot(disbursement_id).state) == (["find"], "needs_review")


def test_run_retried_once_is_paid_with_the_same_order(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("timeout", FailureClass.RETRY))
    run(watch)

    watch.advance(60)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert (PaymentOrder.objects.count(), FeeRecord.objects.count()) == (1, 1)


HOLD_SECONDS = [60, 120, 240, 480, 960, 960]


def refused_to_hold(disbursement_id: int, node: SteeredRail, watch: Watch) -> None:
    """Let our side be unable to pay six times, each after its wait."""
    for seconds in HOLD_SECONDS:
        node.script.append(Refused("insufficient-balance", FailureClass.HOLD))
        run(watch)
        row = row_of(disbursement_id)
        assert (row.state, row.retries, row.not_before) == ("processing", 0, watch.after(seconds))
        assert row.due_at == watch.after(MAY_LEAVE_SECONDS)
        settle(watch)
        assert row_of(disbursement_id).due_at == row.not_before
        watch.advance(seconds - MAY_LEAVE_SECONDS)


def test_run_refused_to_hold_waits_longer_each_time_and_counts_no_retry(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    refused_to_hold(disbursement_id, node, watch)

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", [*["failed"] * 6, "succeeded"], 0, 0)


def test_run_refused_to_hold_a_seventh_time_needs_review(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    refused_to_hold(disbursement_id, node, watch)
    node.script.append(Refused("insufficient-balance", FailureClass.HOLD))

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("needs_review", ["failed"] * 7, 0, PAYOUT_MSAT)
    row = row_of(disbursement_id)
    assert (row.failure_code, row.due_at) == ("insufficient-balance", watch.after(MAY_LEAVE_SECONDS))
    assert node.sends == 7


def test_run_finally_refused_fails_and_keeps_the_hold(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL, {"status": "failed"}))

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)
    row, (attempt,) = row_of(disbursement_id), attempts(disbursement_id)
    assert (row.failure_code, row.claimed_by) == ("incorrect-payment-details", "")
    assert row.due_at == watch.after(MAY_LEAVE_SECONDS)
    assert (attempt.failure_class, attempt.outcome) == ("final", "incorrect-payment-details")
    assert (attempt.evidence, attempt.closed_at) == ({"status": "failed"}, NOW)
    assert (attempt.unpaid_at, attempt.send_not_after) == (NOW, watch.after(20))
    assert FeeRecord.objects.count() == 0


def test_run_refused_for_a_reason_we_do_not_know_needs_review(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("unknown-99", FailureClass.REVIEW))

    run(watch)

    assert snapshot(disbursement_id) == Snapshot("needs_review", ["failed"], 0, PAYOUT_MSAT)
    assert row_of(disbursement_id).due_at == watch.after(MAY_LEAVE_SECONDS)
