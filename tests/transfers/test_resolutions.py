"""How an outcome that stays unknown ends: one person proposes, another approves, and the books follow."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.auditor import audit
from sunusav.core import switches
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalNotOpen,
    reject,
)
from sunusav.core.auditing import Breach
from sunusav.core.errors import DomainError
from sunusav.core.models import Approval, Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import (
    BY,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAYOUT_MSAT,
    Story,
    attempts,
    node_msat,
    ordered,
    row_of,
    run,
    story,
)
from tests.transfers.rails import SOURCE, SteeredRail, Watch, hash_of, paper, proof_of
from tests.transfers.resolving import GIVE_UP_SECONDS, GONE, NOT_PAID, PAID, Case
from tests.transfers.unchanged import unchanged
from transfers.engine import closing
from transfers.engine.destinations import order_of
from transfers.enums import AnswerKind, FailureClass
from transfers.errors import (
    AttemptNotOpen,
    DisbursementMissing,
    DisbursementNotCancellable,
    DisbursementNotRetryable,
    DisbursementNotUnderReview,
    EvidenceTooOld,
    OrderStillPayable,
    ProviderContradicts,
    ResolutionCostOutOfRange,
    ResolutionMissing,
    ResolutionNeedsExplanation,
    ResolutionNeedsProof,
)
from transfers.models import Attempt, ManualResolution, ProviderAnswer, ResolvedAttempt
from transfers.services.disbursements import cancel_disbursement, replace_destination, retry_disbursement
from transfers.services.resolutions import describe_resolution
from transfers.types import NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

REVIEWED = Story("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
RESOLVED_PAID = Story("completed", ["succeeded"], 0, 0)
RESOLVED_UNPAID = Story("failed", ["failed"], PAYOUT_MSAT, 0)


@pytest.fixture
def case(node: SteeredRail, watch: Watch) -> Case:
    made = Case(node, watch)
    assert made.story == REVIEWED
    return made


def breaches(case: Case) -> list[Breach]:
    """Audit all; that pots of these tests belong to no cycle is their own doing."""
    found = audit(now=case.watch()).breaches
    return [breach for breach in found if not breach.subject.startswith("cycle:")]


def green(case: Case) -> bool:
    return breaches(case) == []


# paid


def test_propose_paid_shows_the_order_its_end_and_the_evidence_and_changes_no_payment(case: Case) -> None:
    proposal = case.propose(PAID)

    resolution = ManualResolution.objects.get()
    assert proposal.facts == {
        "disbursement": case.id, "subject": "cycle:awa", "attempt": 1, "resolution": resolution.pk,
        "rail": "lightning", "reference": hash_of("awa", NET_SATS), "payee": "payee", "amount_msat": NET_MSAT,
        "proposed_end": "paid", "proof": proof_of("awa", NET_SATS), "cost_msat": 1_500, "provider_reports": "not-seen",
        "evidence": {"code": "NOT_FOUND", "source": SOURCE},
    }  # fmt: skip
    assert (resolution.evidence, resolution.asked_at) == (proposal.facts["evidence"], case.watch())
    assert (resolution.proposer, resolution.explanation) == (case.finance, "her wallet shows it")
    assert case.story == REVIEWED


def test_approve_paid_books_as_if_the_outside_had_told_it(case: Case) -> None:
    before = node_msat()
    proposal = case.propose(PAID)

    case.approve(proposal)

    assert case.story == RESOLVED_PAID
    # 99,000 sats to the winner and 1.5 sats for the route left the node.
    assert node_msat() == before - NET_MSAT - 1_500
    (attempt,), row = attempts(case.id), row_of(case.id)
    assert (attempt.proof, attempt.cost_msat, attempt.outcome) == (proof_of("awa", NET_SATS), 1_500, "paid")
    assert (row.completed_at, row.failure_code, row.due_at) == (case.watch(), "", None)
    resolved = ResolvedAttempt.objects.get()
    assert (resolved.attempt, resolved.proposer, resolved.approver) == (attempt, case.finance, case.approver)
    assert resolved.proposal == proposal
    line = TrailEntry.objects.get(action="resolve_attempt")
    assert (line.actor, line.subject) == (case.approver, f"disbursement:{case.id}")
    assert green(case)


def test_propose_paid_reads_a_proof_as_people_paste_it(case: Case) -> None:
    proof = proof_of("awa", NET_SATS)

    case.propose(PAID, proof=f"  {proof[:32]}\n{proof[32:]} ")

    assert ManualResolution.objects.get().proof == proof


def refused(case: Case, kind: type[DomainError], **call: Any) -> DomainError:
    verdict = call.pop("verdict", PAID)
    with unchanged(), pytest.raises(kind) as refusal:
        case.propose(verdict, **call)
    assert isinstance(refusal.value, DomainError)
    return refusal.value


@pytest.mark.parametrize("proof", ["", "00" * 32, "not hexadecimal", proof_of("moussa", NET_SATS)])
def test_propose_paid_without_the_proof_is_refused(case: Case, proof: str) -> None:
    refusal = refused(case, ResolutionNeedsProof, proof=proof)

    assert refusal.facts == {"disbursement_id": case.id, "reference": hash_of("awa", NET_SATS)}


@pytest.mark.parametrize("cost_msat", [None, -1, 10_001])
def test_propose_paid_at_an_impossible_cost_is_refused(case: Case, cost_msat: int | None) -> None:
    refusal = refused(case, ResolutionCostOutOfRange, cost_msat=cost_msat)

    assert refusal.facts == {"disbursement_id": case.id, "cost_msat": cost_msat, "fee_limit_msat": 10_000}


@pytest.mark.parametrize("cost_msat", [0, 10_000])
def test_propose_paid_at_the_limits_of_the_cost_is_taken(case: Case, cost_msat: int) -> None:
    case.approve(case.propose(PAID, cost_msat=cost_msat))

    assert attempts(case.id)[0].cost_msat == cost_msat
    assert green(case)


@pytest.mark.parametrize("verdict", [PAID, NOT_PAID])
def test_propose_without_an_explanation_is_refused(case: Case, verdict: Any) -> None:
    refusal = refused(case, ResolutionNeedsExplanation, verdict=verdict, explanation=" \n")

    assert refusal.facts == {"disbursement_id": case.id}


def test_propose_for_a_payment_the_engine_still_decides_about_is_refused(
    case: Case, node: SteeredRail
) -> None:
    other = ordered("moussa", at=case.watch())
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(case.watch)
    case.id, case.name = other, "moussa"

    refusal = refused(case, DisbursementNotUnderReview)

    assert refusal.facts == {"disbursement_id": other, "state": "processing"}


def test_propose_for_a_payment_whose_outcome_is_known_is_refused(case: Case) -> None:
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    case.ask()

    refusal = refused(case, AttemptNotOpen)

    assert refusal.facts == {"disbursement_id": case.id, "state": "completed"}


def test_propose_for_no_payment_is_refused(case: Case) -> None:
    case.id = 10**9

    assert refused(case, DisbursementMissing).facts == {"disbursement_id": 10**9}


def test_describe_what_nobody_proposed_is_refused(case: Case) -> None:
    with pytest.raises(ResolutionMissing) as refusal:
        describe_resolution(str(case.id))
    assert refusal.value.facts == {"disbursement_id": case.id}


# not paid


def test_approve_not_paid_gives_the_money_back_and_the_payment_has_failed(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    assert (proposal.facts["proof"], proposal.facts["cost_msat"]) == ("", None)

    case.approve(proposal)

    assert case.story == RESOLVED_UNPAID
    row, (attempt,) = row_of(case.id), attempts(case.id)
    assert (row.failure_code, row.due_at, row.claimed_by) == ("resolved-as-not-paid", None, "")
    assert (attempt.outcome, attempt.failure_class, attempt.closed_at) == (
        "resolved-as-not-paid", "final", case.watch(),
    )  # fmt: skip
    assert attempt.evidence == {"code": "NOT_FOUND", "source": SOURCE}
    assert ResolvedAttempt.objects.get().approver == case.approver
    assert green(case)


def test_approve_not_paid_of_a_payment_another_node_does_not_know(case: Case) -> None:
    """The node's database is lost: the one in its place knows nothing."""
    case.ask(NotSeen(source="another node"), after=GIVE_UP_SECONDS + 1)
    proposal = case.propose(NOT_PAID)
    assert proposal.facts["provider_reports"] == "not-seen-by-another-source"

    case.approve(proposal)

    assert case.story == RESOLVED_UNPAID


