"""Applies what two people decided about an attempt: the books are written as if the provider had answered it."""

from datetime import datetime

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.approvals import require_as_proposed
from sunusav.core.models import Proposal
from transfers.engine.paid import book_payment
from transfers.engine.unpaid import resolve_as_not_paid
from transfers.enums import FailureClass, FailureCode, ResolutionVerdict
from transfers.models import Attempt, ManualResolution, ResolvedAttempt
from transfers.services.disbursements import locked, subject_of
from transfers.services.resolutions import describe_resolution, newest_resolution, require_resolvable
from transfers.types import Refused, Succeeded


def apply_resolution(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Apply an approved resolution, in the approval's transaction, checked again under the disbursement's lock.

    Raises: AttemptNotOpen when the engine learned the outcome first, ProposalFactsChanged, and as
    `propose_resolution`.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    row = locked(int(proposal.subject_id))
    Attempt.objects.select_for_update().filter(live_disbursement=row.pk).first()
    require_as_proposed(proposal, describe_resolution(proposal.subject_id))
    resolution = newest_resolution(row.pk)
    require_resolvable(resolution, now=now)
    _close(resolution, now)
    ResolvedAttempt.objects.create(
        attempt=resolution.attempt, resolution=resolution, proposal=proposal, proposer_id=resolution.proposer_id,
        approver_id=actor.user_id, resolved_at=now,
    )  # fmt: skip
    facts = {"attempt": resolution.attempt.number, "verdict": resolution.verdict, "proposal": proposal.pk}
    trail.record(
        subject=subject_of(row.pk), action="resolve_attempt", actor=actor, at=now, reason=resolution.explanation,
        facts=facts,
    )  # fmt: skip


def _close(resolution: ManualResolution, now: datetime) -> None:
    attempt = resolution.attempt
    row = attempt.disbursement
    if resolution.verdict == ResolutionVerdict.PAID:
        assert resolution.cost_msat is not None, "checked by require_resolvable"  # noqa: S101  (a programmer's mistake)
        amount_msat, evidence = attempt.order.amount_msat, attempt.evidence
        proven = Succeeded(resolution.proof, amount_msat, resolution.cost_msat, evidence)
        book_payment(attempt, row, proven, now=now)
    else:
        unpaid = Refused(FailureCode.RESOLVED_AS_NOT_PAID.value, FailureClass.FINAL, attempt.evidence)
        resolve_as_not_paid(row, attempt, unpaid, now=now)
