"""Resolutions by two people: one person proposes one here, a second person approves it.

They decide an outcome that stays unknown, of an open attempt or of a closed order that was not confirmed as unpaid, or
write off a payment that the books have no place for. `engine.resolving` applies what was approved. A proposal changes
nothing about the payment.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sunusav.core.approvals import ProposalAlreadyOpen, digest_of, open_proposal, propose
from sunusav.core.models import Proposal, User
from transfers.attempt_queries import (
    attempt_in_doubt_of,
    attempts_outside_books_of,
    may_leave_until,
    newest_answer,
    open_attempt_of,
)
from transfers.calculations import LEFT_IN_FLIGHT_AFTER
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    PAID_STATES,
    AnswerKind,
    DisbursementState,
    ResolutionVerdict,
)
from transfers.errors import (
    AttemptNotOpen,
    DisbursementMissing,
    DisbursementNotUnderReview,
    EvidenceTooOld,
    OrderStillPayable,
    ProviderContradicts,
)
from transfers.models import Attempt, Disbursement, ManualResolution, ProviderAnswer
from transfers.rails import rail
from transfers.resolution_errors import (
    NothingToWriteOff,
    ResolutionCostOutOfRange,
    ResolutionMissing,
    ResolutionNeedsExplanation,
    ResolutionNeedsProof,
)
from transfers.services.disbursements import locked

MANUAL_RESOLUTION = "manual_resolution"
# While under review the provider is queried every ten minutes.
EVIDENCE_VALID_FOR = timedelta(minutes=15)
CONTRADICTING_KINDS = (AnswerKind.IN_FLIGHT, AnswerKind.CONTRADICTS)
UNPAID_KINDS = (AnswerKind.NOT_SEEN, AnswerKind.REFUSED, AnswerKind.PAID_EARLIER, AnswerKind.STUCK)
_S, _V = DisbursementState, ResolutionVerdict
# A disbursement in these states can be paid no more: a payment of an order of it is a loss.
PAST_PAYING = (*PAID_STATES, _S.CANCELLED)


def propose_resolution(
    *,
    disbursement_id: int,
    verdict: ResolutionVerdict,
    explanation: str,
    proposer: User,
    now: datetime,
    proof: str = "",
    cost: int | None = None,
) -> Proposal:
    """Propose to a second person how an attempt ended: the open one, else that of a closed order in doubt.

    Paid needs the payee's proof, and the cost of sending if the provider states costs. Not paid needs a fresh answer
    that the provider did not pay. Writing off needs nothing but a payment outside the books, whose cost may not be
    stated yet.
    Units: the currency of the order.
    Raises: DisbursementMissing, AttemptNotOpen, DisbursementNotUnderReview, NothingToWriteOff,
    ResolutionNeedsExplanation, ResolutionNeedsProof, ResolutionCostOutOfRange, OrderStillPayable, EvidenceTooOld,
    ProviderContradicts, ProposalAlreadyOpen, NotAllowedToDecide.
    """
    if not explanation.strip():
        raise ResolutionNeedsExplanation(disbursement_id=disbursement_id)
    if verdict == _V.WRITTEN_OFF:
        attempt = _attempt_to_write_off(disbursement_id)
        proof, cost = attempt.proof, attempt.cost
    else:
        attempt = _attempt_to_resolve(disbursement_id)
    outcome, evidence = _last_answer(attempt)
    resolution = ManualResolution(
        attempt=attempt, verdict=verdict, proof="".join(proof.split()), cost=cost, outcome=outcome,
        evidence=evidence, asked_at=attempt.asked_at, explanation=explanation.strip(), proposer=proposer,
        proposed_at=now,
    )  # fmt: skip
    require_resolvable(resolution, now=now)
    with transaction.atomic():
        # Two proposers go one after the other: each approval page shows the proposal that it is about.
        locked(disbursement_id)
        _require_none_waits(disbursement_id)
        resolution.save(force_insert=True)
        return propose(
            kind=MANUAL_RESOLUTION, subject_id=str(disbursement_id), proposer=proposer, now=now,
            reason=resolution.explanation,
        )  # fmt: skip


def describe_resolution(subject_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: the order, the proposed verdict, and the provider's last answer.

    Raises: ResolutionMissing, AttemptNotOpen once its outcome is known, NothingToWriteOff once its payment is in the
    books.
    """
    resolution = newest_resolution(int(subject_id))
    _require_unresolved(resolution)
    return facts_of(resolution)


