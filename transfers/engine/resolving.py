"""Applies what two people decided about an attempt: the books are written as if the provider had answered it.

A payment that the books have no place for is written off.
"""

from datetime import datetime

from ledger.services import post
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.approvals import require_as_proposed
from sunusav.core.models import Proposal
from transfers.booking import write_off_lines
from transfers.engine.paid import RESOLVED_AS_PAID, book_late, book_payment
from transfers.engine.unpaid import resolve_as_not_paid, settle_as_not_paid
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    FailureClass,
    FailureCode,
    ResolutionVerdict,
    TransactionKind,
)
from transfers.models import Attempt, Disbursement, ManualResolution, ResolvedAttempt
from transfers.queries import subject_of
from transfers.services.disbursements import locked
from transfers.services.resolutions import describe_resolution, newest_resolution, require_resolvable
from transfers.types import Refused, Succeeded


def apply_resolution(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Apply an approved resolution, in the approval's transaction, checked again under the disbursement's lock.

    Raises: AttemptNotOpen when the engine learned the outcome first, ProposalFactsChanged, and as
    `propose_resolution`.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    row = locked(int(proposal.subject_id))
    _lock_attempts(row)
    require_as_proposed(proposal, describe_resolution(proposal.subject_id))
    resolution = newest_resolution(row.pk)
    require_resolvable(resolution, now=now)
    # The decision comes first in the trail, and then what it leads to.
    trail.record(
        subject=subject_of(row.pk), action="resolve_attempt", actor=actor, at=now,
        facts={"attempt": resolution.attempt.number, "verdict": resolution.verdict},
    )  # fmt: skip
    written_off_by = _apply(resolution, now)
    ResolvedAttempt.objects.create(
        attempt=resolution.attempt, resolution=resolution, proposal=proposal, proposer_id=resolution.proposer_id,
        approver_id=actor.user_id, resolved_at=now, transaction_id=written_off_by,
    )  # fmt: skip


def _lock_attempts(row: Disbursement) -> None:
    list(Attempt.objects.select_for_update().filter(disbursement=row).order_by("pk").only("pk"))


def _apply(resolution: ManualResolution, now: datetime) -> int | None:
    """Apply a verdict; return the transaction that writes a payment off, if it is that."""
    attempt, row = resolution.attempt, resolution.attempt.disbursement
    is_open = attempt.state in OPEN_ATTEMPT_STATES
    match resolution.verdict:
        case ResolutionVerdict.WRITTEN_OFF:
            return _write_off(resolution, now)
        case ResolutionVerdict.PAID if is_open:
            book_payment(attempt, row, _proven(resolution), now=now, outcome=RESOLVED_AS_PAID)
        case ResolutionVerdict.PAID:
            book_late(attempt, row, _proven(resolution), now=now, outcome=RESOLVED_AS_PAID)
        case ResolutionVerdict.NOT_PAID if is_open:
            unpaid = Refused(FailureCode.RESOLVED_AS_NOT_PAID.value, FailureClass.FINAL, attempt.evidence)
            resolve_as_not_paid(row, attempt, unpaid, now=now)
        case ResolutionVerdict.NOT_PAID:
            settle_as_not_paid(attempt, now=now)
    return None


def _proven(resolution: ManualResolution) -> Succeeded:
    attempt, order = resolution.attempt, resolution.attempt.order
    return Succeeded(
        resolution.proof, order.money(order.amount), order.stated_cost(resolution.cost), attempt.evidence
    )


def _write_off(resolution: ManualResolution, now: datetime) -> int:
    """Book a payment beside the books as a loss; return its transaction."""
    proven, order = _proven(resolution), resolution.attempt.order
    paid_from, cost_account = order.accounts
    return post(
        kind=TransactionKind.WRITE_OFF, reference=f"order:{order.pk}:written_off", at=now,
        subject=resolution.attempt.disbursement.subject,
        lines=write_off_lines(
            paid=proven.amount, cost=proven.cost, paid_from=paid_from, cost_account=cost_account
        ),
    )  # fmt: skip