def test_propose_not_paid_while_the_order_is_payable_is_refused(case: Case) -> None:
    case.ask(GONE, after=GIVE_UP_SECONDS - 15)

    refusal = refused(case, OrderStillPayable, verdict=NOT_PAID)

    assert case.watch() == NOW + timedelta(seconds=GIVE_UP_SECONDS)
    assert refusal.facts == {"disbursement_id": case.id, "payable_until": case.watch()}


@pytest.mark.parametrize(
    "answer",
    [
        Unknown(seen=True, reason="in-flight"),
        Unknown(seen=True, reason="preimage-does-not-fit", suspect=True),
        Unknown(seen=False, reason="another-payment", suspect=True),
    ],
    ids=["in flight", "paid", "another payment"],
)
def test_propose_not_paid_against_what_the_outside_says_is_refused(case: Case, answer: Unknown) -> None:
    case.expire()
    case.ask(answer)

    refusal = refused(case, ProviderContradicts, verdict=NOT_PAID)

    told = {"disbursement_id": case.id, "outcome": answer.reason, "asked_at": case.watch()}
    assert refusal.facts == told


def test_propose_not_paid_on_old_evidence_is_refused(case: Case) -> None:
    case.expire()
    asked_at = case.watch()
    case.watch.advance(15 * 60)
    case.propose(NOT_PAID)
    case.watch.advance(0.001)

    refusal = refused(case, EvidenceTooOld, verdict=NOT_PAID)

    assert refusal.facts == {"disbursement_id": case.id, "outcome": "not-seen", "asked_at": asked_at}


