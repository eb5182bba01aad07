"""Resolutions of outcomes that stay unknown: one person proposes, another approves, and it is booked."""

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
from sunusav.core.privacy import keys_of
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail
from tests.transfers.builders import (
    BY,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAYOUT_MSAT,
    Snapshot,
    attempts,
    node_msat,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SOURCE, SteeredRail, Watch, hash_of, invoice_for, proof_of
from tests.transfers.resolution_cases import GIVE_UP_SECONDS, GONE, NOT_PAID, PAID, Case
from tests.transfers.unchanged import unchanged
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.engine.unpaid import resolve_as_not_paid
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
)
from transfers.models import Attempt, ManualResolution, ProviderAnswer, ResolvedAttempt
from transfers.resolution_errors import (
    ResolutionCostOutOfRange,
    ResolutionMissing,
    ResolutionNeedsExplanation,
    ResolutionNeedsProof,
)
from transfers.services.disbursements import cancel_disbursement, retry_disbursement
from transfers.services.resolutions import describe_resolution
from transfers.types import NotSeen, Refused, Unknown

pytestmark = pytest.mark.django_db

REVIEWED = Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
RESOLVED_PAID = Snapshot("completed", ["succeeded"], 0, 0)
RESOLVED_UNPAID = Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)


@pytest.fixture
def case(node: SteeredRail, watch: Watch) -> Case:
    made = Case(node, watch)
    assert made.snapshot == REVIEWED
    return made


def breaches(case: Case) -> list[Breach]:
    """Audit everything but I05, which reports the pots of these tests, since they belong to no cycle."""
    found = audit(now=case.watch()).breaches
    return [breach for breach in found if not breach.subject.startswith("cycle:")]


def is_audit_clean(case: Case) -> bool:
    return breaches(case) == []


# Paid


def test_propose_paid_shows_the_order_its_end_and_the_evidence_and_changes_no_payment(case: Case) -> None:
    proposal = case.propose(PAID)

    resolution = ManualResolution.objects.get()
    assert proposal.facts == {
        "disbursement": case.id, "subject": "cycle:awa", "attempt": 1, "resolution": resolution.pk,
        "rail": "lightning", "reference": hash_of("awa", NET_SATS),
        "payee_digest": keys_of(["cycle:awa"]).digest("cycle:awa", "payee"), "amount": NET_MSAT,
        "currency": "msat", "proposed_end": "paid", "proof": proof_of("awa", NET_SATS), "cost": 1_500,
        "outside_says": "not-seen",
        "evidence": {"code": "NOT_FOUND", "source": SOURCE},
    }  # fmt: skip
    assert (resolution.evidence, resolution.asked_at) == (proposal.facts["evidence"], case.watch())
    assert (resolution.proposer, resolution.explanation) == (case.finance, "her wallet shows it")
    assert case.snapshot == REVIEWED


def test_approve_paid_books_as_if_the_provider_had_answered_paid(case: Case) -> None:
    before = node_msat()
    proposal = case.propose(PAID)

    case.approve(proposal)

    assert case.snapshot == RESOLVED_PAID
    # 99,000 sats to the winner and 1.5 sats for the route left the node.
    assert node_msat() == before - NET_MSAT - 1_500
    (attempt,), row = attempts(case.id), row_of(case.id)
    assert (attempt.proof, attempt.cost, attempt.outcome) == (proof_of("awa", NET_SATS), 1_500, "paid")
    assert (row.completed_at, row.failure_code, row.due_at) == (case.watch(), "", None)
    resolved = ResolvedAttempt.objects.get()
    assert (resolved.attempt, resolved.proposer, resolved.approver) == (attempt, case.finance, case.approver)
    assert resolved.proposal == proposal
    line = TrailEntry.objects.get(action="resolve_attempt")
    assert (line.actor, line.subject) == (case.approver, f"disbursement:{case.id}")
    assert is_audit_clean(case)


def test_propose_paid_accepts_a_proof_with_blanks(case: Case) -> None:
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


@pytest.mark.parametrize("cost", [None, -1, 10_001])
def test_propose_paid_at_an_impossible_cost_is_refused(case: Case, cost: int | None) -> None:
    refusal = refused(case, ResolutionCostOutOfRange, cost=cost)

    assert refusal.facts == {
        "disbursement_id": case.id,
        "cost": cost,
        "cost_limit": 10_000,
        "currency": "msat",
    }


