"""Approvals by a second person. Each app lists what can be approved in its `approvables.py`.

Four eyes: the proposer cannot approve, not even as a superuser; the constraint `approval_four_eyes` holds the same
rule. An approval is bound to a digest of the facts that the approver was shown: changed facts need a new proposal.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing
from sunusav.core.models import Approval, Proposal, ProposalState, User
from sunusav.core.sealing import canonical


class ProposalMissing(Missing):
    proposal_id: str


class ProposalAlreadyOpen(Conflict):
    kind: str
    subject_id: str
    proposal_id: str


class ProposalNotOpen(Conflict):
    proposal_id: str
    proposal_state: str


class ApproverIsProposer(Forbidden):
    proposal_id: str


class ApproverDecidedAlready(Conflict):
    proposal_id: str


class NotAllowedToDecide(Forbidden):
    permission: str


class NotTheProposer(Forbidden):
    """Only the proposer may withdraw a proposal."""

    proposal_id: str


class ProposalFactsChanged(Conflict):
    """The facts have changed since the proposal: it can only be proposed again."""

    proposal_id: str


class RejectionNeedsReason(Invalid):
    proposal_id: str


@dataclass(frozen=True)
class Approvable:
    """A kind of decision that needs a second person.

    `describe` returns the facts that are shown and digested; `apply` carries the decision out, in the transaction of
    the last approval.
    """

    kind: str
    propose_permission: str
    approve_permission: str
    describe: Callable[[str], dict[str, Any]]
    apply: Callable[[Proposal, Actor, datetime], None]


def approvable(kind: str) -> Approvable:
    """Return the approvable of that kind, from whichever app lists it."""
    known: list[Approvable] = collect("approvables", "APPROVABLES")
    return next(item for item in known if item.kind == kind)


def digest_of(kind: str, subject_id: str, facts: dict[str, Any]) -> str:
    """Return the digest an approval is bound to."""
    return hashlib.sha256(canonical({"kind": kind, "subject": subject_id, "facts": facts})).hexdigest()


def propose(*, kind: str, subject_id: str, proposer: User, now: datetime, reason: str = "") -> Proposal:
    """Ask for a second person's approval of the subject in its present state.

    An open proposal whose facts have changed can no longer be approved; it is withdrawn and the new one replaces it.
    Raises: NotAllowedToDecide, ProposalAlreadyOpen.
    """
    what = approvable(kind)
    _require_permission(proposer, what.propose_permission)
    facts = what.describe(subject_id)
    proposal = Proposal(
        kind=kind, subject_id=subject_id, facts=facts, digest=digest_of(kind, subject_id, facts),
        proposer=proposer, proposed_at=now, reason=reason,
    )  # fmt: skip
    with transaction.atomic():
        _lapse_stale(proposal, now)
        _insert(proposal)
        _record(proposal, "propose", proposer, now, reason=reason)
    return proposal


def _lapse_stale(proposal: Proposal, now: datetime) -> None:
    of_subject = Proposal.objects.filter(kind=proposal.kind, subject_id=proposal.subject_id)
    stale = (
        of_subject.filter(state=ProposalState.OPEN)
        .exclude(digest=proposal.digest)
        .select_for_update()
        .first()
    )
    if stale is not None:
        _close(stale, ProposalState.WITHDRAWN, now)
        _mark_seen(stale, proposal.proposer, now)
        _record(stale, "lapse", proposal.proposer, now, facts={"cause": "what_it_showed_has_changed"})


def approve(*, proposal_id: int, approver: User, digest: str, now: datetime) -> Proposal:
    """Approve what was shown; the last approval needed carries the decision out.

    `digest` is the one that the approver's page or answer contained.
    Raises: ProposalMissing, ProposalNotOpen, ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged,
    ApproverDecidedAlready; and as the `apply` of that kind.
    """
    with transaction.atomic():
        proposal, what = _decidable(proposal_id, approver)
        facts = what.describe(proposal.subject_id)
        if not proposal.digest == digest == digest_of(proposal.kind, proposal.subject_id, facts):
            raise ProposalFactsChanged(proposal_id=str(proposal.pk))
        _decide(proposal, approver, is_approved=True, reason="", now=now)
        _record(proposal, "approve", approver, now)
        given = proposal.approvals.filter(is_approved=True, digest=proposal.digest).count()
        if given >= proposal.approvals_needed:
            _close(proposal, ProposalState.APPROVED, now)
            what.apply(proposal, Actor.of(approver), now)
    return proposal


def reject(*, proposal_id: int, approver: User, reason: str, now: datetime) -> Proposal:
    """Reject a proposal, with a reason.

    Raises: RejectionNeedsReason, ProposalMissing, ProposalNotOpen, ApproverIsProposer, NotAllowedToDecide,
    ApproverDecidedAlready.
    """
    if not reason.strip():
        raise RejectionNeedsReason(proposal_id=str(proposal_id))
    with transaction.atomic():
        proposal, _ = _decidable(proposal_id, approver)
        _decide(proposal, approver, is_approved=False, reason=reason, now=now)
        _close(proposal, ProposalState.REJECTED, now)
        _record(proposal, "reject", approver, now, reason=reason)
    return proposal


def withdraw(*, proposal_id: int, proposer: User, now: datetime) -> Proposal:
    """Withdraw one's own proposal. Raises: ProposalMissing, ProposalNotOpen, NotTheProposer."""
    with transaction.atomic():
        proposal = _locked(proposal_id)
        if proposal.proposer_id != proposer.pk:
            raise NotTheProposer(proposal_id=str(proposal_id))
        _close(proposal, ProposalState.WITHDRAWN, now)
        _mark_seen(proposal, proposer, now)
        _record(proposal, "withdraw", proposer, now)
    return proposal


