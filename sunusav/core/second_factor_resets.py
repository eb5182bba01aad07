"""Reset the second factor of a person who lost it: two other people decide it.

The person's devices and recovery codes are deleted and their sessions end. They set up another authenticator when they
log in the next time.
"""

from datetime import datetime
from typing import Any

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.approvals import propose, require_as_proposed
from sunusav.core.errors import Conflict, Forbidden, Missing
from sunusav.core.models import Proposal, SecondFactorReset, User
from sunusav.core.second_factor import authenticator_of, forget_second_factor
from sunusav.core.staff_sessions import delete_sessions

SECOND_FACTOR_RESET = "second_factor_reset"


class PersonMissing(Missing):
    user_pk: str


class NoSecondFactor(Conflict):
    """The person has no authenticator that could be reset."""

    login: str


class OwnSecondFactorReset(Forbidden):
    """Nobody proposes, approves or rejects the reset of their own second factor."""

    login: str


def propose_reset(*, user_pk: int, reason: str, proposer: User, now: datetime) -> Proposal:
    """Propose to a second person that a third one's second factor is reset.

    Raises: PersonMissing, NoSecondFactor, OwnSecondFactorReset, and as `approvals.propose`.
    """
    return propose(
        kind=SECOND_FACTOR_RESET, subject_id=str(user_pk), proposer=proposer, now=now, reason=reason
    )


def describe_reset(subject_id: str) -> dict[str, Any]:
    """Return the facts that an approval is bound to. Raises: PersonMissing, NoSecondFactor.

    Recovery codes are not among them: by using one, the person or a thief would void the proposal.
    """
    user = User.objects.filter(pk=int(subject_id) if subject_id.isdecimal() else 0).first()
    if user is None:
        raise PersonMissing(user_pk=subject_id)
    device = authenticator_of(user)
    if device is None:
        raise NoSecondFactor(login=user.get_username())
    return {
        "login": user.get_username(),
        "full_name": user.get_full_name(),
        "roles": sorted(user.groups.values_list("name", flat=True)),
        "is_superuser": user.is_superuser,
        "enrolled_at": device.created_at.isoformat() if device.created_at else "",
    }


def require_another_person(proposal: Proposal, person: User) -> None:
    """Keep the person whose second factor would be reset out of it. Raises: OwnSecondFactorReset."""
    if int(proposal.subject_id) == person.pk:
        raise OwnSecondFactorReset(login=person.get_username())


def reset_second_factor(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Delete a person's second factor and end their sessions; runs when a second person approves it.

    Raises: PersonMissing, NoSecondFactor, OwnSecondFactorReset, ProposalFactsChanged.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    user = User.objects.select_for_update().filter(pk=int(proposal.subject_id)).first()
    if user is None:
        raise PersonMissing(user_pk=proposal.subject_id)
    _require_third_person(user, proposal)
    require_as_proposed(proposal, describe_reset(proposal.subject_id))
    forget_second_factor(user)
    delete_sessions(user)
    SecondFactorReset.objects.create(
        user=user,
        proposal=proposal,
        proposer_id=proposal.proposer_id,
        approver_id=actor.user_id,
        reset_at=now,
    )
    trail.record(
        subject=f"user:{user.get_username()}", action="reset_second_factor", actor=actor, at=now,
        facts={"proposal": proposal.pk},
    )  # fmt: skip


def _require_third_person(user: User, proposal: Proposal) -> None:
    approvers = proposal.approvals.values_list("approver_id", flat=True)
    if user.pk in {proposal.proposer_id, *approvers}:
        raise OwnSecondFactorReset(login=user.get_username())
