"""Decide on the proposal of a settlement that a caller was shown."""

from datetime import datetime

from partners.settlements.errors import SettlementApprovalDiffers
from partners.settlements.queries import SETTLEMENT, settlement_row
from partners.settlements.services.payments import Approved
from sunusav.core import approvals
from sunusav.core.models import Proposal, User


def approve_shown(*, settlement_id: int, seen: Approved, approver: User, now: datetime) -> Proposal:
    """Approve the proposal of a settlement. Raises: SettlementMissing, SettlementApprovalDiffers; as `approve`."""
    _require_of(settlement_id, seen)
    return approvals.approve(proposal_id=seen.proposal_id, approver=approver, digest=seen.digest, now=now)


def reject_shown(
    *, settlement_id: int, seen: Approved, approver: User, reason: str, now: datetime
) -> Proposal:
    """Reject the proposal of a settlement. Raises: SettlementMissing, SettlementApprovalDiffers; as `reject`."""
    _require_of(settlement_id, seen)
    return approvals.reject(proposal_id=seen.proposal_id, approver=approver, reason=reason, now=now)


def _require_of(settlement_id: int, seen: Approved) -> None:
    """Refuse a proposal that is not about this settlement, or has another digest."""
    row = settlement_row(str(settlement_id))
    about = Proposal.objects.filter(kind=SETTLEMENT, subject_id=str(row.pk), pk=seen.proposal_id)
    if not about.filter(digest=seen.digest).exists():
        raise SettlementApprovalDiffers(settlement_id=str(row.pk), proposal_id=str(seen.proposal_id))