def test_propose_paid_without_a_cost_is_taken_where_the_provider_states_none(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ScriptedRail, "states_cost", False)
    case.approve(case.propose(PAID, cost=None))

    (attempt,) = attempts(case.id)
    assert (attempt.state, attempt.cost) == ("succeeded", None)
    assert is_audit_clean(case)


@pytest.mark.parametrize("cost", [0, 10_000])
def test_propose_paid_at_the_limits_of_the_cost_is_taken(case: Case, cost: int) -> None:
    case.approve(case.propose(PAID, cost=cost))

    assert attempts(case.id)[0].cost == cost
    assert is_audit_clean(case)


@pytest.mark.parametrize("verdict", [PAID, NOT_PAID])
def test_propose_without_an_explanation_is_refused(case: Case, verdict: Any) -> None:
    refusal = refused(case, ResolutionNeedsExplanation, verdict=verdict, explanation=" \n")

    assert refusal.facts == {"disbursement_id": case.id}


def test_propose_for_a_payment_not_under_review_is_refused(case: Case, node: SteeredRail) -> None:
    other = ordered("moussa", at=case.watch())
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(case.watch)
    case.id, case.name = other, "moussa"

    refusal = refused(case, DisbursementNotUnderReview)

    assert refusal.facts == {"disbursement_id": other, "state": "processing"}


def test_propose_for_a_payment_whose_outcome_is_known_is_refused(case: Case) -> None:
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    case.query()

    refusal = refused(case, AttemptNotOpen)

    assert refusal.facts == {"disbursement_id": case.id, "state": "completed"}


def test_propose_for_no_payment_is_refused(case: Case) -> None:
    case.id = 10**9

    assert refused(case, DisbursementMissing).facts == {"disbursement_id": 10**9}


def test_describe_what_nobody_proposed_is_refused(case: Case) -> None:
    with pytest.raises(ResolutionMissing) as refusal:
        describe_resolution(str(case.id))
    assert refusal.value.facts == {"disbursement_id": case.id}


# Not paid


