"""Which proposals a person may decide on, what they are about, and the evidence shown with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from sunusav.backoffice.sections import Box, Section
from sunusav.core import clock
from sunusav.core.app_modules import collect
from sunusav.core.approvals import Approvable, approvable, required_for
from sunusav.core.bands import Versions
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.standing import roles_of

Evidence = Callable[[Proposal], tuple[Box, Sequence[Section]]]
_EVIDENCE: dict[str, Evidence] = {}
# For how long a person's home page shows what was decided on their proposals, if they do not read it before.
OUTCOMES_SHOWN_FOR: Final = timedelta(days=7)


@dataclass(frozen=True)
class OwnProposal:
    """A proposal as its proposer follows it: its state, and once it is decided by whom and for what reason.

    `reason` is that of a rejection; `decided_by` is empty while it is open and when it lapsed.
    """

    proposal: Proposal
    decided_by: str = ""
    reason: str = ""


def evidence_for(kind: str) -> Callable[[Evidence], Evidence]:
    """Register what an approver reads with proposals of a kind: the consequences and the evidence."""

    def register(read: Evidence) -> Evidence:
        _EVIDENCE[kind] = read
        return read

    return register


def evidence_of(proposal: Proposal) -> tuple[Box | None, Sequence[Section]]:
    """Return the consequences of approving an open proposal, and the evidence about its subject."""
    if proposal.state != ProposalState.OPEN or proposal.kind not in _EVIDENCE:
        return None, ()
    return _EVIDENCE[proposal.kind](proposal)


def waiting_for(user: User) -> QuerySet[Proposal]:
    """Return the open proposals this person may decide on: not their own, and not decided by them already."""
    items: list[Approvable] = collect("approvables", "APPROVABLES")
    kinds = [item.kind for item in items if user.has_perm(item.approve_permission)]
    # Open proposals, and only they, have an open subject: the index of the constraint finds them among all.
    waiting = Proposal.objects.filter(state=ProposalState.OPEN, kind__in=kinds, open_subject__isnull=False)
    waiting = waiting.exclude(Q(proposer=user) | Q(approvals__approver=user))
    return waiting.exclude(pk__in=_left_to_other_roles(user, waiting))


def _left_to_other_roles(user: User, waiting: QuerySet[Proposal]) -> list[int]:
    """Return the proposals that rules in force leave to people of a role that this person does not have."""
    versions = Versions.read()
    if not any(band.role for band in versions.rows):
        return []
    now, roles = clock.now(), roles_of(user)
    return [row.pk for row in waiting if required_for(row, now=now, versions=versions).roles - roles]


def decided_proposals_of(user: User, *, now: datetime) -> list[OwnProposal]:
    """Return a person's own proposals that wait, and those decided lately whose outcome they have not seen yet.

    Open ones first, then the newest decision first. Two queries, whatever their number.
    """
    lately = Q(decided_at__gte=now - OUTCOMES_SHOWN_FOR, outcome_seen_at=None)
    rows = user.proposals.filter(Q(state=ProposalState.OPEN) | lately)
    found = rows.prefetch_related("approvals__approver").order_by("decided_at", "pk")
    waiting = [OwnProposal(row) for row in found if row.state == ProposalState.OPEN]
    return waiting + [_decided(row) for row in reversed(found) if row.state != ProposalState.OPEN]


def _decided(proposal: Proposal) -> OwnProposal:
    given = sorted(proposal.approvals.all(), key=lambda approval: approval.pk)
    if not given or proposal.state == ProposalState.WITHDRAWN:
        return OwnProposal(proposal)
    last = given[-1]
    return OwnProposal(proposal, last.approver.get_username(), last.reason)


def approve_permission(proposal: Proposal | None) -> str:
    """Return the permission to decide on a proposal; without a proposal, the permission to see proposals."""
    return approvable(proposal.kind).approve_permission if proposal else "core.view_proposal"


def may_decide(user: User, proposal: Proposal) -> bool:
    """Return whether to show the buttons. The service decides; this only avoids buttons that would be refused."""
    return proposal.state == ProposalState.OPEN and proposal.proposer_id != user.pk


def may_withdraw(user: User, proposal: Proposal) -> bool:
    """Return whether a proposal is this person's own and still open."""
    return proposal.state == ProposalState.OPEN and proposal.proposer_id == user.pk


def subject_name(proposal: Proposal) -> str:
    """Return the name of what a proposal is about: the identifier of its row and, for payments, their subject."""
    subject = proposal.facts.get("subject", "")
    key = f"#{proposal.subject_id}" if proposal.subject_id.isdecimal() else proposal.subject_id
    return f"{key} {subject}" if subject else key
