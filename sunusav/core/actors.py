"""Who acted: a user, or a named part of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sunusav.core.models import User


@dataclass(frozen=True)
class Actor:
    """The author of a change, as the trail keeps it.

    `proposal_id` is the proposal that a person carries out by approving it: the reason is its proposer's, and stands
    on the line of the trail that proposed it.
    """

    user_id: int | None
    label: str
    proposal_id: int | None = None

    @classmethod
    def of(cls, user: User) -> Actor:
        return cls(user_id=user.pk, label=user.get_username())

    @classmethod
    def approving(cls, user: User, *, proposal_id: int) -> Actor:
        """Return a person whose approval carries out what another one proposed."""
        return cls(user_id=user.pk, label=user.get_username(), proposal_id=proposal_id)

    @classmethod
    def system(cls, name: str) -> Actor:
        return cls(user_id=None, label=f"system:{name}")
