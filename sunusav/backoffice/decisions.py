"""Which proposals a person may decide, and what proposals are about, in words."""

from collections.abc import Callable, Sequence

from django.db.models import Q, QuerySet

from sunusav.backoffice.sections import Box, Section, page_of_subject
from sunusav.core.app_modules import collect
from sunusav.core.approvals import Approvable
from sunusav.core.models import Proposal, ProposalState, User

Evidence = Callable[[Proposal], tuple[Box, Sequence[Section]]]
_EVIDENCE: dict[str, Evidence] = {}


def evidence_for(kind: str) -> Callable[[Evidence], Evidence]:
    """Register what an approver reads beside proposals of a kind: what follows from them, and what there is to know."""

    def register(read: Evidence) -> Evidence:
        _EVIDENCE[kind] = read
        return read

    return register


def evidence_of(proposal: Proposal) -> tuple[Box | None, Sequence[Section]]:
    """Return what follows if an open proposal is approved, and what there is to know of its subject."""
    if proposal.state != ProposalState.OPEN or proposal.kind not in _EVIDENCE:
        return None, ()
    return _EVIDENCE[proposal.kind](proposal)


def approvables() -> dict[str, Approvable]:
    """Return what can be approved, by kind."""
    return {item.kind: item for item in collect("approvables", "APPROVABLES")}


def waiting_for(user: User) -> QuerySet[Proposal]:
    """Return the open proposals this person may decide: not their own, and not yet decided by them."""
    kinds = [kind for kind, item in approvables().items() if user.has_perm(item.approve_permission)]
    waiting = Proposal.objects.filter(state=ProposalState.OPEN, kind__in=kinds)
    return waiting.exclude(Q(proposer=user) | Q(approvals__approver=user))


def approve_permission(proposal: Proposal | None) -> str:
    """Return what deciding on a proposal takes; without one, what looking at proposals takes."""
    return approvables()[proposal.kind].approve_permission if proposal else "core.view_proposal"


def may_decide(user: User, proposal: Proposal) -> bool:
    """Tell whether to offer a person the decision. The service judges; this spares useless buttons."""
    return proposal.state == ProposalState.OPEN and proposal.proposer_id != user.pk


def may_withdraw(user: User, proposal: Proposal) -> bool:
    """Tell whether a proposal is this person's own and still open."""
    return proposal.state == ProposalState.OPEN and proposal.proposer_id == user.pk


def subject_page(proposal: Proposal) -> str:
    """Return the address of what a proposal is about, or nothing."""
    return page_of_subject(proposal.kind, proposal.subject_id)


def subject_name(proposal: Proposal) -> str:
    """Return what a proposal is about: the payment it names, or the identifier of its row."""
    subject = proposal.facts.get("subject", "")
    key = f"#{proposal.subject_id}" if proposal.subject_id.isdecimal() else proposal.subject_id
    return f"{key} {subject}" if subject else key
