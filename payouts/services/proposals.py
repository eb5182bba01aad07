"""What one person of finance proposes about cycles and credit, and another approves: then it is done at once."""

from datetime import datetime
from typing import Any

from django.db import transaction

from ledger.queries import owed
from payouts.calculations import pot_of
from payouts.enums import CYCLE_CANCELLATION, CYCLE_SHORT_CLOSING, REFUND_PAYMENT, WINNER_EXCHANGE, CycleState
from payouts.errors import CycleNotCollecting, RefundMissing, WinnerNotMember
from payouts.models import Contribution, Cycle, ProposedExchange, ProposedRefund
from payouts.queries.credit import credit_msat
from payouts.queries.cycles import settled_counts, stored_cycle
from payouts.services.cycles import locked_cycle, require_not_cancelled
from payouts.services.endings import cancel_cycle, close_cycle_short, require_net
from payouts.services.payouts import require_no_payout, require_payable
from payouts.services.refunds import request_refund
from payouts.services.winners import exchange_winner
from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    digest_of,
    open_proposal,
    propose,
    require_as_proposed,
)
from sunusav.core.models import Proposal, User
from sunusav.core.money import msat_from_sats
from sunusav.core.privacy import keys_for, keys_of
from transfers.destination_queries import opened_with
from transfers.errors import CreditShort
from transfers.rails import rail
from transfers.services.destinations import digest_of_destination, seal_destination
from transfers.types import Destination, SealedDestination, member_ref


