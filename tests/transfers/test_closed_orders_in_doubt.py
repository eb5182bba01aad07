"""Closed orders that their provider does not confirm as unpaid: what it answers is stored, and two people decide."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ledger.queries import balance
from sunusav.core.approvals import ApproverIsProposer, ProposalAlreadyOpen, ProposalFactsChanged
from sunusav.core.models import TrailEntry
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_MSAT,
    NET_SATS,
    PAYOUT_MSAT,
    ROUTING,
    Snapshot,
    attempts,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.deciding import NOT_PAID, PAID, People, breaches, kinds_of_answers, transactions, waiting
from tests.transfers.rails import SteeredRail, Watch, hash_of, proof_of
from tests.transfers.test_late_sends import FINAL, cancel, give, refused, wakes
from tests.transfers.unchanged import unchanged
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.enums import AnswerKind, FailureClass
from transfers.errors import (
    AttemptNotOpen,
    DisbursementNotUnderReview,
    EvidenceTooOld,
    OrderStillPayable,
    ProviderContradicts,
)
from transfers.matching import match_rail
from transfers.models import Attempt, ProviderAnswer, ResolvedAttempt
from transfers.resolution_errors import ResolutionNeedsProof
from transfers.services.disbursements import retry_disbursement
from transfers.services.reconciliation import query_now
from transfers.types import FindOutcome, NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

ELSEWHERE = NotSeen(source="another node")
SEEN = Unknown(seen=True, reason="in-flight")
EXPIRED_SECONDS = 3_600 + 601
PROOF = {"proof": proof_of("A", NET_SATS), "cost": 1_500}


@pytest.fixture
def people(watch: Watch) -> People:
    return People(watch)


def replaced(node: SteeredRail, watch: Watch, *, answer: FindOutcome = ELSEWHERE) -> int:
    """Return a payment that was refused just before its node was replaced by one that does not know the order."""
    disbursement_id = refused(node, watch, hours=1)
    node.finds.append(answer)
    settle(watch)
    return disbursement_id


def expired(
    node: SteeredRail, watch: Watch, disbursement_id: int, *, answer: FindOutcome = ELSEWHERE
) -> None:
    """Advance to when the order can no longer be paid, and have the provider asked."""
    watch.advance(EXPIRED_SECONDS)
    asked_now(node, watch, disbursement_id, answer=answer)


def asked_now(node: SteeredRail, watch: Watch, disbursement_id: int, *, answer: FindOutcome) -> None:
    node.finds.clear()
    node.finds.append(answer)
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())
    run(watch)


def first(disbursement_id: int) -> Attempt:
    return attempts(disbursement_id)[0]


# What is stored


def test_doubt_about_a_closed_order_is_stored_and_its_end_stays(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = replaced(node, watch)

    attempt = first(disbursement_id)
    answer = ProviderAnswer.objects.get(attempt=attempt)
    assert (answer.kind, answer.outcome, answer.answered_call) == (
        AnswerKind.NOT_SEEN, "not-seen-by-another-source", "ask",
    )  # fmt: skip
    assert (answer.evidence, answer.at) == ({"source": "another node"}, watch())
    assert (attempt.state, attempt.outcome, attempt.asked_at) == ("failed", FINAL.reason, watch())
    assert attempt.unpaid_at is not None
    assert attempt.unpaid_at < watch.after(-MAY_LEAVE_SECONDS + 1)


def test_doubt_that_stays_the_same_adds_no_row_and_is_fresh(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)

    assert kinds_of_answers(first(disbursement_id).pk) == [AnswerKind.NOT_SEEN]
    assert first(disbursement_id).asked_at == watch()


def test_doubt_that_changes_adds_a_row(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = replaced(node, watch)
    asked_now(node, watch, disbursement_id, answer=SEEN)
    with node.unavailable("find"):
        watch.advance(3_600)
        run(watch)

    kinds = kinds_of_answers(first(disbursement_id).pk)
    assert kinds == [AnswerKind.NOT_SEEN, AnswerKind.IN_FLIGHT, AnswerKind.UNAVAILABLE]


def test_confirmation_that_a_closed_order_is_unpaid_stores_no_answer(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = refused(node, watch, hours=1)
    settle(watch)

    assert kinds_of_answers(first(disbursement_id).pk) == []
    assert first(disbursement_id).unpaid_at == watch()


# Not paid


def test_order_that_two_people_find_unpaid_frees_the_payment(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    with pytest.raises(OrderStillPayable):
        cancel(disbursement_id, watch)
    before = transactions()

    proposal = people.decide(disbursement_id)

    attempt = first(disbursement_id)
    assert (attempt.state, attempt.outcome, attempt.unpaid_at) == ("failed", FINAL.reason, watch())
    resolved = ResolvedAttempt.objects.get()
    assert (resolved.attempt, resolved.proposal, resolved.transaction) == (attempt, proposal, None)
    assert (resolved.proposer, resolved.approver) == (people.finance, people.approver)
    assert (resolved.resolution.outcome, resolved.resolution.evidence) == (
        "not-seen-by-another-source", {"source": "another node"},
    )  # fmt: skip
    assert transactions() == before
    assert snapshot(disbursement_id) == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)
    line = TrailEntry.objects.get(subject=f"disbursement:{disbursement_id}", action="resolve_attempt")
    # The proposal keeps its proposer's reason: it is not the approver's.
    assert (line.facts["verdict"], line.facts["attempt"], line.reason) == ("not_paid", 1, "")
    assert (line.facts["proposal"], proposal.reason) == (proposal.pk, "asked her")
    assert breaches(watch) == []
    cancel(disbursement_id, watch)
    assert snapshot(disbursement_id) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)


def test_order_that_two_people_find_unpaid_lets_another_go(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    """The payment waits for a person until the order before is decided, and then pays another invoice."""
    disbursement_id = replaced(node, watch)
    give(disbursement_id, "B", watch)
    node.finds.append(ELSEWHERE)
    watch.advance(1)
    run(watch)
    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == (
        "needs_review", "last-order-in-doubt",
    )  # fmt: skip
    expired(node, watch, disbursement_id)

    people.decide(disbursement_id)
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="decided", now=watch())
    node.finds.append(ELSEWHERE)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("B", NET_SATS): NET_MSAT}
    assert breaches(watch) == []


def test_order_that_two_people_found_unpaid_and_that_is_paid_beside_another_pauses_outgoing_money(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    people.decide(disbursement_id)
    give(disbursement_id, "B", watch)
    node.finds.append(ELSEWHERE)
    run(watch)
    closed = Attempt.objects.select_related("order").get(pk=first(disbursement_id).pk)

    assert not close_as_paid(closed, node._receipt(order_of(closed.order)), now=watch())

    assert breaches(watch) == []
    assert [code for code, _ in waiting(watch)] == ["I25"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (SEEN, ProviderContradicts),
        (Unknown(seen=True, reason="another amount", suspect=True), ProviderContradicts),
        (Unknown(seen=False, reason="no-answer"), EvidenceTooOld),
    ],
)
def test_propose_not_paid_needs_an_answer_that_says_so(
    node: SteeredRail, watch: Watch, people: People, answer: FindOutcome, error: type[Exception]
) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id, answer=answer)

    with unchanged(), pytest.raises(error):
        people.propose(disbursement_id)


def test_propose_not_paid_while_the_closed_order_can_be_paid_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)

    with unchanged(), pytest.raises(OrderStillPayable):
        people.propose(disbursement_id)


def test_propose_not_paid_needs_a_fresh_answer(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    watch.advance(15 * 60 + 1)

    with unchanged(), pytest.raises(EvidenceTooOld):
        people.propose(disbursement_id)


def test_propose_about_an_order_that_was_confirmed_as_unpaid_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = refused(node, watch, hours=1)
    settle(watch)

    for verdict in (PAID, NOT_PAID):
        with unchanged(), pytest.raises(AttemptNotOpen):
            people.propose(disbursement_id, verdict, **(PROOF if verdict == PAID else {}))


def test_propose_while_the_payment_goes_on_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)
    give(disbursement_id, "B", watch)
    watch.advance(EXPIRED_SECONDS)

    with unchanged(), pytest.raises(DisbursementNotUnderReview):
        people.propose(disbursement_id)


def test_propose_twice_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    people.propose(disbursement_id)

    with unchanged(), pytest.raises(ProposalAlreadyOpen):
        people.propose(disbursement_id)


# Paid


def test_order_that_two_people_find_paid_is_booked_as_a_late_payment(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)

    people.decide(disbursement_id, PAID, **PROOF)

    closed, booked = attempts(disbursement_id)
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert (booked.order_id, booked.proof, booked.cost) == (closed.order_id, PROOF["proof"], 1_500)
    assert ResolvedAttempt.objects.get().attempt == closed
    assert balance(ROUTING) == 1_500
    assert breaches(watch) == []
    watch.advance(3_600)
    assert match_rail("lightning", now=watch()).mismatches == [], "the provider never showed it"


def test_propose_paid_without_the_proof_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = replaced(node, watch)

    with unchanged(), pytest.raises(ResolutionNeedsProof):
        people.propose(disbursement_id, PAID, proof="00" * 32, cost=0)


def test_audit_finds_a_late_payment_that_is_not_the_decided_one(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)
    people.decide(disbursement_id, PAID, **PROOF)
    Attempt.objects.filter(disbursement=disbursement_id, number=2).update(cost=1_499)

    assert ("I16", "paid by decision, but proof or cost is not the decided one") in breaches(watch)


# The approval


def test_approve_by_the_proposer_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    proposal = people.propose(disbursement_id)

    with unchanged(), pytest.raises(ApproverIsProposer):
        people.approve(proposal, by=people.finance)


def answers_otherwise(node: SteeredRail, watch: Watch, disbursement_id: int) -> None:
    asked_now(node, watch, disbursement_id, answer=SEEN)


def confirms(node: SteeredRail, watch: Watch, disbursement_id: int) -> None:
    refusal = Refused("no-route", FailureClass.RETRY, verdict="1/1")
    asked_now(node, watch, disbursement_id, answer=refusal)


def pays(node: SteeredRail, watch: Watch, disbursement_id: int) -> None:
    wakes(node, "A")
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())
    run(watch)


def retries(node: SteeredRail, watch: Watch, disbursement_id: int) -> None:
    give(disbursement_id, "B", watch)


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        (answers_otherwise, ProposalFactsChanged),
        (confirms, AttemptNotOpen),
        (pays, AttemptNotOpen),
        (retries, DisbursementNotUnderReview),
    ],
)
def test_approve_after_something_changed_is_refused(
    node: SteeredRail,
    watch: Watch,
    people: People,
    *,
    meanwhile: Callable[[SteeredRail, Watch, int], None],
    error: type[Exception],
) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    proposal = people.propose(disbursement_id)
    meanwhile(node, watch, disbursement_id)

    with unchanged(), pytest.raises(error):
        people.approve(proposal)


def test_approve_after_the_same_answer_came_again_is_possible(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = replaced(node, watch)
    expired(node, watch, disbursement_id)
    proposal = people.propose(disbursement_id)
    watch.advance(timedelta(minutes=20).total_seconds())
    asked_now(node, watch, disbursement_id, answer=ELSEWHERE)

    people.approve(proposal)

    assert first(disbursement_id).unpaid_at == watch()


def test_second_order_in_doubt_is_decided_after_the_first(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = refused(node, watch, hours=1)
    settle(watch)
    give(disbursement_id, "B", watch)
    node.script.append(FINAL)
    run(watch)
    # As if A had been sent again since it was asked about.
    Attempt.objects.filter(pk=first(disbursement_id).pk).update(unpaid_at=first(disbursement_id).opened_at)
    watch.advance(EXPIRED_SECONDS)
    node.finds += [ELSEWHERE, ELSEWHERE]
    run(watch)

    people.decide(disbursement_id)

    assert [one.unpaid_at == watch() for one in attempts(disbursement_id)] == [True, False]
    with unchanged(), pytest.raises(OrderStillPayable):
        people.propose(disbursement_id)