def test_approve_not_paid_fails_the_payment_and_keeps_the_hold(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    assert (proposal.facts["proof"], proposal.facts["cost"]) == ("", None)

    case.approve(proposal)

    assert case.snapshot == RESOLVED_UNPAID
    row, (attempt,) = row_of(case.id), attempts(case.id)
    assert (row.failure_code, row.due_at, row.claimed_by) == ("resolved-as-not-paid", None, "")
    assert (attempt.outcome, attempt.failure_class, attempt.closed_at) == (
        "resolved-as-not-paid", "final", case.watch(),
    )  # fmt: skip
    assert attempt.evidence == {"code": "NOT_FOUND", "source": SOURCE}
    assert ResolvedAttempt.objects.get().approver == case.approver
    assert is_audit_clean(case)


def test_approve_not_paid_of_a_payment_another_node_does_not_know(case: Case) -> None:
    """The node's database is lost: the new one knows nothing."""
    case.query(NotSeen(source="another node"), after=GIVE_UP_SECONDS + 1)
    proposal = case.propose(NOT_PAID)
    assert proposal.facts["outside_says"] == "not-seen-by-another-source"

    case.approve(proposal)

    assert case.snapshot == RESOLVED_UNPAID


def test_propose_not_paid_while_the_order_is_payable_is_refused(case: Case) -> None:
    case.query(GONE, after=GIVE_UP_SECONDS - 15)

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
def test_propose_not_paid_against_the_providers_answer_is_refused(case: Case, answer: Unknown) -> None:
    case.expire()
    case.query(answer)

    refusal = refused(case, ProviderContradicts, verdict=NOT_PAID)

    facts = {"disbursement_id": case.id, "outcome": answer.reason, "asked_at": case.watch()}
    assert refusal.facts == facts


def test_propose_not_paid_on_old_evidence_is_refused(case: Case) -> None:
    case.expire()
    asked_at = case.watch()
    case.watch.advance(15 * 60)
    case.propose(NOT_PAID)
    case.watch.advance(0.001)

    refusal = refused(case, EvidenceTooOld, verdict=NOT_PAID)

    assert refusal.facts == {"disbursement_id": case.id, "outcome": "not-seen", "asked_at": asked_at}


def test_propose_not_paid_on_an_unclear_answer_is_refused(case: Case) -> None:
    case.expire()
    case.query(Unknown(seen=False, reason="stream-ended"))

    assert refused(case, EvidenceTooOld, verdict=NOT_PAID).facts["outcome"] == "stream-ended"


def test_propose_not_paid_while_the_provider_is_unavailable_is_refused(case: Case) -> None:
    case.expire()
    with case.node.unavailable("find"):
        case.query()

    assert refused(case, EvidenceTooOld, verdict=NOT_PAID).facts["outcome"] == "rail-away"


def test_propose_paid_while_the_provider_is_unavailable_is_accepted(case: Case) -> None:
    """The payee's proof does not need our node."""
    with case.node.unavailable("find"):
        case.query()
        case.approve(case.propose(PAID))

    assert case.snapshot == RESOLVED_PAID


# Two people


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


def test_reject_changes_nothing_and_allows_another_proposal(case: Case) -> None:
    proposal = case.propose(PAID)

    reject(proposal_id=proposal.pk, approver=case.approver, reason="ask her again", now=case.watch())

    assert case.snapshot == REVIEWED
    case.approve(case.propose(PAID))
    assert case.snapshot == RESOLVED_PAID


def test_propose_beside_an_open_proposal_is_refused(case: Case) -> None:
    first = case.propose(PAID)

    refusal = refused(case, ProposalAlreadyOpen, cost=2_000, by=make_user(Role.FINANCE))

    assert refusal.facts["proposal_id"] == str(first.pk)


def test_approve_twice_is_refused(case: Case) -> None:
    proposal = case.propose(PAID)
    case.approve(proposal)
    with unchanged(), pytest.raises(ProposalNotOpen):
        case.approve(proposal, by=make_user(Role.APPROVER))


# Changes between proposal and approval


def test_another_answer_of_the_provider_voids_the_approval(case: Case) -> None:
    proposal = case.propose(PAID)
    case.query(Unknown(seen=True, reason="in-flight"))

    with unchanged(), pytest.raises(ProposalFactsChanged):
        case.approve(proposal)


def test_same_retry_broker_now_voids_nothing(case: Case) -> None:
    proposal = case.propose(PAID)
    for _ in range(3):
        case.query(GONE)

    case.approve(proposal)

    assert case.snapshot == RESOLVED_PAID


def test_failure_to_connect_with_another_text_voids_nothing(case: Case) -> None:
    with case.node.unavailable("find"):
        case.query()
    proposal = case.propose(PAID)
    attempt = attempts(case.id)[0]
    Attempt.objects.filter(pk=attempt.pk).update(evidence={"detail": "port 10010 this time"})

    case.approve(proposal)

    assert case.snapshot == RESOLVED_PAID


def test_voided_proposal_allows_a_new_one(case: Case) -> None:
    first = case.propose(PAID)
    case.query(Unknown(seen=True, reason="in-flight"))

    second = case.propose(PAID, by=make_user(Role.FINANCE))

    first.refresh_from_db()
    assert first.state == "withdrawn"
    case.approve(second)
    assert case.snapshot == RESOLVED_PAID


def test_approve_not_paid_on_evidence_that_grew_old_is_refused(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    case.watch.advance(15 * 60 + 1)

    with unchanged(), pytest.raises(EvidenceTooOld):
        case.approve(proposal)

    case.query(GONE, after=0)
    case.approve(proposal)
    assert case.snapshot == RESOLVED_UNPAID


def test_approve_after_the_engine_learned_the_truth_is_refused_and_books_nothing_twice(case: Case) -> None:
    proposal = case.propose(PAID)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    case.query()
    assert case.snapshot == RESOLVED_PAID

    with unchanged(), pytest.raises(AttemptNotOpen) as refusal:
        case.approve(proposal)

    assert refusal.value.facts == {"disbursement_id": case.id, "state": "completed"}
    assert is_audit_clean(case)


def test_worker_that_queried_before_the_approval_changes_nothing_after_it(case: Case) -> None:
    """It waits for the provider while two people decide; its answer comes too late."""
    case.expire()
    proposal = case.propose(NOT_PAID)
    case.node.meanwhile["find"] = lambda: case.approve(proposal)

    case.query(GONE)

    assert case.snapshot == RESOLVED_UNPAID
    assert row_of(case.id).failure_code == "resolved-as-not-paid"
    assert is_audit_clean(case)


# After a resolution


def retried(case: Case, *, after: float = 30) -> None:
    """Retry with a new invoice."""
    new = invoice_for("new", NET_SATS)
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

    assert case.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert case.node.paid == {hash_of("new", NET_SATS): NET_MSAT}
    assert is_audit_clean(case)


def test_second_send_that_the_payee_refused_is_resolved_and_paid_again_once(
    node: SteeredRail, watch: Watch
) -> None:
    case = Case(node, watch, first=Unknown(seen=False, reason="connection-lost"), then=NotSeen(source=SOURCE))
    assert case.snapshot == Snapshot("completed", ["succeeded"], 0, 0), (
        "the second sending is taken by this payee"
    )

    case = Case(
        node, watch, name="moussa", first=Unknown(seen=False, reason="connection-lost"),
        then=NotSeen(source=SOURCE), again=Refused("incorrect-payment-details", FailureClass.FINAL),
    )  # fmt: skip
    assert case.snapshot == REVIEWED
    with pytest.raises(DisbursementNotRetryable):
        retry_disbursement(disbursement_id=case.id, actor=BY, reason="alone", now=watch())
    with pytest.raises(DisbursementNotCancellable):
        cancel_disbursement(disbursement_id=case.id, actor=BY, reason="alone", now=watch())
    refused(case, OrderStillPayable, verdict=NOT_PAID)

    refusal = Refused("incorrect-payment-details", FailureClass.FINAL)
    case.query(refusal, after=GIVE_UP_SECONDS + 1)
    case.approve(case.propose(NOT_PAID))
    assert case.snapshot == RESOLVED_UNPAID

    node.finds.append(refusal)
    retried(case)
    assert case.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT, hash_of("new", NET_SATS): NET_MSAT}
    assert is_audit_clean(case)


def test_resolved_as_not_paid_can_be_cancelled(case: Case) -> None:
    resolved_as_not_paid(case)

    cancel_disbursement(disbursement_id=case.id, actor=BY, reason="paid in cash", now=case.watch())

    assert case.snapshot == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)