def newest_resolution(disbursement_id: int) -> ManualResolution:
    """Return the newest proposed resolution of a disbursement. Raises: ResolutionMissing."""
    proposed = ManualResolution.objects.filter(attempt__disbursement_id=disbursement_id)
    newest = proposed.select_related("attempt__order", "attempt__disbursement").order_by("-pk").first()
    if newest is None:
        raise ResolutionMissing(disbursement_id=disbursement_id)
    return newest


def facts_of(resolution: ManualResolution) -> dict[str, Any]:
    """Return the facts of a proposal: a different answer of the provider changes them, the same answer does not."""
    attempt = resolution.attempt
    order, answer = attempt.order, newest_answer(attempt.pk)
    # The error text of a failed connection varies by itself.
    has_evidence = answer is not None and answer.kind != AnswerKind.UNAVAILABLE
    return {
        "disbursement": attempt.disbursement_id, "subject": attempt.disbursement.subject, "attempt": attempt.number,
        "resolution": resolution.pk, "rail": order.rail, "reference": order.reference,
        "payee_digest": order.payee_digest,
        "amount": order.amount, "currency": order.currency, "proposed_end": str(resolution.verdict),
        "proof": resolution.proof, "cost": resolution.cost, "outside_says": answer.outcome if answer else "",
        "evidence": answer.evidence if answer and has_evidence else {},
    }  # fmt: skip


def require_resolvable(resolution: ManualResolution, *, now: datetime) -> None:
    """Check a resolution against the present state: when it is proposed, and under the lock when it is approved.

    Raises: as `propose_resolution`.
    """
    attempt = resolution.attempt
    _require_unresolved(resolution)
    match resolution.verdict:
        case _V.WRITTEN_OFF:
            _require_proof(resolution)
        case _V.PAID:
            _require_in_doubt_for_people(attempt)
            _require_proven(resolution)
        case _V.NOT_PAID:
            _require_in_doubt_for_people(attempt)
            require_unpaid(attempt, now=now)


def _require_in_doubt_for_people(attempt: Attempt) -> None:
    """Refuse what the engine still handles. Raises: DisbursementNotUnderReview."""
    decidable = (_S.NEEDS_REVIEW,) if _is_open(attempt) else (_S.NEEDS_REVIEW, _S.FAILED)
    state = attempt.disbursement.state
    if state not in decidable:
        raise DisbursementNotUnderReview(disbursement_id=attempt.disbursement_id, state=state)


def require_unpaid(attempt: Attempt, *, now: datetime) -> None:
    """Refuse to call an order unpaid that could still be paid, or has no fresh answer that it is refused or not seen.

    Raises: OrderStillPayable, ProviderContradicts, EvidenceTooOld.
    """
    answer = newest_answer(attempt.pk)
    payable_until = _payable_until(attempt, answer)
    if now <= payable_until:
        raise OrderStillPayable(disbursement_id=attempt.disbursement_id, payable_until=payable_until)
    kind, outcome = (answer.kind, answer.outcome) if answer else ("", attempt.outcome)
    facts = {"disbursement_id": attempt.disbursement_id, "outcome": outcome, "asked_at": attempt.asked_at}
    if kind in CONTRADICTING_KINDS:
        raise ProviderContradicts(**facts)
    is_fresh = attempt.asked_at is not None and now - attempt.asked_at <= EVIDENCE_VALID_FOR
    if kind not in UNPAID_KINDS or not is_fresh:
        raise EvidenceTooOld(**facts)