def propose_cancellation(*, cycle_id: str, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose to cancel a cycle. Raises: as `cancel_cycle`, and as `approvals.propose`."""
    return propose(kind=CYCLE_CANCELLATION, subject_id=cycle_id, proposer=proposer, now=now, reason=reason)


def describe_cancellation(cycle_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: what is returned to how many members. Raises: as `cancel_cycle`."""
    row = stored_cycle(cycle_id)
    require_not_cancelled(row)
    if row.state == CycleState.READY:
        require_payable(row)
    settled = settled_counts([row.pk])[row.pk]
    return {**_facts(row), "settled": settled, "returned_sats": settled * row.contribution_sats}


def cancel_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Cancel a cycle; runs when a second person approves it. Raises: as `cancel_cycle`, ProposalFactsChanged."""
    locked_cycle(proposal.subject_id)
    require_as_proposed(proposal, describe_cancellation(proposal.subject_id))
    cancel_cycle(cycle_id=proposal.subject_id, reason=proposal.reason, actor=actor, now=now)


def propose_short_closing(*, cycle_id: str, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose to close a cycle short. Raises: as `close_cycle_short`, and as `approvals.propose`."""
    row = stored_cycle(cycle_id)
    require_net(row, settled_count=settled_counts([row.pk])[row.pk], now=now)
    return propose(kind=CYCLE_SHORT_CLOSING, subject_id=cycle_id, proposer=proposer, now=now, reason=reason)


def describe_short_closing(cycle_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: who has paid, and the pot. Raises: as `close_cycle_short`."""
    row = stored_cycle(cycle_id)
    require_not_cancelled(row)
    if row.state != CycleState.COLLECTING:
        raise CycleNotCollecting(cycle_id=cycle_id, cycle_status=row.state)
    settled = settled_counts([row.pk])[row.pk]
    return {**_facts(row), "settled": settled, "payout_total_sats": settled * row.contribution_sats}


def close_short_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Close a cycle short; runs when a second person approves it.

    Raises: as `close_cycle_short`, ProposalFactsChanged.
    """
    locked_cycle(proposal.subject_id)
    require_as_proposed(proposal, describe_short_closing(proposal.subject_id))
    close_cycle_short(cycle_id=proposal.subject_id, reason=proposal.reason, actor=actor, now=now)


def propose_exchange(
    *, cycle_id: str, winner_user_id: str, reason: str, proposer: User, now: datetime
) -> Proposal:
    """Propose to give a cycle's turn to another member. Raises: as `exchange_winner`, and as `approvals.propose`."""
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        waiting = open_proposal(WINNER_EXCHANGE, cycle_id)
        if waiting is not None and waiting.digest == digest_of(
            WINNER_EXCHANGE, cycle_id, describe_exchange(cycle_id)
        ):
            raise ProposalAlreadyOpen(kind=WINNER_EXCHANGE, subject_id=cycle_id, proposal_id=str(waiting.pk))
        ProposedExchange.objects.create(cycle=row, winner_user_id=winner_user_id, proposed_at=now)
        return propose(kind=WINNER_EXCHANGE, subject_id=cycle_id, proposer=proposer, now=now, reason=reason)


def describe_exchange(cycle_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: both winners. Raises: as `exchange_winner`."""
    row = stored_cycle(cycle_id)
    require_not_cancelled(row)
    require_no_payout(row)
    proposed = ProposedExchange.objects.filter(cycle=row).latest("pk")
    if not Contribution.objects.filter(cycle=row, user_id=proposed.winner_user_id).exists():
        raise WinnerNotMember(group_id=row.group_id, winner_user_id=proposed.winner_user_id)
    return {
        "cycle_id": row.pk, "group": row.group_id, "from_winner": row.winner_user_id,
        "winner": proposed.winner_user_id,
    }  # fmt: skip


def exchange_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Give the turn to another member; runs when a second person approves it. Raises: as `exchange_winner`."""
    locked_cycle(proposal.subject_id)
    facts = describe_exchange(proposal.subject_id)
    require_as_proposed(proposal, facts)
    exchange_winner(
        cycle_id=proposal.subject_id,
        winner_user_id=facts["winner"],
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


def propose_refund(
    *, user_id: str, amount_sats: int, destination: Destination, reason: str, proposer: User, now: datetime
) -> Proposal:
    """Propose that a member's credit is paid out.

    Raises: MemberMissing, CreditShort, RailUnknown, PersonErased, and as `approvals.propose`.
    """
    rail(destination.rail)
    available_msat, needed_msat = credit_msat(user_id), msat_from_sats(amount_sats)
    if available_msat < needed_msat:
        raise CreditShort(needed_msat=needed_msat, available_msat=available_msat)
    person = member_ref(user_id)
    with transaction.atomic():
        keys = keys_for(person)
        row = ProposedRefund.objects.create(
            user_id=user_id, amount_sats=amount_sats, rail=destination.rail, kind=destination.kind,
            sealed_value=seal_destination(keys, person, destination).sealed_value,
            digest=digest_of_destination(keys, person, destination), reason=reason,
            proposed_at=now,
        )  # fmt: skip
        return propose(kind=REFUND_PAYMENT, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason)


def describe_refund(proposed_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: payee, amount, and where it goes. Raises: RefundMissing."""
    row = _proposed_refund(proposed_id)
    return {
        "user_id": row.user_id, "amount_sats": row.amount_sats, "rail": row.rail, "kind": row.kind,
        "destination_digest": row.digest,
    }  # fmt: skip


def refund_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Request the refund; runs when a second person approves it. Raises: as `request_refund`, ProposalFactsChanged."""
    row = _proposed_refund(proposal.subject_id)
    require_as_proposed(proposal, describe_refund(proposal.subject_id))
    person = member_ref(row.user_id)
    keys = keys_of([person])
    sealed = SealedDestination(row.rail, row.kind, person, bytes(row.sealed_value))
    destination = opened_with(keys, sealed)
    if digest_of_destination(keys, person, destination) != row.digest:
        raise ProposalFactsChanged(proposal_id=str(proposal.pk))
    request_refund(
        user_id=row.user_id, amount_sats=row.amount_sats, destination=destination,
        reason=row.reason, requested_by=proposal.proposer.get_username(), actor=actor, now=now,
    )  # fmt: skip


def _facts(row: Cycle) -> dict[str, Any]:
    return {
        "cycle_id": row.pk, "group": row.group_id, "winner": row.winner_user_id, "members": row.members_count,
        "contribution_sats": row.contribution_sats, "pot_msat": owed(pot_of(row.pk)),
    }  # fmt: skip


def _proposed_refund(proposed_id: str) -> ProposedRefund:
    row = ProposedRefund.objects.filter(pk=proposed_id).first()
    if row is None:
        raise RefundMissing(user_id="", refund_id=int(proposed_id))
    return row