def test_propose_not_paid_on_an_answer_that_says_nothing_is_refused(case: Case) -> None:
    case.expire()
    case.ask(Unknown(seen=False, reason="stream-ended"))

    assert refused(case, EvidenceTooOld, verdict=NOT_PAID).facts["outcome"] == "stream-ended"


def test_propose_not_paid_while_the_outside_is_away_is_refused(case: Case) -> None:
    case.expire()
    with case.node.away("find"):
        case.ask()

    assert refused(case, EvidenceTooOld, verdict=NOT_PAID).facts["outcome"] == "rail-away"


def test_propose_paid_while_the_outside_is_away_is_taken(case: Case) -> None:
    """The payee's proof does not need our node."""
    with case.node.away("find"):
        case.ask()
        case.approve(case.propose(PAID))

    assert case.story == RESOLVED_PAID


# two people


def test_proposer_cannot_approve(case: Case) -> None:
    proposal = case.propose(PAID)
    with unchanged(), pytest.raises(ApproverIsProposer):
        case.approve(proposal, by=case.finance)


def test_superuser_who_proposed_cannot_approve(case: Case) -> None:
    root = User.objects.create(username="root", is_superuser=True)
    proposal = case.propose(PAID, by=root)
    with unchanged(), pytest.raises(ApproverIsProposer):
        case.approve(proposal, by=root)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM])
def test_propose_without_the_right_is_refused(case: Case, role: Role) -> None:
    refusal = refused(case, NotAllowedToDecide, by=make_user(role))

    assert refusal.facts == {"permission": "transfers.propose_resolution"}


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM])
def test_approve_without_the_right_is_refused(case: Case, role: Role) -> None:
    proposal = case.propose(PAID)
    with unchanged(), pytest.raises(NotAllowedToDecide):
        case.approve(proposal, by=make_user(role))


def test_reject_leaves_all_as_it_was_and_makes_room(case: Case) -> None:
    proposal = case.propose(PAID)

    reject(proposal_id=proposal.pk, approver=case.approver, reason="ask her again", now=case.watch())

    assert case.story == REVIEWED
    case.approve(case.propose(PAID))
    assert case.story == RESOLVED_PAID


