"""Who may decide on a proposal at present, and which of the approvals given still count.

An approval counts while the person who gave it is active and has the right and every role that is needed. This is
read anew at each approval: an approval given before somebody left the role no longer counts afterwards.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from sunusav.core.bands import Requirement
from sunusav.core.models import Approval, Proposal, User

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Progress:
    """What is needed to approve a proposal, and the approvals that count towards it or no longer do."""

    requirement: Requirement
    counting: tuple[Approval, ...]
    not_counting: tuple[Approval, ...]

    @property
    def needed(self) -> int:
        return self.requirement.approvals_needed

    @property
    def given(self) -> int:
        return len(self.counting)

    @property
    def is_complete(self) -> bool:
        return self.given >= self.needed


def progress(proposal: Proposal, permission: str, requirement: Requirement) -> Progress:
    """Return how far a proposal is; the permission is that to approve its kind."""
    given = proposal.approvals.filter(is_approved=True, digest=proposal.digest).exclude(
        approver_id=proposal.proposer_id
    )
    approvals = list(given.select_related("approver").order_by("pk"))
    able = _who_may_decide(permission, requirement.roles, {row.approver_id for row in approvals})
    return Progress(
        requirement,
        counting=tuple(row for row in approvals if row.approver_id in able),
        not_counting=tuple(row for row in approvals if row.approver_id not in able),
    )


def deciders(permission: str, roles: Collection[str]) -> QuerySet[User]:
    """Return the active people who have the permission and every one of these roles."""
    people = User.objects.with_perm(permission, backend=_BACKEND).distinct()
    for role in sorted(roles):
        people = people.filter(groups__name=role)
    return people


def missing_role(user: User, roles: Collection[str]) -> str:
    """Return a role that is needed and that this person does not have, or an empty string."""
    return min(set(roles) - roles_of(user), default="") if roles else ""


def roles_of(user: User) -> set[str]:
    """Return the roles that a person has at present."""
    return set(user.groups.values_list("name", flat=True))


def _who_may_decide(permission: str, roles: Collection[str], among: Collection[int]) -> set[int]:
    return set(deciders(permission, roles).filter(pk__in=among).values_list("pk", flat=True))
