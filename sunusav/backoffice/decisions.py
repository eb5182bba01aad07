"""Which proposals a person may decide on, what they are about, and the evidence shown with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from sunusav.backoffice.evidence import Evidence
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import name_of_subject
from sunusav.core import clock
from sunusav.core.app_modules import collect
from sunusav.core.approvals import (
    Approvable,
    approvable,
    involves_nobody,
    refusal_of_involved,
    required_for,
    staleness_of,
)
from sunusav.core.bands import Versions
from sunusav.core.models import Proposal, ProposalState, User
from sunusav.core.standing import roles_of

ReadEvidence = Callable[[Proposal], Evidence]
_EVIDENCE: dict[str, ReadEvidence] = {}
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


def evidence_for(kind: str) -> Callable[[ReadEvidence], ReadEvidence]:
    """Register what an approver reads with proposals of a kind."""

    def register(read: ReadEvidence) -> ReadEvidence:
        _EVIDENCE[kind] = read
        return read

    return register


def kinds_with_evidence() -> set[str]:
    """Return the kinds of proposals whose evidence is registered."""
    return set(_EVIDENCE)


def evidence_of(proposal: Proposal) -> Evidence | None:
    """Return the facts that a decision on a proposal is made on; None once it is decided, or is void."""
    read = _EVIDENCE.get(proposal.kind)
    if read is None or proposal.state != ProposalState.OPEN or staleness_of(proposal) is not None:
        return None
    return read(proposal)


def waiting_for(user: User) -> QuerySet[Proposal]:
    """Return the open proposals this person may decide on: not their own, and not decided by them already."""
    items: list[Approvable] = collect("approvables", "APPROVABLES")
    kinds = [item.kind for item in items if user.has_perm(item.approve_permission)]
    # Open proposals, and only they, have an open subject: the index of the constraint finds them among all.
    waiting = Proposal.objects.filter(state=ProposalState.OPEN, kind__in=kinds, open_subject__isnull=False)
    waiting = waiting.exclude(Q(proposer=user) | Q(approvals__approver=user))
    ruled = [item.kind for item in items if item.require_uninvolved is not involves_nobody]
    kept = [row.pk for row in waiting.filter(kind__in=ruled) if refusal_of_involved(row, user) is not None]
    return waiting.exclude(pk__in=[*kept, *_left_to_other_roles(user, waiting)])


def _left_to_other_roles(user: User, waiting: QuerySet[Proposal]) -> list[int]:
    """Return the proposals that rules in force leave to people of a role that this person does not have."""
    versions = Versions.read()
    if not any(band.role for band in versions.rows):
        return []
    now, roles = clock.now(), roles_of(user)
    return [row.pk for row in waiting if required_for(row, now=now, versions=versions).roles - roles]


def decided_proposals_of(user: User, *, now: datetime) -> list[OwnProposal]:
    """Return a person's own proposals that wait, and those decided lately whose outcome they have not seen yet.

    Open ones first, then the newest decision first. A fixed number of queries, each by an index: none joins the two
    with an OR.
    """
    rows = user.proposals.prefetch_related("approvals__approver")
    waiting = rows.filter(decided_at=None).order_by("pk")
    decided = rows.filter(decided_at__gte=now - OUTCOMES_SHOWN_FOR, outcome_seen_at=None)
    newest_first = decided.order_by("-decided_at", "-pk")
    return [*(OwnProposal(row) for row in waiting), *(_decided(row) for row in newest_first)]


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
    if proposal.state != ProposalState.OPEN or proposal.proposer_id == user.pk:
        return False
    if refusal_of_involved(proposal, user) is not None:
        return False
    return user.has_perm(approve_permission(proposal)) and not _has_decided(user, proposal)


def why_not_decide(user: User, proposal: Proposal) -> str:
    """Return why an open proposal keeps this person from deciding on it; an empty string if it does not."""
    refusal = refusal_of_involved(proposal, user) if proposal.state == ProposalState.OPEN else None
    return show_refusal(refusal).text if refusal else ""


def _has_decided(user: User, proposal: Proposal) -> bool:
    return any(approval.approver_id == user.pk for approval in proposal.approvals.all())


def may_approve(user: User, proposal: Proposal) -> bool:
    """Return whether to offer to approve: not what is void, because what it is about has changed."""
    return may_decide(user, proposal) and staleness_of(proposal) is None


def may_propose_again(user: User, proposal: Proposal) -> bool:
    """Return whether a void proposal can be proposed again as things are now, also by another person."""
    if proposal.state != ProposalState.OPEN or refusal_of_involved(proposal, user) is not None:
        return False
    stale = staleness_of(proposal)
    return stale is not None and stale.refusal is None


def propose_permission(proposal: Proposal | None) -> str:
    """Return the permission to propose what a proposal is about; without one, the permission to see proposals."""
    return approvable(proposal.kind).propose_permission if proposal else "core.view_proposal"


def may_withdraw(user: User, proposal: Proposal) -> bool:
    """Return whether a proposal is this person's own and still open."""
    return proposal.state == ProposalState.OPEN and proposal.proposer_id == user.pk


def subject_name(proposal: Proposal) -> str:
    """Return the name of what a proposal is about: the identifier of its row and, for payments, their subject."""
    subject = proposal.facts.get("subject", "")
    key = numbered(proposal.subject_id) if proposal.subject_id.isdecimal() else proposal.subject_id
    return f"{key} {name_of_subject(subject)}" if subject else key