def test_propose_beside_one_that_holds_is_refused(case: Case) -> None:
    first = case.propose(PAID)

    refusal = refused(case, ProposalAlreadyOpen, cost_msat=2_000, by=make_user(Role.FINANCE))

    assert refusal.facts["proposal_id"] == str(first.pk)


def test_approve_twice_is_refused(case: Case) -> None:
    proposal = case.propose(PAID)
    case.approve(proposal)
    with unchanged(), pytest.raises(ProposalNotOpen):
        case.approve(proposal, by=make_user(Role.APPROVER))


# what changes between proposal and approval


def test_another_answer_of_the_outside_voids_the_approval(case: Case) -> None:
    proposal = case.propose(PAID)
    case.ask(Unknown(seen=True, reason="in-flight"))

    with unchanged(), pytest.raises(ProposalFactsChanged):
        case.approve(proposal)


def test_same_retry_broker_now_voids_nothing(case: Case) -> None:
    proposal = case.propose(PAID)
    for _ in range(3):
        case.ask(GONE)

    case.approve(proposal)

    assert case.story == RESOLVED_PAID


def test_failure_to_connect_in_other_words_voids_nothing(case: Case) -> None:
    with case.node.away("find"):
        case.ask()
    proposal = case.propose(PAID)
    attempt = attempts(case.id)[0]
    Attempt.objects.filter(pk=attempt.pk).update(evidence={"detail": "port 10010 this time"})

    case.approve(proposal)

    assert case.story == RESOLVED_PAID


def test_voided_proposal_makes_room_for_a_new_one(case: Case) -> None:
    first = case.propose(PAID)
    case.ask(Unknown(seen=True, reason="in-flight"))

    second = case.propose(PAID, by=make_user(Role.FINANCE))

    first.refresh_from_db()
    assert first.state == "withdrawn"
    case.approve(second)
    assert case.story == RESOLVED_PAID


