"""Resolutions of outcomes that stay unknown: one person proposes one here, a second person approves it.

`engine.resolving` applies what was approved. A proposal changes nothing about the payment.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sunusav.core.approvals import ProposalAlreadyOpen, digest_of, open_proposal, propose
from sunusav.core.models import Proposal, User
from transfers.enums import OPEN_ATTEMPT_STATES, AnswerKind, DisbursementState, ResolutionVerdict
from transfers.errors import (
    AttemptNotOpen,
    DisbursementMissing,
    DisbursementNotUnderReview,
    EvidenceTooOld,
    OrderStillPayable,
    ProviderContradicts,
    ResolutionCostOutOfRange,
    ResolutionMissing,
    ResolutionNeedsExplanation,
    ResolutionNeedsProof,
)
from transfers.models import Attempt, Disbursement, ManualResolution, ProviderAnswer
from transfers.queries import may_leave_until, newest_answer, open_attempt_of
from transfers.rails import rail
from transfers.services.disbursements import locked

MANUAL_RESOLUTION = "manual_resolution"
# While under review the provider is queried every ten minutes.
EVIDENCE_VALID_FOR = timedelta(minutes=15)
CONTRADICTING_KINDS = (AnswerKind.IN_FLIGHT, AnswerKind.CONTRADICTS)
UNPAID_KINDS = (AnswerKind.NOT_SEEN, AnswerKind.REFUSED, AnswerKind.PAID_EARLIER)
_PAID = ResolutionVerdict.PAID


def propose_resolution(
    *,
    disbursement_id: int,
    verdict: ResolutionVerdict,
    explanation: str,
    proposer: User,
    now: datetime,
    proof: str = "",
    cost_msat: int | None = None,
) -> Proposal:
    """Propose to a second person how to close the open attempt of a disbursement under review.

    Paid needs the payee's proof and the cost of sending; not paid needs a fresh answer that the provider did not pay.
    Units: msat. Raises: AttemptNotOpen, DisbursementNotUnderReview, ResolutionNeedsExplanation, ResolutionNeedsProof,
    ResolutionCostOutOfRange, OrderStillPayable, EvidenceTooOld, ProviderContradicts, ProposalAlreadyOpen,
    NotAllowedToDecide.
    """
    if not explanation.strip():
        raise ResolutionNeedsExplanation(disbursement_id=disbursement_id)
    attempt = _attempt_to_resolve(disbursement_id)
    resolution = ManualResolution(
        attempt=attempt, verdict=verdict, proof="".join(proof.split()), cost_msat=cost_msat, outcome=attempt.outcome,
        evidence=attempt.evidence, asked_at=attempt.asked_at, explanation=explanation.strip(), proposer=proposer,
        proposed_at=now,
    )  # fmt: skip
    require_resolvable(resolution, now=now)
    with transaction.atomic():
        locked(
            disbursement_id
        )  # serializes two proposers: each approval page shows the proposal that it is about
        _require_none_waits(disbursement_id)
        resolution.save(force_insert=True)
        return propose(
            kind=MANUAL_RESOLUTION, subject_id=str(disbursement_id), proposer=proposer, now=now,
            reason=resolution.explanation,
        )  # fmt: skip


def describe_resolution(subject_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: the order, the proposed verdict, and the provider's last answer.

    Raises: ResolutionMissing, AttemptNotOpen once its outcome is known.
    """
    resolution = newest_resolution(int(subject_id))
    _require_open(resolution.attempt)
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
        "resolution": resolution.pk, "rail": order.rail, "reference": order.reference, "payee": order.payee,
        "amount_msat": order.amount_msat, "proposed_end": str(resolution.verdict), "proof": resolution.proof,
        "cost_msat": resolution.cost_msat, "outside_says": answer.outcome if answer else "",
        "evidence": answer.evidence if answer and has_evidence else {},
    }  # fmt: skip


def require_resolvable(resolution: ManualResolution, *, now: datetime) -> None:
    """Check a resolution against the present state: when it is proposed, and under the lock when it is approved.

    Raises: as `propose_resolution`.
    """
    attempt = resolution.attempt
    _require_open(attempt)
    if attempt.disbursement.state != DisbursementState.NEEDS_REVIEW:
        raise DisbursementNotUnderReview(
            disbursement_id=attempt.disbursement_id, state=attempt.disbursement.state
        )
    if resolution.verdict == _PAID:
        _require_proven(resolution)
    else:
        require_unpaid(attempt, now=now)


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

    An order that the provider had paid before it was ours is paid no second time.
    """
    if answer is not None and answer.kind == AnswerKind.PAID_EARLIER:
        return may_leave_until(attempt)
    return max(attempt.order.give_up_after, may_leave_until(attempt))


def _require_proven(resolution: ManualResolution) -> None:
    attempt = resolution.attempt
    order = attempt.order
    if not resolution.proof or not rail(order.rail).verify(order.reference, resolution.proof):
        raise ResolutionNeedsProof(disbursement_id=attempt.disbursement_id, reference=order.reference)
    cost_msat = resolution.cost_msat
    if cost_msat is None or not 0 <= cost_msat <= order.fee_limit_msat:
        raise ResolutionCostOutOfRange(
            disbursement_id=attempt.disbursement_id, cost_msat=cost_msat, fee_limit_msat=order.fee_limit_msat
        )


def _attempt_to_resolve(disbursement_id: int) -> Attempt:
    attempt = open_attempt_of(disbursement_id)
    if attempt is not None:
        return attempt
    row = Disbursement.objects.filter(pk=disbursement_id).first()
    if row is None:
        raise DisbursementMissing(disbursement_id=disbursement_id)
    raise AttemptNotOpen(disbursement_id=disbursement_id, state=row.state)


def _require_open(attempt: Attempt) -> None:
    if attempt.state not in OPEN_ATTEMPT_STATES:
        raise AttemptNotOpen(disbursement_id=attempt.disbursement_id, state=attempt.disbursement.state)


def _require_none_waits(disbursement_id: int) -> None:
    """Refuse beside an open proposal; one whose facts have changed can never be approved and does not count."""
    waiting = open_proposal(MANUAL_RESOLUTION, str(disbursement_id))
    if waiting is None:
        return
    proposed = newest_resolution(disbursement_id)
    is_open = proposed.attempt.state in OPEN_ATTEMPT_STATES
    if is_open and waiting.digest == digest_of(waiting.kind, waiting.subject_id, facts_of(proposed)):
        raise ProposalAlreadyOpen(
            kind=waiting.kind, subject_id=waiting.subject_id, proposal_id=str(waiting.pk)
        )
