"""Approvals by a second person. Each app lists what can be approved in its `approvables.py`.

Four eyes: the proposer cannot approve, not even as a superuser; the constraint `approval_four_eyes` holds the same
rule. An approval is bound to a digest of the facts that the approver was shown: changed facts need a new proposal.
How many people approve, and in which role, is in `bands`; which approvals count is in `standing`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.bands import (
    AmountOf,
    Facts,
    Requirement,
    Versions,
    bands_in_force,
    no_amount,
    requirement,
    strictest,
)
from sunusav.core.errors import Conflict, DomainError, Forbidden, Invalid, Missing
from sunusav.core.models import Approval, ApprovalBand, Proposal, ProposalState, User
from sunusav.core.money import Money
from sunusav.core.sealing import canonical
from sunusav.core.standing import Progress, missing_role, progress


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


class RoleNeededToDecide(Forbidden):
    """A rule in force leaves decisions of this kind to people of a role."""

    role: str


class NotTheProposer(Forbidden):
    """Only the proposer may withdraw a proposal."""

    proposal_id: str


class ProposalFactsChanged(Conflict):
    """The facts have changed since the proposal: it can only be proposed again."""

    proposal_id: str


class RejectionNeedsReason(Invalid):
    proposal_id: str


def one_approval(facts: Facts) -> int:
    return 1


def involves_nobody(proposal: Proposal, person: User) -> None:
    """Keep nobody who has the right from proposing or deciding."""


@dataclass(frozen=True)
class Approvable:
    """A kind of decision that needs a second person, or more.

    `describe` returns the facts that are shown and digested; `apply` carries the decision out, in the transaction of
    the last approval. `amount_of` reads from the facts the amount that bands compare; `least_approvals` reads how
    many approvals these facts need whatever the bands say. `require_uninvolved` refuses people who may
    neither propose nor decide, because it is about them.
    """

    kind: str
    propose_permission: str
    approve_permission: str
    describe: Callable[[str], dict[str, Any]]
    apply: Callable[[Proposal, Actor, datetime], None]
    amount_of: AmountOf = no_amount
    least_approvals: Callable[[Facts], int] = one_approval
    require_uninvolved: Callable[[Proposal, User], None] = involves_nobody


def approvable(kind: str) -> Approvable:
    """Return the approvable of that kind, from whichever app lists it."""
    known: list[Approvable] = collect("approvables", "APPROVABLES")
    return next(item for item in known if item.kind == kind)


def amount_proposed(proposal: Proposal) -> Money | None:
    """Return the amount that a proposal is about, as it was proposed; None for kinds without money."""
    return approvable(proposal.kind).amount_of(proposal.facts)


def digest_of(kind: str, subject_id: str, facts: dict[str, Any]) -> str:
    """Return the digest an approval is bound to."""
    return hashlib.sha256(canonical({"kind": kind, "subject": subject_id, "facts": facts})).hexdigest()


def propose(*, kind: str, subject_id: str, proposer: User, now: datetime, reason: str = "") -> Proposal:
    """Ask for a second person's approval of the subject in its present state.

    An open proposal whose facts have changed can no longer be approved; it is withdrawn and the new one replaces it.
    Raises: NotAllowedToDecide, ProposalAlreadyOpen; and as the `require_uninvolved` of that kind.
    """
    what = approvable(kind)
    _require_permission(proposer, what.propose_permission)
    facts = what.describe(subject_id)
    needed = required(what, facts, bands_in_force(now))
    proposal = Proposal(
        kind=kind, subject_id=subject_id, facts=facts, digest=digest_of(kind, subject_id, facts),
        proposer=proposer, proposed_at=now, reason=reason, approvals_needed=needed.approvals_needed,
        band=needed.band,
    )  # fmt: skip
    what.require_uninvolved(proposal, proposer)
    with transaction.atomic():
        _lapse_stale(proposal, now)
        _insert(proposal)
        _record(proposal, "propose", proposer, now, reason=reason)
    return proposal


def required(what: Approvable, facts: Facts, bands: Iterable[ApprovalBand]) -> Requirement:
    """Return what these bands ask for, and these facts by themselves."""
    found = requirement(what.kind, what.amount_of(facts), bands)
    return replace(found, approvals_needed=max(found.approvals_needed, what.least_approvals(facts)))


def required_for(proposal: Proposal, *, now: datetime, versions: Versions | None = None) -> Requirement:
    """Return what an open proposal needs: the stricter of the bands when it was proposed and of those in force now.

    A band that was lowered since does not make an open proposal easier; one that was raised applies at once.
    """
    what, all_versions = approvable(proposal.kind), versions or Versions.read()
    moments = (proposal.proposed_at, now)
    both = strictest([required(what, proposal.facts, all_versions.in_force(at)) for at in moments])
    return replace(both, approvals_needed=max(both.approvals_needed, proposal.approvals_needed))


def progress_of(proposal: Proposal, *, now: datetime) -> Progress:
    """Return how many approvals an open proposal needs, and which of those given count."""
    permission = approvable(proposal.kind).approve_permission
    return progress(proposal, permission, required_for(proposal, now=now))


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

    `digest` is the one that the approver's page or answer contained. Approvals of people who have left the role since
    are not counted: the proposal stays open until enough others have approved.
    Raises: ProposalMissing, ProposalNotOpen, ApproverIsProposer, NotAllowedToDecide, RoleNeededToDecide,
    ProposalFactsChanged, ApproverDecidedAlready; and as the `require_uninvolved` and the `apply` of that kind.
    """
    with transaction.atomic():
        proposal, what = _decidable(proposal_id, approver, now)
        facts = what.describe(proposal.subject_id)
        if not proposal.digest == digest == digest_of(proposal.kind, proposal.subject_id, facts):
            raise ProposalFactsChanged(proposal_id=str(proposal.pk))
        _decide(proposal, approver, is_approved=True, reason="", now=now)
        count = progress_of(proposal, now=now)
        _record(proposal, "approve", approver, now, facts=_count_facts(count))
        if count.is_complete:
            _close(proposal, ProposalState.APPROVED, now)
            what.apply(proposal, Actor.approving(approver, proposal_id=proposal.pk), now)
    return proposal