def test_approve_not_paid_on_evidence_that_grew_old_is_refused(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    case.watch.advance(15 * 60 + 1)

    with unchanged(), pytest.raises(EvidenceTooOld):
        case.approve(proposal)

    case.ask(GONE, after=0)
    case.approve(proposal)
    assert case.story == RESOLVED_UNPAID


def test_approve_after_the_engine_learned_the_truth_is_refused_and_books_nothing_twice(case: Case) -> None:
    proposal = case.propose(PAID)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    case.ask()
    assert case.story == RESOLVED_PAID

    with unchanged(), pytest.raises(AttemptNotOpen) as refusal:
        case.approve(proposal)

    assert refusal.value.facts == {"disbursement_id": case.id, "state": "completed"}
    assert green(case)


def test_worker_that_asked_before_the_approval_changes_nothing_after_it(case: Case) -> None:
    """It waits for the outside while two people decide; its answer comes too late."""
    case.expire()
    proposal = case.propose(NOT_PAID)
    case.node.meanwhile["find"] = lambda: case.approve(proposal)

    case.ask(GONE)

    assert case.story == RESOLVED_UNPAID
    assert row_of(case.id).failure_code == "resolved-as-not-paid"
    assert green(case)


# afterwards


def retried(case: Case, *, after: float = 30) -> None:
    """Retry with a new invoice."""
    new = paper("new", NET_SATS)
    replace_destination(disbursement_id=case.id, destination=new, actor=BY, now=case.watch())
    retry_disbursement(disbursement_id=case.id, actor=BY, reason="new invoice", now=case.watch())
    case.watch.advance(after)
    run(case.watch)


def resolved_as_not_paid(case: Case) -> None:
    case.expire()
    case.approve(case.propose(NOT_PAID))


def test_resolved_as_not_paid_can_be_paid_by_a_new_invoice_once(case: Case) -> None:
    resolved_as_not_paid(case)

    retried(case)

    assert case.story == Story("completed", ["failed", "succeeded"], 0, 0)
    assert case.node.paid == {hash_of("new", NET_SATS): NET_MSAT}
    assert green(case)


def test_payee_refusing_a_second_sending_is_ended_by_two_people_and_paid_anew_once(
    node: SteeredRail, watch: Watch
) -> None:
    case = Case(node, watch, first=Unknown(seen=False, reason="connection-lost"), then=NotSeen(source=SOURCE))
    assert case.story == Story("completed", ["succeeded"], 0, 0), "the second sending is taken by this payee"

    case = Case(
        node, watch, name="moussa", first=Unknown(seen=False, reason="connection-lost"),
        then=NotSeen(source=SOURCE), again=Refused("incorrect-payment-details", FailureClass.FINAL),
    )  # fmt: skip
    assert case.story == REVIEWED
    with pytest.raises(DisbursementNotRetryable):
        retry_disbursement(disbursement_id=case.id, actor=BY, reason="alone", now=watch())
    with pytest.raises(DisbursementNotCancellable):
        cancel_disbursement(disbursement_id=case.id, actor=BY, reason="alone", now=watch())
    refused(case, OrderStillPayable, verdict=NOT_PAID)

    said = Refused("incorrect-payment-details", FailureClass.FINAL)
    case.ask(said, after=GIVE_UP_SECONDS + 1)
    case.approve(case.propose(NOT_PAID))
    assert case.story == RESOLVED_UNPAID

    node.finds.append(said)
    retried(case)
    assert case.story == Story("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT, hash_of("new", NET_SATS): NET_MSAT}
    assert green(case)


def test_resolved_as_not_paid_can_be_cancelled(case: Case) -> None:
    resolved_as_not_paid(case)

    cancel_disbursement(disbursement_id=case.id, actor=BY, reason="paid in cash", now=case.watch())

    assert case.story == Story("cancelled", ["failed"], PAYOUT_MSAT, 0)


def test_resolved_as_not_paid_but_paid_is_booked_before_another_order_goes_out(case: Case) -> None:
    resolved_as_not_paid(case)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    retried(case)

    assert case.story == Story("completed", ["failed", "succeeded"], 0, 0)
    assert case.node.paid == {hash_of("awa", NET_SATS): NET_MSAT}
    assert attempts(case.id)[1].proof == proof_of("awa", NET_SATS)
    assert green(case)


def test_resolved_as_not_paid_but_paid_after_another_order_pauses_outgoing_money(case: Case) -> None:
    resolved_as_not_paid(case)
    retried(case)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    late = Attempt.objects.select_related("order").get(number=1)

    assert not closing.close_as_paid(late, case.node._receipt(order_of(late.order)), now=case.watch())

    assert not switches.outgoing().is_open
    assert hash_of("awa", NET_SATS) in switches.outgoing().reason
    assert case.story == Story("completed", ["failed", "succeeded"], 0, 0)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Unknown(seen=True, reason="preimage-does-not-fit", suspect=True), "last-order-in-doubt"),
        (Unknown(seen=True, reason="in-flight"), ""),
    ],
    ids=["doubt", "in flight"],
)
def test_resolved_as_not_paid_but_the_outside_knows_it_again_sends_nothing(
    case: Case, answer: Unknown, code: str
) -> None:
    resolved_as_not_paid(case)
    case.node.finds.append(answer)

    retried(case)

    assert case.node.paid == {}
    assert row_of(case.id).failure_code == code
    assert case.story.attempts == ["failed"]