def test_resolved_as_not_paid_but_paid_is_booked_before_another_order_goes_out(case: Case) -> None:
    resolved_as_not_paid(case)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    retried(case)

    assert case.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert case.node.paid == {hash_of("awa", NET_SATS): NET_MSAT}
    assert attempts(case.id)[1].proof == proof_of("awa", NET_SATS)
    assert is_audit_clean(case)


def test_resolved_as_not_paid_but_paid_after_another_order_pauses_outgoing_money(case: Case) -> None:
    resolved_as_not_paid(case)
    retried(case)
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    late = Attempt.objects.select_related("order").get(number=1)

    assert not close_as_paid(late, case.node._receipt(order_of(late.order)), now=case.watch())

    assert not switches.outgoing().is_open
    assert hash_of("awa", NET_SATS) in switches.outgoing().reason
    assert case.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Unknown(seen=True, reason="preimage-does-not-fit", suspect=True), "last-order-in-doubt"),
        (Unknown(seen=True, reason="in-flight"), ""),
    ],
    ids=["doubt", "in flight"],
)
def test_resolved_as_not_paid_but_known_to_the_provider_again_sends_nothing(
    case: Case, answer: Unknown, code: str
) -> None:
    resolved_as_not_paid(case)
    case.node.finds.append(answer)

    retried(case)

    assert case.node.paid == {}
    assert row_of(case.id).failure_code == code
    assert case.snapshot.attempts == ["failed"]