def record_outcome_seen(*, proposal_id: int, reader: User, now: datetime) -> None:
    """Record that the proposer has read what was decided; for anyone else, or before it is decided, do nothing."""
    proposal = Proposal.objects.filter(pk=proposal_id).exclude(state=ProposalState.OPEN).first()
    if proposal is not None:
        _mark_seen(proposal, reader, now)


def require_as_proposed(proposal: Proposal, facts: dict[str, Any]) -> None:
    """Refuse facts that differ from those approved. `apply` calls this while it holds the subject's lock.

    `approve` reads the facts before that lock is taken, so an edit may commit in between. Raises: ProposalFactsChanged.
    """
    if digest_of(proposal.kind, proposal.subject_id, facts) != proposal.digest:
        raise ProposalFactsChanged(proposal_id=str(proposal.pk))


def open_proposal(kind: str, subject_id: str) -> Proposal | None:
    """Return the open proposal about this subject, if there is one."""
    return Proposal.objects.filter(kind=kind, subject_id=subject_id, state=ProposalState.OPEN).first()


def open_subjects(kind: str) -> list[str]:
    """Return the subjects that an open proposal of this kind is about."""
    open_ones = Proposal.objects.filter(kind=kind, open_subject__isnull=False)
    return list(open_ones.values_list("subject_id", flat=True))


def _insert(proposal: Proposal) -> None:
    try:
        with transaction.atomic():
            proposal.save(force_insert=True)
    except IntegrityError:
        open_one = open_proposal(proposal.kind, proposal.subject_id)
        raise ProposalAlreadyOpen(
            kind=proposal.kind, subject_id=proposal.subject_id,
            proposal_id=str(open_one.pk) if open_one else "",
        ) from None  # fmt: skip


def _decidable(proposal_id: int, approver: User) -> tuple[Proposal, Approvable]:
    proposal = _locked(proposal_id)
    what = approvable(proposal.kind)
    if proposal.proposer_id == approver.pk:
        raise ApproverIsProposer(proposal_id=str(proposal.pk))
    _require_permission(approver, what.approve_permission)
    return proposal, what


def _locked(proposal_id: int) -> Proposal:
    proposal = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalMissing(proposal_id=str(proposal_id))
    if proposal.state != ProposalState.OPEN:
        raise ProposalNotOpen(proposal_id=str(proposal_id), proposal_state=proposal.state)
    return proposal


def _decide(proposal: Proposal, approver: User, *, is_approved: bool, reason: str, now: datetime) -> None:
    try:
        with transaction.atomic():
            Approval.objects.create(
                proposal=proposal, proposer_id=proposal.proposer_id, approver=approver,
                digest=proposal.digest, is_approved=is_approved, reason=reason, decided_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ApproverDecidedAlready(proposal_id=str(proposal.pk)) from None


def _close(proposal: Proposal, state: str, now: datetime) -> None:
    Proposal.objects.filter(pk=proposal.pk, state=ProposalState.OPEN).update(state=state, decided_at=now)
    proposal.state, proposal.decided_at = state, now


def _mark_seen(proposal: Proposal, reader: User, now: datetime) -> None:
    own = Proposal.objects.filter(pk=proposal.pk, proposer=reader, outcome_seen_at=None)
    own.update(outcome_seen_at=now)


def _record(
    proposal: Proposal,
    action: str,
    user: User,
    now: datetime,
    *,
    reason: str = "",
    facts: dict[str, str] | None = None,
) -> None:
    trail.record(
        subject=f"{proposal.kind}:{proposal.subject_id}", action=action, actor=Actor.of(user), at=now,
        reason=reason, facts={"proposal": proposal.pk, "digest": proposal.digest, **(facts or {})},
    )  # fmt: skip


def _require_permission(user: User, permission: str) -> None:
    if not user.has_perm(permission):
        raise NotAllowedToDecide(permission=permission)
