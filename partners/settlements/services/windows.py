"""Close the windows of partners: each is proposed once, and again after it was rejected."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from fees.accrual_queries import closable_before, last_record
from partners.enums import SETTLEMENT_TRANSITIONS, SettlementState, SettlementStatus
from partners.models import ApprovedSettlement, Settlement
from partners.settlements.errors import (
    SettlementMissing,
    SettlementNotRepeatable,
    SettlementPartnerUnknown,
    WindowNotEnded,
    WindowOutOfOrder,
)
from partners.settlements.queries import (
    SETTLEMENT,
    account_in_use,
    approval_of,
    closing_of,
    last_settlement,
    next_window,
    registered_account,
    settlement_facts,
    settlement_row,
    subject_of,
)
from partners.settlements.types import Closing, Window
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, User
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers import queries as directory

# Windows are closed one after the other.
WINDOWS_LOCK: Final = "settlement_windows"


@retried_on_deadlock
def close_window(
    *, partner: str, proposer: User, now: datetime, starting_at: datetime | None = None
) -> Settlement:
    """Close a partner's next window and propose its settlement to a second person; one of 0 francs is completed.

    `starting_at`: the window that the caller means. Raises: SettlementPartnerUnknown, NothingAccrued, WindowOutOfOrder,
    WindowNotEnded, NotAllowedToDecide.
    """
    if directory.partner(partner) is None:
        raise SettlementPartnerUnknown(partner=partner)
    with transaction.atomic():
        lock(WINDOWS_LOCK)
        last = last_settlement(partner)
        window = next_window(partner, last)
        _require_closable(partner, window, starting_at=starting_at, now=now)
        through_id = max(last_record(), last.through_record_id if last else 0)
        closing = closing_of(partner, window, last, through_id=through_id)
        row = _stored(partner, window, last, closing, through_id=through_id, now=now)
        _record_closed(row, actor=Actor.of(proposer), now=now)
        if row.due_xof:
            approvals.propose(kind=SETTLEMENT, subject_id=str(row.pk), proposer=proposer, now=now)
    return row


def _require_closable(partner: str, window: Window, *, starting_at: datetime | None, now: datetime) -> None:
    if starting_at is not None and starting_at != window.start:
        raise WindowOutOfOrder(partner=partner, period_start=starting_at, next_start=window.start)
    if window.end > closable_before(now):
        closable_at = window.end + (now - closable_before(now))
        raise WindowNotEnded(partner=partner, period_start=window.start, closable_at=closable_at)


def _stored(
    partner: str, window: Window, last: Settlement | None, closing: Closing, *, through_id: int, now: datetime
) -> Settlement:
    is_settled = closing.due_xof == 0
    return Settlement.objects.create(
        partner=partner, sequence=window.sequence, previous=last, period_start=window.start,
        period_end=window.end, after_record_id=last.through_record_id if last else 0, through_record_id=through_id,
        records=closing.accrued.records, accrued_sats=closing.accrued.amount_sats, accrued_xof=closing.accrued_xof,
        carried_msat=closing.carried.amount_msat, carried_xof=closing.carried.amount_xof,
        due_xof=closing.due_xof, settled_msat=closing.settled_msat, residue_msat=closing.residue_msat,
        residue_xof=closing.residue_xof, closed_at=now,
        state=SettlementState.SETTLED if is_settled else SettlementState.CLOSED,
        completed_at=now if is_settled else None,
    )  # fmt: skip


def _record_closed(row: Settlement, *, actor: Actor, now: datetime) -> None:
    facts = {
        "partner_name": row.partner, "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(), "accrued_sats": row.accrued_sats, "due_xof": row.due_xof,
    }  # fmt: skip
    trail.record(
        subject=subject_of(row.pk),
        action="close_window",
        to_state=row.state,
        actor=actor,
        at=now,
        facts=facts,
    )


def propose_again(*, settlement_id: int, proposer: User, reason: str, now: datetime) -> Proposal:
    """Propose a settlement again that was rejected, or whose account has changed since it was approved.

    What accrued in its window stays as it was. Raises: SettlementMissing, SettlementNotRepeatable;
    and as `approvals.propose`.
    """
    with transaction.atomic():
        row = locked(settlement_id)
        facts = settlement_facts([row])[0]
        if facts.status != SettlementStatus.REJECTED and not _is_void(row, facts.status):
            raise SettlementNotRepeatable(settlement_id=str(row.pk), settlement_status=facts.status)
        if row.state != SettlementState.CLOSED:
            move(
                row, SettlementState.CLOSED, allowed=SETTLEMENT_TRANSITIONS, subject=subject_of(row.pk),
                action="void_approval", actor=Actor.of(proposer), at=now, reason=reason,
            )  # fmt: skip
        return approvals.propose(
            kind=SETTLEMENT, subject_id=str(row.pk), proposer=proposer, now=now, reason=reason
        )


def _is_void(row: Settlement, status: str) -> bool:
    """Return whether an approval no longer allows a payment: another account is registered."""
    approval = approval_of(row)
    return (
        status == SettlementStatus.APPROVED
        and approval is not None
        and approval.account != account_in_use(row.partner)
    )


def describe_settlement(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the window, what it comes to, and where it goes. Raises: SettlementMissing."""
    row = settlement_row(subject_id)
    found = account_in_use(row.partner)
    account = registered_account(found) if found else None
    return {
        "partner_name": row.partner, "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(), "fee_records": row.records, "accrued_sats": row.accrued_sats,
        "accrued_exactly": format(row.accrued_xof, "f"), "carried_exactly": format(row.carried_xof, "f"),
        "due_xof": row.due_xof, "left_over_exactly": format(row.residue_xof, "f"), "taken_msat": row.settled_msat,
        "settlement_account": account.id if account else None, "rail": account.rail if account else "",
        "account_masked": account.masked_value if account else "", "holder": account.holder if account else "",
        "account_digest": account.digest if account else "",
    }  # fmt: skip


def approve_settlement(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Approve a settlement; called when a second person approves its proposal.

    Raises: SettlementMissing, ProposalFactsChanged, TransitionNotAllowed.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    row = locked(int(proposal.subject_id))
    approvals.require_as_proposed(proposal, describe_settlement(proposal.subject_id))
    ApprovedSettlement.objects.create(
        settlement=row, account=account_in_use(row.partner), approved_at=now, proposal=proposal,
        proposer_id=proposal.proposer_id, approver_id=actor.user_id,
    )  # fmt: skip
    move(
        row, SettlementState.APPROVED, allowed=SETTLEMENT_TRANSITIONS, subject=subject_of(row.pk), action="approved",
        actor=actor, at=now, facts={"due_xof": row.due_xof, "proposal": proposal.pk},
    )  # fmt: skip


def locked(settlement_id: int) -> Settlement:
    """Return the row under its lock. Raises: SettlementMissing."""
    row = Settlement.objects.select_for_update().filter(pk=settlement_id).first()
    if row is None:
        raise SettlementMissing(settlement_id=str(settlement_id))
    return row