def test_forgotten_order_that_only_the_provider_refused_still_needs_review(
    node: SteeredRail, watch: Watch
) -> None:
    """An attempt closed by a refusal, whose order is unknown later, was not resolved by people."""
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    new = invoice_for("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(NotSeen(source=SOURCE))
    watch.advance(30)
    run(watch)

    assert row_of(disbursement_id).failure_code == "last-order-in-doubt"


@pytest.mark.parametrize(
    ("source", "waited_seconds", "expected"),
    [
        (SOURCE, 3_600 + 601, ("completed", "")),
        (SOURCE, 3_600 + 600, ("needs_review", "last-order-in-doubt")),
        ("another node", 3_600 + 601, ("needs_review", "last-order-in-doubt")),
    ],
    ids=["can be paid no more", "could be revived", "never knew it"],
)
def test_refused_order_that_its_own_node_forgot_is_no_doubt_once_it_can_be_paid_no_more(
    node: SteeredRail, watch: Watch, source: str, waited_seconds: int, expected: tuple[str, str]
) -> None:
    """Otherwise the payment could neither be made nor ordered again, since nodes are told to delete failures."""
    expires_at = NOW + timedelta(hours=1)
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=expires_at))
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    watch.advance(waited_seconds)
    new = invoice_for("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())
    node.finds.append(NotSeen(source=source))

    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == expected
    assert sum(node.paid.values()) == (NET_MSAT if row.state == "completed" else 0)


def test_open_attempt_under_review_is_still_neither_retried_nor_redirected(case: Case) -> None:
    case.propose(PAID)
    with unchanged(), pytest.raises(DisbursementNotRetryable):
        retry_disbursement(disbursement_id=case.id, actor=BY, reason="now", now=case.watch())


# Stored answers


def stored_answers(case: Case) -> list[tuple[str, str, str]]:
    rows = ProviderAnswer.objects.filter(attempt__disbursement_id=case.id).order_by("pk")
    return [(row.answered_call, row.kind, row.outcome) for row in rows]


def test_every_new_answer_is_kept_and_the_same_one_again_is_not(case: Case) -> None:
    case.query(GONE)
    with case.node.unavailable("find"):
        case.query()
        case.query(after=15)
    case.query(Unknown(seen=True, reason="in-flight"))
    case.query(GONE)

    assert stored_answers(case) == [
        ("send", "in_flight", "in-flight"),
        ("ask", "not_seen", "not-seen"),
        ("ask", "away", "rail-away"),
        ("ask", "in_flight", "in-flight"),
        ("ask", "not_seen", "not-seen"),
    ]


def test_attempt_holds_the_newest_answer_and_its_moment(case: Case) -> None:
    with case.node.unavailable("find"):
        case.query()

    attempt = attempts(case.id)[0]
    assert (attempt.outcome, attempt.asked_at) == ("rail-away", case.watch())
    assert attempt.evidence == {"detail": "away at find"}

    case.query(GONE, after=15)

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

    assert snapshot(disbursement_id) == RESOLVED_PAID
    kinds = ProviderAnswer.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == [AnswerKind.UNCLEAR, AnswerKind.NOT_SEEN]


# The audit


def test_audit_finds_an_attempt_called_unpaid_by_nobody(case: Case) -> None:
    attempt = attempts(case.id)[0]
    resolve_as_not_paid(
        row_of(case.id), Attempt.objects.select_related("order").get(pk=attempt.pk),
        Refused("resolved-as-not-paid", FailureClass.FINAL), now=case.watch(),
    )  # fmt: skip

    assert [(breach.invariant, breach.subject) for breach in breaches(case)] == [
        ("I16", f"disbursement:{case.id}:attempt:1"),
        ("I26", f"disbursement:{case.id}:attempt:1"),
    ]


def test_audit_finds_a_resolution_that_differs_from_the_attempt(case: Case) -> None:
    case.approve(case.propose(PAID))
    Attempt.objects.update(cost=1_499)

    assert [breach.detail for breach in breaches(case) if breach.invariant == "I16"] == [
        "paid by decision, but proof or cost is not the decided one"
    ]


def test_audit_finds_a_resolution_without_its_approval(case: Case) -> None:
    proposal = case.approve(case.propose(PAID))
    Proposal.objects.filter(pk=proposal.pk).update(state="rejected")

    details = [breach.detail for breach in breaches(case) if breach.invariant == "I16"]

    assert details == [f"proposal {proposal.pk} (rejected) is not the approved one of its resolution"]
    assert Approval.objects.count() == 1
