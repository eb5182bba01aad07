"""Who acted: a user, or a named part of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sunusav.core.models import User


@dataclass(frozen=True)
class Actor:
    """The author of a change, as the trail keeps it."""

    user_id: int | None
    label: str

    @classmethod
    def of(cls, user: User) -> Actor:
        return cls(user_id=user.pk, label=user.get_username())

    @classmethod
    def system(cls, name: str) -> Actor:
        return cls(user_id=None, label=f"system:{name}")
