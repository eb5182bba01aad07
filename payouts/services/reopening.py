"""Reopen a cycle whose payout was reversed: one person proposes it, another approves it; then it can be paid again."""

from datetime import datetime
from typing import Any

from ledger.queries import owed
from payouts.calculations import cycle_subject, pot_of
from payouts.enums import CYCLE_REOPENING
from payouts.errors import CycleNotReversed
from payouts.models import CycleReopening
from payouts.queries.cycles import is_reopened, status_of, stored_cycle
from payouts.services.cycles import locked_cycle
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.approvals import propose, require_as_proposed
from sunusav.core.models import Proposal, User
from sunusav.core.outbox import announce
from transfers.enums import DisbursementState
from transfers.queries import disbursement_for
from transfers.types import DisbursementFacts


def propose_reopening(*, cycle_id: str, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose to a second person that a cycle whose payout was reversed is paid again.

    Raises: CycleMissing, CycleNotReversed, and as `approvals.propose`.
    """
    _reversed_payout(cycle_id)
    return propose(kind=CYCLE_REOPENING, subject_id=cycle_id, proposer=proposer, now=now, reason=reason)


def describe_reopening(cycle_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: the reversed payout, and what the pot holds.

    Raises: CycleMissing, CycleNotReversed.
    """
    row, payout = stored_cycle(cycle_id), _reversed_payout(cycle_id)
    return {
        "cycle_id": cycle_id, "group": row.group_id, "winner": row.winner_user_id,
        "reversed_payment": payout.id, "payout_total_sats": row.payout_total_sats, "pot_msat": owed(pot_of(cycle_id)),
    }  # fmt: skip


def reopen_cycle(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Let a cycle be paid again; runs when a second person approves it.

    Raises: CycleMissing, CycleNotReversed, ProposalFactsChanged.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    cycle_id = proposal.subject_id
    row = locked_cycle(cycle_id)
    require_as_proposed(proposal, describe_reopening(cycle_id))
    payout = _reversed_payout(cycle_id)
    CycleReopening.objects.create(
        cycle=row, payout_id=payout.id, proposal=proposal, proposer_id=proposal.proposer_id,
        approver_id=actor.user_id, reopened_at=now,
    )  # fmt: skip
    trail.record(
        subject=cycle_subject(cycle_id), action="reopen", actor=actor, at=now,
        facts={"payout_id": payout.id, "proposal": proposal.pk},
    )  # fmt: skip
    payload = {"cycle_id": cycle_id, "payout_id": payout.id}
    announce(topic="cycle.reopened", subject=cycle_subject(cycle_id), payload=payload, at=now)


def _reversed_payout(cycle_id: str) -> DisbursementFacts:
    row, payout = stored_cycle(cycle_id), disbursement_for(cycle_subject(cycle_id))
    if payout is None or payout.state != DisbursementState.REVERSED or is_reopened(payout):
        raise CycleNotReversed(cycle_id=cycle_id, cycle_status=status_of(row, payout))
    return payout
