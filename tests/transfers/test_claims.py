"""Claims: who holds one, until when, and that a worker that lost it changes nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from fees.models import FeeAssessment
from sunusav.core.switches import pause_outgoing
from tests.transfers.builders import (
    BY,
    FEE_MSAT,
    IN_FLIGHT,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PREPARED,
    UNTOUCHED,
    Snapshot,
    attempts,
    claimed,
    instruction_of,
    ordered,
    row_of,
    run,
    snapshot,
    work,
    worked,
)
from tests.transfers.rails import SOURCE, SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine.claims import Claim, claim_due, may_send, release, renew
from transfers.engine.destinations import order_of
from transfers.engine.facts import order_facts
from transfers.engine.heartbeat import Heartbeat
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.paid import close_as_paid
from transfers.engine.policy import NextStep
from transfers.engine.situation import Answered
from transfers.engine.steps import Close, Keep
from transfers.engine.unpaid import close_as_unpaid
from transfers.engine.unresolved import keep_open, put_under_review, record_resend
from transfers.enums import AnsweredCall, AttemptState, DisbursementState, FailureClass
from transfers.errors import ClaimLost
from transfers.models import Attempt
from transfers.types import FindOutcome, NotSeen, Refused, Succeeded, Unknown

pytestmark = pytest.mark.django_db

LEASE_SECONDS = 20


def free_at(watch: Watch) -> list[int]:
    return [claim.disbursement_id for claim in claim_due(worker="probe", now=watch(), limit=10)]


# Claiming


def test_claim_due_takes_it_for_twenty_seconds(watch: Watch) -> None:
    disbursement_id = ordered()

    claim = claimed(disbursement_id, watch, worker="worker-7")

    row = row_of(disbursement_id)
    assert claim == Claim(disbursement_id, 1, row)
    assert (row.due_at, row.claimed_by, row.claim_version) == (watch.after(LEASE_SECONDS), "worker-7", 1)


def test_claim_due_while_another_worker_holds_the_lease_claims_nothing(watch: Watch) -> None:
    disbursement_id = ordered()
    claimed(disbursement_id, watch)

    watch.advance(LEASE_SECONDS - 0.001)
    assert free_at(watch) == []
    watch.advance(0.001)
    assert free_at(watch) == [disbursement_id]
    assert row_of(disbursement_id).claim_version == 2


def test_claim_due_takes_the_longest_waiting_up_to_the_limit(watch: Watch) -> None:
    late = ordered("late", at=NOW)
    early = ordered("early", at=NOW - timedelta(minutes=1))

    assert [claim.disbursement_id for claim in claim_due(worker="w", now=watch(), limit=2)] == [late, early]
    watch.advance(LEASE_SECONDS)
    assert len(claim_due(worker="w", now=watch(), limit=1)) == 1


def test_claim_due_with_nothing_due_claims_nothing(watch: Watch) -> None:
    ordered(scheduled_at=NOW + timedelta(seconds=1))

    with unchanged():
        assert free_at(watch) == []


def test_claim_due_with_a_long_worker_name_truncates_it(watch: Watch) -> None:
    disbursement_id = ordered()

    claim_due(worker="w" * 200, now=watch(), limit=1)

    assert row_of(disbursement_id).claimed_by == "w" * 80


# The lease


def test_renew_pushes_the_end_of_the_lease_out(watch: Watch) -> None:
    disbursement_id = ordered()
    claim = claimed(disbursement_id, watch)

    watch.advance(15)
    renew([claim], now=watch())

    assert row_of(disbursement_id).due_at == watch.after(LEASE_SECONDS)


def test_renew_of_a_lost_claim_changes_nothing(watch: Watch) -> None:
    disbursement_id = ordered()
    old = claimed(disbursement_id, watch)
    watch.advance(LEASE_SECONDS)
    claimed(disbursement_id, watch, worker="worker-2")

    watch.advance(5)
    with unchanged():
        renew([old], now=watch())
        release(old, due_at=watch())
        with pytest.raises(ClaimLost):
            may_send([old], now=watch())


def test_heartbeat_renews_all_claims_in_one_statement(
    watch: Watch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("awa", "binta", "coumba"):
        ordered(name)
    claim_due(worker="worker-1", now=watch(), limit=1)
    watch.advance(LEASE_SECONDS)
    kept, kept_too, removed = claim_due(worker="worker-1", now=watch(), limit=3)
    assert (kept.version, kept_too.version) == (2, 1)

    watch.advance(5)
    with Heartbeat(clock=watch) as heartbeat:
        for claim in (kept, kept_too, removed):
            heartbeat.add(claim)
        heartbeat.remove(removed)
        with django_assert_num_queries(1):
            heartbeat.beat()

    renewed = [row_of(claim.disbursement_id).due_at for claim in (kept, kept_too, removed)]
    assert renewed == [watch.after(LEASE_SECONDS), watch.after(LEASE_SECONDS), watch.after(LEASE_SECONDS - 5)]


def test_heartbeat_does_not_change_a_released_disbursement(watch: Watch) -> None:
    claim = claimed(ordered(), watch)
    release(claim, due_at=watch.after(60))

    with unchanged(), Heartbeat(clock=watch) as heartbeat:
        heartbeat.add(claim)
        heartbeat.beat()


def test_heartbeat_ends_with_its_block(watch: Watch) -> None:
    claim = claimed(ordered(), watch)

    with unchanged(), Heartbeat(clock=watch) as heartbeat:
        heartbeat.add(claim)


# What falls due


def test_claim_due_of_a_scheduled_one_fixes_its_fee_then(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered(scheduled_at=NOW + timedelta(days=1))
    assert FeeAssessment.objects.count() == 0

    watch.advance(86_400)
    run(watch)

    assessment = FeeAssessment.objects.get()
    assert assessment.fixed_at == watch()
    assert (row_of(disbursement_id).fee_msat, row_of(disbursement_id).net_msat) == (FEE_MSAT, NET_MSAT)
    assert snapshot(disbursement_id) == PAID
    assert node.paid == {hash_of("awa", NET_SATS): NET_SATS * 1_000}


def test_claim_due_of_a_scheduled_one_without_net_fails_and_books_nothing(watch: Watch) -> None:
    disbursement_id = ordered(payout_sats=1, scheduled_at=NOW + timedelta(days=1))

    watch.advance(86_400)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, row.due_at) == ("failed", "net-not-positive", None)
    assert (row.fee_msat, row.net_msat, row.assessment_id) == (None, None, None)
    assert FeeAssessment.objects.count() == 0
    assert snapshot(disbursement_id) == Snapshot("failed", [], 1_000, 0)


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        (invoice_for("awa", NET_SATS - 1), "invoice-amount-differs"),
        (invoice_for("awa", NET_SATS, expires_at=NOW), "invoice-expired"),
    ],
    ids=["another amount", "expired"],
)
def test_claim_due_of_a_scheduled_one_that_cannot_be_paid_fails_without_a_fee(
    destination: object, code: str, watch: Watch
) -> None:
    disbursement_id = ordered(destination=destination, scheduled_at=NOW + timedelta(days=1))

    watch.advance(86_400)
    run(watch)

    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == ("failed", code)
    assert FeeAssessment.objects.count() == 0


def test_run_with_one_scheduled_disbursement_that_fails_pays_the_others(
    node: SteeredRail, watch: Watch
) -> None:
    ordered("first", destination=invoice_for("first", 1), scheduled_at=NOW + timedelta(seconds=1))
    second = ordered("second", scheduled_at=NOW + timedelta(seconds=2))

    watch.advance(60)
    run(watch)

    assert row_of(second).state == "completed"


# Paused


def test_claim_due_while_paused_takes_nothing_new(watch: Watch) -> None:
    ordered()
    ordered("later", scheduled_at=NOW + timedelta(seconds=1))
    pause_outgoing(actor=BY, reason="for this test", now=NOW)

    watch.advance(60)
    with unchanged():
        assert free_at(watch) == []


def test_claim_due_while_paused_still_queries_open_attempts(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    pause_outgoing(actor=BY, reason="for this test", now=NOW)
    attempt = Attempt.objects.get()
    node._pay(order_of(attempt.order))

    watch.advance(15)
    run(watch)

    assert snapshot(disbursement_id) == PAID


# Fencing


@pytest.fixture
def late(node: SteeredRail, watch: Watch) -> Claim:
    """A worker that opened an attempt, paused past its lease, and resumes while another queries."""
    disbursement_id = ordered()
    old = claimed(disbursement_id, watch)
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    work(old, clock=watch)
    watch.advance(LEASE_SECONDS)
    claimed(disbursement_id, watch, worker="worker-2")
    return old


def answered(attempt: Attempt, answer: FindOutcome) -> Answered:
    (order,) = order_facts([attempt], disbursement_id=attempt.disbursement_id)
    return Answered(order, AnsweredCall.ASK, answer)


def close(claim: Claim, attempt: Attempt, state: AttemptState, watch: Watch) -> None:
    """Close an attempt as unpaid, after which its disbursement fails."""
    (order,) = order_facts([attempt], disbursement_id=attempt.disbursement_id)
    refused = Refused("no-route", FailureClass.FINAL)
    decision = Close(order, state, refused, NextStep(DisbursementState.FAILED, None))
    close_as_unpaid(claim, attempt, decision, now=watch())


def keep(claim: Claim, attempt: Attempt, watch: Watch) -> None:
    """Record that an attempt is in flight."""
    decision = Keep(answered(attempt, Unknown(seen=True, reason="in-flight")), watch.after(15))
    keep_open(claim, attempt, decision, now=watch())


def resend(claim: Claim, attempt: Attempt, watch: Watch) -> None:
    record_resend(claim, attempt, answered(attempt, NotSeen(source=SOURCE)), now=watch())


LATE_WRITES: dict[str, Callable[[Claim, Attempt, Watch], object]] = {
    "fails": lambda old, attempt, watch: close(old, attempt, AttemptState.FAILED, watch),
    "voids": lambda old, attempt, watch: close(old, attempt, AttemptState.VOID, watch),
    "notes": keep,
    "reviews": lambda old, _attempt, watch: put_under_review(
        old, code="code", facts={}, now=watch(), due_at=None
    ),
    "resends": resend,
    "opens": lambda old, attempt, watch: open_attempts(
        [Opening(old, order_of(attempt.order), 2)], now=watch()
    ),
}


@pytest.mark.parametrize("write", LATE_WRITES.values(), ids=LATE_WRITES.keys())
def test_late_worker_that_lost_its_claim_changes_nothing(
    write: Callable[[Claim, Attempt, Watch], object], late: Claim, watch: Watch
) -> None:
    attempt = Attempt.objects.select_related("order").get()
    with unchanged(), pytest.raises(ClaimLost) as error:
        write(late, attempt, watch)
    assert error.value.facts == {"disbursement_id": late.disbursement_id}


def test_late_worker_with_a_proof_books_what_certainly_happened(
    late: Claim, node: SteeredRail, watch: Watch
) -> None:
    attempt = Attempt.objects.select_related("order").get()
    paid = node._receipt(order_of(attempt.order))
    assert isinstance(paid, Succeeded)

    assert close_as_paid(attempt, paid, now=watch())
    with unchanged():
        assert not close_as_paid(attempt, paid, now=watch())

    assert snapshot(late.disbursement_id) == PAID


def test_late_worker_about_to_send_sends_nothing(node: SteeredRail, watch: Watch) -> None:
    """It paused between the commit of its attempt and the send; meanwhile another queried: not seen."""
    disbursement_id = ordered()
    order = node.prepare(instruction_of(disbursement_id), now=watch())
    old = claimed(disbursement_id, watch)
    open_attempts([Opening(old, order, 1)], now=watch())
    watch.advance(LEASE_SECONDS)
    worked(disbursement_id, watch)
    assert snapshot(disbursement_id) == PAID

    with unchanged(), pytest.raises(ClaimLost):
        may_send([old], now=watch())
    assert node.sends == 1


def test_worker_whose_claim_is_lost_while_it_sends_records_no_refusal(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Refused("no-route", FailureClass.FINAL))
    node.meanwhile["send"] = lambda: claimed_by_another(disbursement_id, watch)

    run_once = claimed(disbursement_id, watch)
    work(run_once, clock=watch)

    assert snapshot(disbursement_id) == PREPARED
    assert row_of(disbursement_id).claimed_by == "worker-2"


def test_worker_whose_claim_is_lost_while_it_sends_still_books_success(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["send"] = lambda: claimed_by_another(disbursement_id, watch)

    worked(disbursement_id, watch)

    assert snapshot(disbursement_id) == PAID


def test_worker_whose_claim_is_lost_while_it_prepares_opens_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: claimed_by_another(disbursement_id, watch)

    worked(disbursement_id, watch)

    assert (snapshot(disbursement_id), node.sends) == (UNTOUCHED, 0)


def test_worker_whose_claim_is_lost_while_it_queries_does_not_send_again(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    node.finds.append(NotSeen(source=SOURCE))
    node.meanwhile["find"] = lambda: claimed_by_another(disbursement_id, watch)

    watch.advance(LEASE_SECONDS)
    worked(disbursement_id, watch)

    assert (snapshot(disbursement_id), node.sends) == (PREPARED, 1)


def test_attempt_already_closed_is_not_closed_again(node: SteeredRail, watch: Watch) -> None:
    """Another worker booked the payment while this one, still holding the claim, received another answer."""
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    assert snapshot(disbursement_id) == IN_FLIGHT
    attempt = Attempt.objects.select_related("order").get()
    watch.advance(15)
    claim = claimed(disbursement_id, watch)
    paid = node._receipt(order_of(attempt.order))
    assert close_as_paid(attempt, paid, now=watch())

    with unchanged():
        with pytest.raises(ClaimLost):
            close(claim, attempt, AttemptState.FAILED, watch)
        with pytest.raises(ClaimLost):
            close(claim, attempt, AttemptState.VOID, watch)
        with pytest.raises(ClaimLost):
            keep(claim, attempt, watch)
        with pytest.raises(ClaimLost):
            resend(claim, attempt, watch)


def test_attempt_opened_twice_by_one_claim_is_one(node: SteeredRail, watch: Watch) -> None:
    """The database keeps one live attempt and one hold, whatever opens a second time."""
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)

    assert [attempt.number for attempt in attempts(disbursement_id)] == [1]
    assert snapshot(disbursement_id).transit_msat == PAYOUT_MSAT


def claimed_by_another(disbursement_id: int, watch: Watch) -> None:
    """Let another worker claim it once the lease has ended."""
    watch.advance(LEASE_SECONDS)
    claimed(disbursement_id, watch, worker="worker-2")