def test_forgotten_order_that_only_the_outside_refused_still_needs_review(
    node: SteeredRail, watch: Watch
) -> None:
    """What was closed by its refusal and is unknown later is no resolution: the way it was."""
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    new = paper("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(NotSeen(source=SOURCE))
    watch.advance(30)
    run(watch)

    assert row_of(disbursement_id).failure_code == "last-order-in-doubt"


@pytest.mark.parametrize(
    ("source", "waited_seconds", "told"),
    [
        (SOURCE, 3_600 + 601, ("completed", "")),
        (SOURCE, 3_600 + 600, ("needs_review", "last-order-in-doubt")),
        ("another node", 3_600 + 601, ("needs_review", "last-order-in-doubt")),
    ],
    ids=["can be paid no more", "could be revived", "never knew it"],
)
def test_refused_order_that_its_own_node_forgot_is_no_doubt_once_it_can_be_paid_no_more(
    node: SteeredRail, watch: Watch, source: str, waited_seconds: int, told: tuple[str, str]
) -> None:
    """Else the payment could neither be made nor ordered anew, whoever decides: nodes are told to forget failures."""
    expires_at = NOW + timedelta(hours=1)
    disbursement_id = ordered(destination=paper("awa", NET_SATS, expires_at=expires_at))
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    watch.advance(waited_seconds)
    new = paper("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(NotSeen(source=source))

    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == told
    assert sum(node.paid.values()) == (NET_MSAT if row.state == "completed" else 0)


def test_open_attempt_under_review_is_still_neither_retried_nor_redirected(case: Case) -> None:
    case.propose(PAID)
    with unchanged(), pytest.raises(DisbursementNotRetryable):
        retry_disbursement(disbursement_id=case.id, actor=BY, reason="now", now=case.watch())


# the story of the answers


def told(case: Case) -> list[tuple[str, str, str]]:
    rows = ProviderAnswer.objects.filter(attempt__disbursement_id=case.id).order_by("pk")
    return [(row.answered_call, row.kind, row.outcome) for row in rows]


def test_every_new_answer_is_kept_and_the_same_one_again_is_not(case: Case) -> None:
    case.ask(GONE)
    with case.node.away("find"):
        case.ask()
        case.ask(after=15)
    case.ask(Unknown(seen=True, reason="in-flight"))
    case.ask(GONE)

    assert told(case) == [
        ("send", "in_flight", "in-flight"),
        ("ask", "not_seen", "not-seen"),
        ("ask", "away", "rail-away"),
        ("ask", "in_flight", "in-flight"),
        ("ask", "not_seen", "not-seen"),
    ]


def test_attempt_holds_the_newest_answer_and_its_moment(case: Case) -> None:
    with case.node.away("find"):
        case.ask()

    attempt = attempts(case.id)[0]
    assert (attempt.outcome, attempt.asked_at) == ("rail-away", case.watch())
    assert attempt.evidence == {"detail": "away at find"}

    case.ask(GONE, after=15)

    attempt = attempts(case.id)[0]
    assert (attempt.outcome, attempt.asked_at) == ("not-seen", case.watch())
    assert attempt.evidence == {"code": "NOT_FOUND", "source": SOURCE}


def test_payment_that_succeeds_at_once_writes_no_answer(node: SteeredRail, watch: Watch) -> None:
    ordered()
    run(watch)

    assert ProviderAnswer.objects.count() == 0


def test_order_sent_again_keeps_that_it_had_not_been_seen(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    watch.advance(15)
    run(watch)

    assert story(disbursement_id) == RESOLVED_PAID
    kinds = ProviderAnswer.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [AnswerKind.UNCLEAR, AnswerKind.NOT_SEEN]


# the audit


def test_audit_finds_an_attempt_called_unpaid_by_nobody(case: Case) -> None:
    attempt = attempts(case.id)[0]
    closing.resolve_as_not_paid(
        row_of(case.id), Attempt.objects.select_related("order").get(pk=attempt.pk),
        Refused("resolved-as-not-paid", FailureClass.FINAL), now=case.watch(),
    )  # fmt: skip

    assert [(breach.invariant, breach.subject) for breach in breaches(case)] == [
        ("I16", f"disbursement:{case.id}:attempt:1")
    ]


def test_audit_finds_a_resolution_that_says_otherwise_than_the_attempt(case: Case) -> None:
    case.approve(case.propose(PAID))
    Attempt.objects.update(cost_msat=1_499)

    assert [breach.detail for breach in breaches(case) if breach.invariant == "I16"] == [
        "paid by decision, but proof or cost is not the decided one"
    ]


def test_audit_finds_a_resolution_without_its_approval(case: Case) -> None:
    proposal = case.approve(case.propose(PAID))
    Proposal.objects.filter(pk=proposal.pk).update(state="rejected")

    details = [breach.detail for breach in breaches(case) if breach.invariant == "I16"]

    assert details == [f"proposal {proposal.pk} (rejected) is not the approved one of its resolution"]
    assert Approval.objects.count() == 1
