"""Erase a member's name and phone: two people decide it, and nothing of theirs is outstanding."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ledger.services import require_owed
from payouts.enums import MEMBER_ERASURE
from payouts.errors import MemberMissing, MemberNotErasable
from payouts.models import Group, Member, MemberErasure
from payouts.queries.outstanding import outstanding
from payouts.queries.people import memberships
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.approvals import propose, require_as_proposed
from sunusav.core.models import Proposal, User
from sunusav.core.privacy import PersonErased, erase, is_erased, lock_person
from transfers.types import credit_of, member_ref


def propose_erasure(*, user_id: str, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose to a second person that a member's name and phone are erased.

    The proposal is about the first membership of the person, so that one is open at most.
    Raises: MemberMissing, PersonErased, MemberNotErasable, and as `approvals.propose`.
    """
    rows = memberships(user_id)
    if not rows:
        raise MemberMissing(user_id=user_id)
    return propose(kind=MEMBER_ERASURE, subject_id=str(rows[0].pk), proposer=proposer, now=now, reason=reason)


def describe_erasure(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to: the person, and the groups they still are in.

    Raises: MemberMissing, PersonErased, MemberNotErasable.
    """
    user_id = person_of(subject_id)
    if is_erased(member_ref(user_id)):
        raise PersonErased(person_ref=member_ref(user_id))
    found = outstanding(user_id)
    if not found.is_nothing:
        raise MemberNotErasable(user_id=user_id, **asdict(found))
    groups = [row.group_id for row in memberships(user_id) if row.left_at is None]
    return {"user_id": user_id, "groups": sorted(groups)}


def person_of(subject_id: str) -> str:
    """Return the person that a proposal is about. Raises: MemberMissing."""
    row = Member.objects.filter(pk=int(subject_id) if subject_id.isdecimal() else 0).first()
    if row is None:
        raise MemberMissing(user_id=subject_id)
    return str(row.user_id)


def erase_member(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Erase the key of a member's name and phone, who leaves all groups; runs when a second person approves it.

    Books, trail and proofs have neither, and do not change. Meanwhile nobody creates a cycle of these groups, gives
    the person another name or phone, or uses their credit.
    Raises: MemberMissing, PersonErased, MemberNotErasable, ProposalFactsChanged.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    user_id = person_of(proposal.subject_id)
    person = member_ref(user_id)
    groups = Group.objects.filter(members__user_id=user_id).values_list("pk", flat=True)
    list(Group.objects.select_for_update().filter(pk__in=list(groups)).order_by("pk"))
    lock_person(person)
    require_owed({credit_of(user_id): 0}, now=now)
    require_as_proposed(proposal, describe_erasure(proposal.subject_id))
    Member.objects.filter(user_id=user_id, left_at=None).update(left_at=now)
    erase(person, now=now)
    MemberErasure.objects.create(
        user_id=user_id, proposal=proposal, proposer_id=proposal.proposer_id, approver_id=actor.user_id,
        erased_at=now,
    )  # fmt: skip
    trail.record(
        subject=person, action="erase", actor=actor, at=now,
        facts={"proposal": proposal.pk},
    )  # fmt: skip
