"""Actions that ask.

An action opens a page that shows each row and changes nothing; what that page posts makes one service call per row,
and each refusal is told by its name with the next step. Sent twice, the second is refused by the service like any
late call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.forms import ConfirmForm
from sunusav.backoffice.refusals import show_refusal
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.models import User


@dataclass(frozen=True)
class Decision:
    """What a person confirmed for one row. `seen` is what the page showed of it (a digest, where one exists)."""

    row: Any
    name: str
    user: User
    seen: str
    given: dict[str, Any]
    now: datetime

    @property
    def actor(self) -> Actor:
        return Actor.of(self.user)

    @property
    def reason(self) -> str:
        return str(self.given.get("reason", ""))


def anywhere(user: User, row: Any) -> bool:
    """Offer an action on every row."""
    return True


def nothing_seen(row: Any) -> str:
    """Bind a confirmation to nothing but the row."""
    return ""


@dataclass(frozen=True)
class Action:
    """Something a person may do to rows after confirming it.

    `permission` may depend on the row. `is_offered` decides about the button only: the service decides about the
    deed. `seen` is posted back as it was shown.
    """

    slug: str
    label: Any
    question: Any
    done: Any
    run: Callable[[Decision], Any]
    permission: str | Callable[[Any], str]
    form: type[ConfirmForm] = ConfirmForm
    is_offered: Callable[[User, Any], bool] = anywhere
    seen: Callable[[Any], str] = nothing_seen
    tone: str = "default"

    def is_permitted(self, user: User, row: Any) -> bool:
        needed = self.permission if isinstance(self.permission, str) else self.permission(row)
        return user.has_perm(needed)


@dataclass(frozen=True)
class Card:
    """One row as the confirmation shows it."""

    key: str
    title: str
    facts: Sequence[tuple[str, Any]]
    seen: str = ""


@dataclass(frozen=True)
class Button:
    """A link to an action's confirmation."""

    label: Any
    url: str
    tone: str


@dataclass(frozen=True)
class Carried:
    """What became of a confirmation."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def carry_out(action: Action, decisions: Sequence[Decision]) -> Carried:
    """Make one service call per row; a refusal of one row leaves the others to themselves."""
    carried = Carried()
    for decision in decisions:
        _carry_out_one(action, decision, carried)
    return carried


def _carry_out_one(action: Action, decision: Decision, carried: Carried) -> None:
    try:
        action.run(decision)
    except DomainError as refusal:
        carried.refused.append(f"{decision.name}: {show_refusal(refusal).text}")
    else:
        carried.done.append(f"{decision.name}: {action.done}")


def report(request: HttpRequest, carried: Carried) -> None:
    """Tell the person what was done and what was refused."""
    for line in carried.done:
        messages.success(request, line)
    for line in carried.refused:
        messages.error(request, line)


NOTHING_CHOSEN = _("Nothing was chosen.")
TOO_MANY_CHOSEN = _("Choose at most %(limit)s rows at a time.")