def _payable_until(attempt: Attempt, answer: ProviderAnswer | None) -> datetime:
    """Return until when the order can be paid: by its own terms, or by a send that is still under way.

    An order that the provider had paid before it was ours is paid no second time; one that is left in flight may still
    be found under way for a while.
    """
    kind = answer.kind if answer is not None else ""
    if kind == AnswerKind.PAID_EARLIER:
        return may_leave_until(attempt)
    search_window = rail(attempt.order.rail).search_window
    payable_until = max(attempt.order.give_up_after, may_leave_until(attempt) + search_window)
    return payable_until + LEFT_IN_FLIGHT_AFTER if kind == AnswerKind.STUCK else payable_until


def _require_proof(resolution: ManualResolution) -> None:
    attempt, order = resolution.attempt, resolution.attempt.order
    if not resolution.proof or not rail(order.rail).verify(order.reference, resolution.proof):
        raise ResolutionNeedsProof(disbursement_id=attempt.disbursement_id, reference=order.reference)


def _require_proven(resolution: ManualResolution) -> None:
    _require_proof(resolution)
    attempt, order = resolution.attempt, resolution.attempt.order
    if resolution.cost is None and not rail(order.rail).states_cost:
        return
    if resolution.cost is None or not 0 <= resolution.cost <= order.cost_limit:
        raise ResolutionCostOutOfRange(
            disbursement_id=attempt.disbursement_id, cost=resolution.cost, cost_limit=order.cost_limit,
            currency=order.currency,
        )  # fmt: skip


def _attempt_to_resolve(disbursement_id: int) -> Attempt:
    attempt = attempt_to_resolve(disbursement_id)
    if attempt is None:
        raise AttemptNotOpen(disbursement_id=disbursement_id, state=_state_of(disbursement_id))
    return attempt


def attempt_to_resolve(disbursement_id: int) -> Attempt | None:
    """Return the attempt whose outcome people may decide: the open one, else that of a closed order in doubt."""
    return open_attempt_of(disbursement_id) or attempt_in_doubt_of(disbursement_id)


def _attempt_to_write_off(disbursement_id: int) -> Attempt:
    attempt = attempts_outside_books_of([disbursement_id]).get(disbursement_id)
    if attempt is None:
        raise NothingToWriteOff(disbursement_id=disbursement_id, state=_state_of(disbursement_id))
    return attempt


def _state_of(disbursement_id: int) -> str:
    row = Disbursement.objects.filter(pk=disbursement_id).first()
    if row is None:
        raise DisbursementMissing(disbursement_id=disbursement_id)
    return row.state


def _last_answer(attempt: Attempt) -> tuple[str, dict[str, Any]]:
    """Return the provider's last answer; a closed attempt itself has only the one that closed it."""
    answer = None if _is_open(attempt) else newest_answer(attempt.pk)
    if answer is None:
        return attempt.outcome, attempt.evidence
    return answer.outcome, answer.evidence


def _require_unresolved(resolution: ManualResolution) -> None:
    """Refuse what is known, or in the books, by now. Raises: AttemptNotOpen, NothingToWriteOff."""
    attempt = resolution.attempt
    disbursement_id, state = attempt.disbursement_id, attempt.disbursement.state
    if resolution.verdict == _V.WRITTEN_OFF:
        outside = attempts_outside_books_of([disbursement_id]).get(disbursement_id)
        if state not in PAST_PAYING or outside != attempt:
            raise NothingToWriteOff(disbursement_id=disbursement_id, state=state)
    elif attempt_to_resolve(disbursement_id) != attempt:
        raise AttemptNotOpen(disbursement_id=disbursement_id, state=state)


def _is_open(attempt: Attempt) -> bool:
    return attempt.state in OPEN_ATTEMPT_STATES


def _require_none_waits(disbursement_id: int) -> None:
    """Refuse beside an open proposal; one whose facts have changed can never be approved and does not count."""
    waiting = open_proposal(MANUAL_RESOLUTION, str(disbursement_id))
    if waiting is None:
        return
    proposed = newest_resolution(disbursement_id)
    try:
        _require_unresolved(proposed)
    except (AttemptNotOpen, NothingToWriteOff):
        return
    if waiting.digest == digest_of(waiting.kind, waiting.subject_id, facts_of(proposed)):
        raise ProposalAlreadyOpen(
            kind=waiting.kind, subject_id=waiting.subject_id, proposal_id=str(waiting.pk)
        )
