"""Which proposals a person may decide on, what they are about, and the evidence shown with them."""

from collections.abc import Callable, Sequence

from django.db.models import Q, QuerySet

from sunusav.backoffice.sections import Box, Section
from sunusav.core.app_modules import collect
from sunusav.core.approvals import Approvable, approvable
from sunusav.core.models import Proposal, ProposalState, User

Evidence = Callable[[Proposal], tuple[Box, Sequence[Section]]]
_EVIDENCE: dict[str, Evidence] = {}


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
    waiting = Proposal.objects.filter(state=ProposalState.OPEN, kind__in=kinds)
    return waiting.exclude(Q(proposer=user) | Q(approvals__approver=user))


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