def reject(*, proposal_id: int, approver: User, reason: str, now: datetime) -> Proposal:
    """Reject a proposal, with a reason.

    Raises: RejectionNeedsReason, ProposalMissing, ProposalNotOpen, ApproverIsProposer, NotAllowedToDecide,
    RoleNeededToDecide, ApproverDecidedAlready; and as the `require_uninvolved` of that kind.
    """
    if not reason.strip():
        raise RejectionNeedsReason(proposal_id=str(proposal_id))
    with transaction.atomic():
        proposal, _ = _decidable(proposal_id, approver, now)
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


@dataclass(frozen=True)
class Staleness:
    """Why a proposal is void: the facts of now beside those proposed, or why there can be none any more."""

    facts_now: dict[str, Any]
    refusal: DomainError | None = None


def staleness_of(proposal: Proposal) -> Staleness | None:
    """Return why an open proposal can no longer be approved; None while its facts are as proposed."""
    try:
        facts = approvable(proposal.kind).describe(proposal.subject_id)
    except DomainError as refusal:
        return Staleness({}, refusal)
    # As stored: tuples and other values of Python come back from JSON as lists and text.
    stored = json.loads(canonical(facts))
    return (
        Staleness(stored) if digest_of(proposal.kind, proposal.subject_id, facts) != proposal.digest else None
    )


def refusal_of_involved(proposal: Proposal, person: User) -> DomainError | None:
    """Return why this person may neither propose this nor decide on it whatever their rights; None if they may."""
    try:
        approvable(proposal.kind).require_uninvolved(proposal, person)
    except DomainError as refusal:
        return refusal
    return None


def open_proposal(kind: str, subject_id: str) -> Proposal | None:
    """Return the open proposal about this subject, if there is one."""
    return Proposal.objects.filter(kind=kind, subject_id=subject_id, state=ProposalState.OPEN).first()


def open_proposals(kinds: Iterable[str], subject_id: str) -> list[Proposal]:
    """Return the open proposals of these kinds about this subject, in one statement."""
    return list(Proposal.objects.filter(kind__in=kinds, subject_id=subject_id, state=ProposalState.OPEN))


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


def _decidable(proposal_id: int, approver: User, now: datetime) -> tuple[Proposal, Approvable]:
    proposal = _locked(proposal_id)
    what = approvable(proposal.kind)
    if proposal.proposer_id == approver.pk:
        raise ApproverIsProposer(proposal_id=str(proposal.pk))
    # Read anew: the caller's object keeps the rights that it had when the request began.
    person = User.objects.get(pk=approver.pk)
    _require_permission(person, what.approve_permission)
    if role := missing_role(person, required_for(proposal, now=now).roles):
        raise RoleNeededToDecide(role=role)
    what.require_uninvolved(proposal, person)
    return proposal, what


def _count_facts(count: Progress) -> dict[str, Any]:
    """Return what the trail keeps of an approval where one is not enough, or another no longer counts."""
    facts: dict[str, Any] = {}
    if count.needed > 1:
        facts = {"approvals_given": count.given, "approvals_needed": count.needed}
    if count.not_counting:
        facts["not_counted"] = [row.approver.get_username() for row in count.not_counting]
    return facts


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
    facts: dict[str, Any] | None = None,
) -> None:
    trail.record(
        subject=f"{proposal.kind}:{proposal.subject_id}", action=action, actor=Actor.of(user), at=now,
        reason=reason, facts={"proposal": proposal.pk, "digest": proposal.digest, **(facts or {})},
    )  # fmt: skip


def _require_permission(user: User, permission: str) -> None:
    if not user.has_perm(permission):
        raise NotAllowedToDecide(permission=permission)
