"""Rules about approvals, set as in production."""

from datetime import datetime
from itertools import count

from sunusav.core import approvals
from sunusav.core.band_services import BandValue, propose_band
from sunusav.core.models import ApprovalBand, Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user

_numbers = count(1)


def first_band() -> ApprovalBand:
    """Return the band that came with the system."""
    return ApprovalBand.objects.get(proposal=None)


def proposed_band(value: BandValue, *, now: datetime, proposer: User | None = None) -> Proposal:
    proposer = proposer or make_user(Role.FINANCE, username=f"bands-proposer-{next(_numbers)}")
    return propose_band(value=value, reason="larger amounts", proposer=proposer, now=now)


def adopt_band(proposal: Proposal, *, now: datetime) -> ApprovalBand:
    """Approve a proposed band, by as many people as it takes."""
    for _ in range(proposal.approvals_needed):
        person = make_user(Role.APPROVER, username=f"bands-approver-{next(_numbers)}")
        approvals.approve(proposal_id=proposal.pk, approver=person, digest=proposal.digest, now=now)
    return ApprovalBand.objects.get(proposal=proposal)


def set_band(value: BandValue, *, now: datetime) -> ApprovalBand:
    """Put a band in force, with enough people who can approve by it."""
    for _ in range(value.approvals_needed):
        make_user(Role.APPROVER, username=f"bands-approver-{next(_numbers)}")
    return adopt_band(proposed_band(value, now=now), now=now)
