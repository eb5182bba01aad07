"""Actions with a confirmation.

An action opens a page that shows each row and changes nothing. Posting that page makes one service call per row and
reports each refusal with its code and next step. A second post of the same page is refused by the service like any
call that comes too late.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.forms import ConfirmForm
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.sections import Section
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.models import User

MAX_ROWS = 100


@dataclass(frozen=True)
class Decision:
    """What a person confirmed for one row. `seen` is the digest that the confirmation page showed, if there is one."""

    row: Any
    name: str
    user: User
    seen: str
    form_data: dict[str, Any]
    now: datetime

    @property
    def actor(self) -> Actor:
        return Actor.of(self.user)

    @property
    def reason(self) -> str:
        return str(self.form_data.get("reason", ""))


def always_offered(user: User, row: Any) -> bool:
    return True


def no_digest(row: Any) -> str:
    return ""


@dataclass(frozen=True)
class Download:
    """A file that an action returns instead of a message."""

    file_name: str
    content_type: str
    content: str

    def response(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Return it as an attachment. Pages of the admin are kept by no cache."""
        response = HttpResponse(self.content, content_type=self.content_type)
        response.headers["Content-Disposition"] = content_disposition_header(
            as_attachment=True, filename=self.file_name
        )
        return response


@dataclass(frozen=True)
class Page:
    """What an action shows once, instead of a message: messages are stored until they are shown."""

    title: Any
    about: Any
    sections: Sequence[Section] = field(repr=False)

    def response(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Return it as a page of the admin, whose own context is given."""
        own = {"title": self.title, "about": self.about, "sections": self.sections}
        return TemplateResponse(request, "admin/backoffice/page.html", {**context, **own})


@dataclass(frozen=True)
class Action:
    """Something a person may do to rows after confirming it.

    `permission` may depend on the row. `is_offered` only decides whether there is a button: the service decides whether
    the action is allowed. `seen` returns the digest that the confirmation shows and posts back. `done_now` says what
    became of it where that is known only afterwards, in place of `done`. `prefilled` names the fields of the form that
    a link may fill in. `form_for` returns the form where it depends on the row. An action that
    `is_about_one_row` is not in the list's menu, and after a refusal its form keeps what was typed; its `run`
    may return a `Download` or a `Page`.
    """

    slug: str
    label: Any
    question: Any
    done: Any
    run: Callable[[Decision], Any]
    permission: str | Callable[[Any], str]
    form: type[ConfirmForm] = ConfirmForm
    is_offered: Callable[[User, Any], bool] = always_offered
    seen: Callable[[Any], str] = no_digest
    done_now: Callable[[Decision], Any] | None = None
    tone: str = "default"
    prefilled: Sequence[str] = ()
    form_for: Callable[[Any], type[ConfirmForm]] | None = None
    is_about_one_row: bool = False

    @property
    def most_rows(self) -> int:
        return 1 if self.is_about_one_row else MAX_ROWS

    def form_of(self, row: Any) -> type[ConfirmForm]:
        return self.form_for(row) if self.form_for else self.form

    def is_permitted(self, user: User, row: Any) -> bool:
        needed = self.permission if isinstance(self.permission, str) else self.permission(row)
        return user.has_perm(needed)


@dataclass(frozen=True)
class Card:
    """One row on the confirmation page."""

    key: str
    title: str
    facts: Sequence[tuple[str, Any]]
    seen: str = ""


@dataclass(frozen=True)
class Button:
    """A link to an action's confirmation page."""

    label: Any
    url: str
    tone: str


@dataclass(frozen=True)
class ActionResult:
    """One line per row of a confirmed action, and what the action shows instead of them."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    shown: list[Download | Page] = field(default_factory=list)


def run_action(action: Action, decisions: Sequence[Decision]) -> ActionResult:
    """Make one service call per row; the refusal of one row does not affect the others."""
    result = ActionResult()
    for decision in decisions:
        _run_one(action, decision, result)
    return result


def _run_one(action: Action, decision: Decision, result: ActionResult) -> None:
    try:
        returned = action.run(decision)
    except DomainError as refusal:
        result.refused.append(_line(decision.name, show_refusal(refusal).text))
    else:
        if isinstance(returned, Download | Page):
            result.shown.append(returned)
        done = action.done_now(decision) if action.done_now else action.done
        result.done.append(_line(decision.name, done))


def _line(name: str, text: Any) -> str:
    return gettext("%(name)s: %(text)s") % {"name": name, "text": text}


def show_result(request: HttpRequest, result: ActionResult) -> None:
    """Show what was done and what was refused on the person's next page."""
    for line in result.done:
        messages.success(request, line)
    for line in result.refused:
        messages.error(request, line)


NOTHING_CHOSEN = _("Nothing was chosen.")
ONE_AT_A_TIME = _("Choose one row: each is confirmed on its own.")
TOO_MANY_CHOSEN = _("Choose at most %(limit)s rows at a time.")
