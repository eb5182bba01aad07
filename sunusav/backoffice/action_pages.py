"""The part of an admin that offers actions, asks before it runs one, and shows what became of it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import IntegerField, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from sunusav.backoffice import columns, next_steps
from sunusav.backoffice.actions import (
    CONFIRMED_ALONE,
    MAX_ROWS,
    NONE_ACCEPTS,
    NOT_ACCEPTED,
    NOT_PERMITTED,
    NOTHING_CHOSEN,
    ONE_AT_A_TIME,
    TOO_MANY_CHOSEN,
    Action,
    Button,
    Card,
    Decision,
    page_of_result,
    run_action,
    show_result,
)
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.forbidden import PermissionMissing
from sunusav.backoffice.forms import ConfirmForm
from sunusav.backoffice.reveals import reveal_buttons
from sunusav.core import clock, phrasing
from sunusav.core.approvals import open_proposals, staleness_of
from sunusav.core.models import User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object

# Any number of 18 digits fits a BIGINT; one of 19 may overflow it.
MAX_DIGITS = 18


class ActionPages(ModelAdmin):
    """Offers the actions of an admin on a row and on a selection, and confirms them.

    `actions_offered` are buttons on a row's page and entries of the list's menu; `card_fields` are what a
    confirmation shows of a row.
    """

    actions_offered: Sequence[Action] = ()
    card_fields: Sequence[columns.Column] = ()

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach related data that the columns of these rows need, with one query for all rows."""

    def _url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the actions that some row on the page accepts from this person; choosing one opens its confirmation.

        Before the rows are read, offer all that the person may do to some row.
        """
        rows: Sequence[Any] | None = getattr(request, "rows_shown", None)
        offered = [
            action
            for action in self.actions_offered
            if not action.is_about_one_row
            and self._may(request, action, None)
            and (rows is None or any(self._lists(request, action, row) for row in rows))
        ]
        return {action.slug: (_opener(action), action.slug, action.label) for action in offered}

    def _lists(self, request: HttpRequest, action: Action, row: Any) -> bool:
        is_listed = action.is_listed or action.is_offered
        return self._may(request, action, row) and is_listed(person_of(request), row)

    def _accepts(self, request: HttpRequest, action: Action, row: Any) -> bool:
        return self._may(request, action, row) and action.is_offered(person_of(request), row)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Open an action for the rows that were selected on the page: never for all rows of a list."""
        posted = request.POST.copy()
        posted["select_across"] = "0"
        request.POST = posted  # type: ignore[assignment]
        return super().response_action(request, self.get_queryset(request), *args, **kwargs)

    def action_url(self, action: Action, rows: Iterable[Any]) -> str:
        """Return the URL of an action's confirmation for these rows."""
        query = QueryDict(mutable=True)
        query.setlist("pk", [self.key_of(row) for row in rows])
        base = self._url("action", action.slug)
        return f"{base}?{query.urlencode()}" if query else base

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        """Return the actions that are offered on this row to this person."""
        offered, shown = list(self._offered(request, row).values()), self.masked_person(row)
        return [*offered, *reveal_buttons(person_of(request), shown)] if shown else offered

    def masked_person(self, row: Any) -> str:
        """Return the subject of the person of whom this page shows something masked; an empty string for nobody."""
        return ""

    def _offered(self, request: HttpRequest, row: Any) -> dict[str, Button]:
        """Return the buttons of the actions on this row by the slugs of these."""
        waiting = self._waiting(row)
        return {
            action.slug: Button(action.label, self.action_url(action, [row]), action.tone)
            for action in self.actions_offered
            if action.proposes not in waiting and self._accepts(request, action, row)
        }

    def _waiting(self, row: Any) -> set[str]:
        """Return the kinds of the proposals about a row that wait for a decision; void ones do not."""
        kinds = [action.proposes for action in self.actions_offered if action.proposes]
        waiting = open_proposals(kinds, self.proposal_key(row)) if kinds else []
        return {proposal.kind for proposal in waiting if staleness_of(proposal) is None}

    def proposal_key(self, row: Any) -> str:
        """Return what identifies a row in the proposals about it."""
        return str(row.pk)

    def next_step(self, request: HttpRequest, row: Any) -> next_steps.ShownStep | None:
        """Return what comes next for a row, shown above its box."""
        step = next_steps.next_step_of(row, now=clock.now())
        if step is None:
            return None
        needed = [action.permission for action in self.actions_offered if action.slug in step.actions]
        permissions = [one if isinstance(one, str) else one(row) for one in needed]
        return next_steps.shown(
            step, user=person_of(request), buttons=self._offered(request, row), permissions=permissions
        )

    def key_of(self, row: Any) -> str:
        """Return what identifies a row in URLs."""
        return str(row.pk)

    def name_of(self, row: Any) -> str:
        """Return the name of a row in headings and messages. `__str__` is for programmers: it is not translated."""
        key = str(row.pk)
        return phrasing.known_label(key) or (numbered(key) if key.isdecimal() else key)

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        """Return the rows with these keys. Raises: Http404 for malformed keys."""
        if isinstance(self.model._meta.pk, IntegerField) and any(len(key) > MAX_DIGITS for key in keys):
            raise Http404  # the engines differ in what they make of a number that no key can be
        try:
            return list(self.get_queryset(request).filter(pk__in=keys).order_by("pk"))
        except (ValueError, OverflowError) as error:
            raise Http404 from error

    def card(self, action: Action, row: Any) -> Card:
        """Return what the confirmation shows of a row."""
        names = self.card_fields or [name for name in self.list_display if name != "__str__"]
        return Card(self.key_of(row), self.name_of(row), columns.read(row, self, names), action.seen(row))

    def action_view(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the confirmation (GET, which changes nothing), or run the confirmed action (POST)."""
        action = next((action for action in self.actions_offered if action.slug == slug), None)
        if action is None:
            raise Http404
        keys = (request.POST if request.method == "POST" else request.GET).getlist("pk")
        rows = self.rows_for(request, keys[: MAX_ROWS + 1])
        self._require_permission(request, action, rows)
        if not rows or len(keys) > action.most_rows:
            return self._reject_selection(request, action, rows)
        self.prepare(rows)
        if request.method != "POST":
            return self._ask(request, action, rows)
        form = action.form_of(rows[0])(
            request.POST, request.FILES, user=person_of(request), session=request.session
        )
        if form.is_valid():
            return self._run(request, action, rows, form)
        return self._confirmation(request, action, rows, form)

    def _ask(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> HttpResponse:
        """Show the confirmation of those rows of a selection that accept the action, and name the others."""
        left_out = self._left_out(request, action, rows)
        accepted = [row for row in rows if self.key_of(row) not in left_out]
        if not accepted:
            messages.warning(request, " ".join([str(NONE_ACCEPTS), *left_out.values()]))
            return redirect(self.list_url())
        given = {name: request.GET[name] for name in action.prefilled if name in request.GET}
        form = action.form_of(accepted[0])(
            None, user=person_of(request), session=request.session, initial=given
        )
        return self._confirmation(request, action, accepted, form, left_out=list(left_out.values()))

    def _left_out(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> dict[str, str]:
        """Return, by their keys, the rows of a selection of several that do not accept the action, and why."""
        if len(rows) == 1:
            return {}
        found = {self.key_of(row): self._why_left_out(request, action, row) for row in rows}
        names = {self.key_of(row): self.name_of(row) for row in rows}
        return {key: f"{phrasing.labelled(names[key], why)}." for key, why in found.items() if why}

    def _why_left_out(self, request: HttpRequest, action: Action, row: Any) -> Any:
        if not self._may(request, action, row):
            return NOT_PERMITTED
        if not action.is_offered(person_of(request), row):
            return action.why_not(person_of(request), row) or NOT_ACCEPTED
        return CONFIRMED_ALONE if action.is_confirmed_alone(row) else ""

    def _may(self, request: HttpRequest, action: Action, row: Any) -> bool:
        return self.has_view_permission(request, row) and action.is_permitted(person_of(request), row)

    def _require_permission(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> None:
        """Refuse a person who may do this to none of the rows; the result names those that they may not."""
        if not any(self._may(request, action, row) for row in rows or [None]):
            raise PermissionMissing([action.permission_on(row) for row in rows or [None]])

    def _reject_selection(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> HttpResponse:
        too_many = ONE_AT_A_TIME if action.is_about_one_row else TOO_MANY_CHOSEN % {"limit": MAX_ROWS}
        messages.warning(request, too_many if rows else NOTHING_CHOSEN)
        return redirect(self.list_url())

    def _confirmation(
        self,
        request: HttpRequest,
        action: Action,
        rows: Sequence[Any],
        form: Any,
        *,
        left_out: Sequence[str] = (),
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "action": action,
            "cards": [self.card(action, row) for row in rows],
            "left_out": left_out,
            "form": form,
            "back": self.url_after_action(rows),
        }
        return TemplateResponse(request, "admin/backoffice/confirm.html", context)

    def _run(
        self, request: HttpRequest, action: Action, rows: Sequence[Any], form: ConfirmForm
    ) -> HttpResponse:
        user, now = person_of(request), clock.now()
        decisions = [
            Decision(
                row, self.name_of(row), user, request.POST.get(f"seen-{self.key_of(row)}", ""),
                form.cleaned_data, now, is_alone=len(rows) == 1,
            )
            for row in rows
        ]  # fmt: skip
        result = run_action(action, decisions, is_permitted=lambda row: self._may(request, action, row))
        if result.refused and len(rows) == 1 and form.keeps_input:
            show_result(request, result)
            form.forget_code()
            return self._confirmation(request, action, rows, form)
        shown = [page_of_result(action, result)] if len(rows) > 1 else result.shown
        if shown:
            context = {**self.admin_site.each_context(request), "opts": self.opts}
            return shown[0].response(request, context)
        show_result(request, result)
        return redirect(self.url_after_action(rows))

    def url_after_action(self, rows: Sequence[Any]) -> str:
        """Return the page shown after an action: the row's, or the list."""
        if len(rows) != 1:
            return self.list_url()
        return self._url("change", rows[0].pk)

    def list_url(self) -> str:
        return self._url("changelist")


def _opener(action: Action) -> Any:
    def open_confirmation(
        model_admin: ActionPages, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse:
        return HttpResponseRedirect(model_admin.action_url(action, queryset[: MAX_ROWS + 1]))

    return open_confirmation


def person_of(request: HttpRequest) -> User:
    """Return the logged-in user. Raises: PermissionDenied for anonymous requests."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user
