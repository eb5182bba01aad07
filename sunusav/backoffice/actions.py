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
from sunusav.backoffice.sections import Section, Table, link_to
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.models import User
from sunusav.core.phrasing import labelled

MAX_ROWS = 100


@dataclass(frozen=True)
class Decision:
    """What a person confirmed for one row.

    `seen` is the digest that the confirmation page showed, if there is one; `is_alone` tells a row from a selection.
    """

    row: Any
    name: str
    user: User
    seen: str
    form_data: dict[str, Any]
    now: datetime
    is_alone: bool = True

    @property
    def actor(self) -> Actor:
        return Actor.of(self.user)

    @property
    def reason(self) -> str:
        return str(self.form_data.get("reason", ""))


def always_offered(user: User, row: Any) -> bool:
    return True


def confirmed_with_others(row: Any) -> bool:
    return False


def no_reason(user: User, row: Any) -> str:
    return ""


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
    the action is allowed. `why_not` says why a row is left out of a selection, where there is more to say than that it
    does not accept the action. `seen` returns the digest that the confirmation shows and posts back. `done_now` says
    what became of it where that is known only afterwards, in place of `done`. `prefilled` names the fields of the form
    that a link may fill in. `form_for` returns the form where it depends on the row. An action that
    `is_about_one_row` is not in the list's menu; its `run` may return a `Download` or a `Page`. Rows that are
    `is_confirmed_alone` are left out of a selection of several. After a refusal of a single row its form keeps what was
    typed. `is_listed` is what the menu of a list asks of each row, where `is_offered` reads more than the row.
    `proposes` is the kind of the proposals that it makes about the row: no button while one waits for a decision.
    """

    slug: str
    label: Any
    question: Any
    done: Any
    run: Callable[[Decision], Any]
    permission: str | Callable[[Any], str]
    form: type[ConfirmForm] = ConfirmForm
    is_offered: Callable[[User, Any], bool] = always_offered
    why_not: Callable[[User, Any], str] = no_reason
    is_listed: Callable[[User, Any], bool] | None = None
    seen: Callable[[Any], str] = no_digest
    done_now: Callable[[Decision], Any] | None = None
    tone: str = "default"
    prefilled: Sequence[str] = ()
    form_for: Callable[[Any], type[ConfirmForm]] | None = None
    is_about_one_row: bool = False
    proposes: str = ""
    is_confirmed_alone: Callable[[Any], bool] = confirmed_with_others

    @property
    def most_rows(self) -> int:
        return 1 if self.is_about_one_row else MAX_ROWS

    def form_of(self, row: Any) -> type[ConfirmForm]:
        return self.form_for(row) if self.form_for else self.form

    def permission_on(self, row: Any) -> str:
        return self.permission if isinstance(self.permission, str) else self.permission(row)

    def is_permitted(self, user: User, row: Any) -> bool:
        return user.has_perm(self.permission_on(row))


@dataclass(frozen=True)
class Card:
    """One row on the confirmation page."""

    key: str
    title: str
    facts: Sequence[tuple[str, Any]]
    seen: str = ""
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class Button:
    """A link to an action's confirmation page."""

    label: Any
    url: str
    tone: str


@dataclass(frozen=True)
class RowResult:
    """What became of one row of a confirmed action: done, or refused and why."""

    row: Any
    name: str
    text: Any
    is_done: bool

    @property
    def line(self) -> str:
        return labelled(self.name, self.text)


@dataclass(frozen=True)
class ActionResult:
    """What became of each row of a confirmed action, and what the action shows instead of that."""

    rows: list[RowResult] = field(default_factory=list)
    shown: list[Download | Page] = field(default_factory=list)

    @property
    def done(self) -> list[str]:
        return [one.line for one in self.rows if one.is_done]

    @property
    def refused(self) -> list[str]:
        return [one.line for one in self.rows if not one.is_done]

    def add(self, decision: Decision, text: Any, *, is_done: bool) -> None:
        self.rows.append(RowResult(decision.row, decision.name, text, is_done))


def run_action(
    action: Action, decisions: Sequence[Decision], *, is_permitted: Callable[[Any], bool]
) -> ActionResult:
    """Make one service call per row that the person may do this to; the refusal of one does not affect the others."""
    result = ActionResult()
    for decision in decisions:
        if is_permitted(decision.row):
            _run_one(action, decision, result)
        else:
            result.add(decision, NOT_PERMITTED, is_done=False)
    return result


def _run_one(action: Action, decision: Decision, result: ActionResult) -> None:
    if not decision.is_alone and action.is_confirmed_alone(decision.row):
        result.add(decision, CONFIRMED_ALONE, is_done=False)
        return
    try:
        returned = action.run(decision)
    except DomainError as refusal:
        result.add(decision, show_refusal(refusal).text, is_done=False)
    else:
        if isinstance(returned, Download | Page):
            result.shown.append(returned)
        done = action.done_now(decision) if action.done_now else action.done
        result.add(decision, done, is_done=True)


def page_of_result(action: Action, result: ActionResult) -> Page:
    """Return the page that says what became of each of several rows, with a link to each."""
    count = {"done": len(result.done), "all": len(result.rows)}
    table = Table(
        title=action.label,
        heads=(_("row"), _("result"), _("what happened, or why not")),
        rows=[
            (link_to(one.row, one.name), _("done") if one.is_done else _("refused"), one.text)
            for one in result.rows
        ],
    )
    return Page(_("Result"), gettext("Done: %(done)s of %(all)s.") % count, (table,))


def show_result(request: HttpRequest, result: ActionResult) -> None:
    """Show what was done and what was refused on the person's next page."""
    for line in result.done:
        messages.success(request, line)
    for line in result.refused:
        messages.error(request, line)


NONE_ACCEPTS = _("None of the chosen rows accepts this.")
NOT_PERMITTED = _("your role does not allow it")
NOT_ACCEPTED = _("this cannot be done with it now")
CONFIRMED_ALONE = _("it is out of the ordinary, and is confirmed on its own")
NOTHING_CHOSEN = _("Nothing was chosen.")
ONE_AT_A_TIME = _("Choose one row: each is confirmed on its own.")
TOO_MANY_CHOSEN = _("Choose at most %(limit)s rows at a time.")
