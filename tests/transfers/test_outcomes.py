"""What the engine makes of each answer: the state, the attempt, the books, the hold and when it looks again."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from fees.models import FeeRecord
from ledger.queries import balance, owed
from sunusav.core.models import OutboxMessage, Switch, TrailEntry
from sunusav.core.switches import pause_outgoing
from tests.fakes.rail import ROUTING_FEE_MSAT
from tests.transfers.builders import (
    BY,
    IN_FLIGHT,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PREPARED,
    ROUTING,
    UNTOUCHED,
    Story,
    attempts,
    node_msat,
    ordered,
    row_of,
    run,
    story,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, paper, proof_of
from transfers.booking import COMMUNITY_FUND, PLATFORM_FEES, partner_reserve
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import PaymentOrder
from transfers.services.disbursements import replace_destination, retry_disbursement
from transfers.types import Refused, Succeeded, Unknown

pytestmark = pytest.mark.django_db

HELD_FOR_REVIEW = Story("needs_review", ["in_flight"], 0, PAYOUT_MSAT)


@pytest.fixture(autouse=True)
def platform(settings: Settings) -> None:
    """Have somebody to announce to."""
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"


# paid


def test_run_pays_the_net_and_splits_the_fee(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()

    assert run(watch) == 1

    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}
    assert story(disbursement_id) == PAID
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
    assert (attempt.proof, attempt.cost_msat, attempt.outcome) == (proof_of("awa", NET_SATS), 1_500, "paid")
    assert (attempt.opened_at, attempt.sent_at, attempt.closed_at) == (watch(), watch(), watch())
    assert (order.reference, order.amount_msat, order.prepared_at) == (
        hash_of("awa", NET_SATS),
        NET_MSAT,
        watch(),
    )
    row = row_of(disbursement_id)
    assert (row.completed_at, row.due_at, row.claimed_by) == (watch(), None, "")
    assert FeeRecord.objects.get().completed_at == watch()


def test_run_tells_the_trail_and_the_platform(watch: Watch) -> None:
    disbursement_id = ordered()

    run(watch)

    lines = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}").order_by("id")
    assert list(lines.values_list("action", "to_state", "actor_label")) == [
        ("request", "scheduled", "system:tests"),
        ("begin", "processing", "system:tests"),
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

    assert run_due(lanes=1, limit=2, clock=watch).worked == 2
    assert run(watch) == 1


# contradictions


@pytest.mark.parametrize(
    "wrong",
    [
        Succeeded(proof="00" * 32, amount_msat=NET_MSAT, cost_msat=0),
        Succeeded(proof=proof_of("awa", NET_SATS), amount_msat=NET_MSAT - 1, cost_msat=0),
        Succeeded(proof=proof_of("awa", NET_SATS), amount_msat=NET_MSAT + 1, cost_msat=0),
    ],
    ids=["wrong proof", "one msat less", "one msat more"],
)
def test_run_paid_with_what_is_not_ours_needs_review_and_keeps_the_hold(
    wrong: Succeeded, node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(wrong)

    run(watch)

    assert story(disbursement_id) == HELD_FOR_REVIEW
    row = row_of(disbursement_id)
    assert row.failure_code == "answer-contradicts-records"
    assert row.failure_message == "paid, but proof or amount is not ours"
    assert row.due_at == NOW + timedelta(minutes=10)
    assert FeeRecord.objects.count() == 0


def test_run_under_review_heals_when_the_outside_finally_proves_it(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Succeeded(proof="00" * 32, amount_msat=NET_MSAT, cost_msat=0))
    run(watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(600)
    run(watch)

    assert story(disbursement_id) == PAID
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

    assert story(disbursement_id) == Story("needs_review", ["failed"], PAYOUT_MSAT, 0)
    assert row_of(disbursement_id).due_at is None


def test_run_under_review_asks_every_ten_minutes(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="preimage-does-not-fit", suspect=True))
    run(watch)
    for _ in range(3):
        node.finds.append(Unknown(seen=True, reason="preimage-does-not-fit", suspect=True))
        watch.advance(600)
        run(watch)
        assert row_of(disbursement_id).due_at == watch.after(600)

    assert story(disbursement_id) == HELD_FOR_REVIEW
    assert OutboxMessage.objects.filter(topic="disbursement.needs_review").count() == 1


# refusals


def test_run_refused_to_retry_waits_60_120_240_seconds_then_needs_review(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.extend(Refused("no-route", FailureClass.RETRY) for _ in range(4))

    for retries, seconds in enumerate([60, 120, 240], start=1):
        run(watch)
        row = row_of(disbursement_id)
        assert (row.state, row.retries, row.due_at) == ("processing", retries, watch.after(seconds))
        assert story(disbursement_id) == Story("processing", ["failed"] * retries, PAYOUT_MSAT, 0)
        watch.advance(seconds)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.due_at, row.failure_code) == ("needs_review", None, "no-route")
    assert story(disbursement_id) == Story("needs_review", ["failed"] * 4, PAYOUT_MSAT, 0)
    assert (node.sends, PaymentOrder.objects.count()) == (4, 1)
    watch.advance(86_400)
    assert run(watch) == 0


def test_run_retried_once_is_paid_with_the_same_order(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("timeout", FailureClass.RETRY))
    run(watch)

    watch.advance(60)
    run(watch)

    assert story(disbursement_id) == Story("completed", ["failed", "succeeded"], 0, 0)
    assert (PaymentOrder.objects.count(), FeeRecord.objects.count()) == (1, 1)


def test_run_refused_to_hold_burns_no_retry(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    for _ in range(5):
        node.script.append(Refused("insufficient-balance", FailureClass.HOLD))
        run(watch)
        row = row_of(disbursement_id)
        assert (row.state, row.retries, row.due_at) == ("processing", 0, watch.after(60))
        watch.advance(60)

    run(watch)

    assert story(disbursement_id) == Story("completed", [*["failed"] * 5, "succeeded"], 0, 0)


def test_run_refused_for_good_fails_and_undoes_the_hold(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL, {"status": "failed"}))

    run(watch)

    assert story(disbursement_id) == Story("failed", ["failed"], PAYOUT_MSAT, 0)
    row, (attempt,) = row_of(disbursement_id), attempts(disbursement_id)
    assert (row.failure_code, row.due_at, row.claimed_by) == ("incorrect-payment-details", None, "")
    assert (attempt.failure_class, attempt.outcome) == ("final", "incorrect-payment-details")
    assert (attempt.evidence, attempt.closed_at) == ({"status": "failed"}, NOW)
    assert FeeRecord.objects.count() == 0


def test_run_refused_for_a_reason_we_do_not_know_needs_review(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("unknown-99", FailureClass.REVIEW))

    run(watch)

    assert story(disbursement_id) == Story("needs_review", ["failed"], PAYOUT_MSAT, 0)
    assert row_of(disbursement_id).due_at is None


# unknown


def test_run_unknown_is_asked_at_15_seconds_then_more_slowly_and_never_failed(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)

    waits = []
    for _ in range(12):
        waits.append((row_of(disbursement_id).due_at - watch()).total_seconds())
        node.finds.append(Unknown(seen=True, reason="in-flight"))
        watch.advance(waits[-1])
        assert run(watch) == 1

    assert waits == [15, 15, 15, 15, 15, 30, 60, 120, 240, 300, 300, 300]
    assert story(disbursement_id) == IN_FLIGHT
    assert (node.sends, attempts(disbursement_id)[0].asked_at) == (1, watch())


def test_run_unknown_for_six_hours_is_still_held_and_then_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    for _ in range(12):
        node.finds.append(Unknown(seen=True, reason="in-flight"))
        watch.advance(1_800)
        run(watch)
    assert story(disbursement_id) == IN_FLIGHT

    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    watch.advance(300)
    run(watch)

    assert (story(disbursement_id), node.sends) == (PAID, 1)


def test_run_unknown_and_not_seen_stays_prepared(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost", evidence={"code": "UNAVAILABLE"}))

    run(watch)

    (attempt,) = attempts(disbursement_id)
    assert story(disbursement_id) == PREPARED
    assert (attempt.outcome, attempt.evidence) == ("connection-lost", {"code": "UNAVAILABLE"})
    assert (attempt.seen_at, attempt.asked_at) == (None, NOW)


def test_run_unknown_is_paid_when_found_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(15)
    run(watch)

    assert (story(disbursement_id), node.sends) == (PAID, 1)


def test_run_unknown_is_failed_only_when_found_refused(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="no-answer"))
    run(watch)
    node.finds.append(Refused("incorrect-payment-details", FailureClass.FINAL))

    watch.advance(15)
    run(watch)

    assert story(disbursement_id) == Story("failed", ["failed"], PAYOUT_MSAT, 0)


# the rail is away


def test_run_rail_away_at_prepare_waits_15_seconds_and_burns_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    with node.away("prepare"):
        for _ in range(10):
            run(watch)
            row = row_of(disbursement_id)
            assert (row.due_at, row.retries, row.claimed_by) == (watch.after(15), 0, "")
            watch.advance(15)
        assert story(disbursement_id) == UNTOUCHED

    run(watch)

    assert story(disbursement_id) == PAID


def test_run_rail_away_at_send_keeps_the_hold_and_sends_the_same_order_later(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    with node.away("send"):
        run(watch)
    assert story(disbursement_id) == PREPARED
    assert row_of(disbursement_id).due_at == watch.after(15)

    watch.advance(15)
    run(watch)

    assert story(disbursement_id) == PAID
    assert node.calls == ["prepare", "send", "find", "send"]
    assert attempts(disbursement_id)[0].sends == 2


def test_run_rail_away_at_find_concludes_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    with node.away("find"):
        for _ in range(10):
            watch.advance(60)
            run(watch)
            assert row_of(disbursement_id).due_at == watch.after(15)
        assert story(disbursement_id) == IN_FLIGHT
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(15)
    run(watch)

    assert (story(disbursement_id), node.sends) == (PAID, 1)


# what cannot be paid as it stands


def test_run_refused_at_prepare_fails_with_the_refusals_name(node: SteeredRail, watch: Watch) -> None:
    expires_at = NOW + timedelta(seconds=5)
    disbursement_id = ordered(destination=paper("awa", NET_SATS, expires_at=expires_at))

    watch.advance(10)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, row.due_at) == ("failed", "invoice-expired", None)
    assert (story(disbursement_id), node.sends) == (Story("failed", [], PAYOUT_MSAT, 0), 0)


def test_run_with_an_invoice_that_another_was_paid_by_meanwhile_fails(
    node: SteeredRail, watch: Watch
) -> None:
    """Both were ordered with one invoice; the second finds its hash used when it opens its attempt."""
    first, second = ordered(), ordered("binta", destination=paper("awa", NET_SATS))

    run(watch)

    assert (row_of(first).state, row_of(second).state) == ("completed", "failed")
    assert row_of(second).failure_code == "payment-reference-used"
    assert attempts(second) == []
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


# another invoice


def test_run_with_another_invoice_waits_until_no_worker_can_send_the_last_one(
    node: SteeredRail, watch: Watch
) -> None:
    """Lease 20 s and send deadline 1 s after the last sending."""
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    new = paper("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())

    run(watch)
    assert row_of(disbursement_id).due_at == NOW + timedelta(seconds=21)
    watch.advance(20.999)
    assert run(watch) == 0
    watch.advance(0.001)
    run(watch)

    assert story(disbursement_id) == Story("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("new", NET_SATS): NET_MSAT}


# paused on the way


def test_run_paused_while_preparing_opens_but_sends_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="odd", now=NOW)

    run(watch)

    assert (story(disbursement_id), node.sends) == (PREPARED, 0)
    for _ in range(3):
        watch.advance(60)
        run(watch)
    assert (story(disbursement_id), node.sends) == (PREPARED, 0)


def test_run_resumed_sends_the_order_that_was_opened(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="odd", now=NOW)
    run(watch)
    Switch.objects.filter(name="outgoing").update(is_open=True)

    watch.advance(60)
    run(watch)

    assert (story(disbursement_id), node.calls) == (PAID, ["prepare", "find", "send"])


def test_run_one_that_breaks_the_worker_does_not_stop_the_others(
    node: SteeredRail, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake of ours in one payment is logged; the next claim takes it up, the others go on."""
    broken, sound = ordered("awa"), ordered("binta")
    node.meanwhile["prepare"] = lambda: 1 // 0

    run(watch)

    assert (row_of(broken).state, row_of(sound).state) == ("processing", "completed")
    assert "ZeroDivisionError" in caplog.text
    watch.advance(20)
    run(watch)
    assert row_of(broken).state == "completed"
