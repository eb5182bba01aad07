"""Base classes of every app's `admin.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Field, IntegerField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from sunusav.backoffice import columns, lists, next_steps
from sunusav.backoffice.actions import (
    MAX_ROWS,
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
from sunusav.backoffice.filters import is_safe, parameters_of
from sunusav.backoffice.forms import ConfirmForm
from sunusav.backoffice.list_exports import export_buttons
from sunusav.backoffice.reveals import reveal_buttons
from sunusav.backoffice.saved_filters import SavedFilters
from sunusav.backoffice.sections import Box, Section
from sunusav.core import clock, phrasing
from sunusav.core.models import User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin, TabularInline

# Any number of 18 digits fits a BIGINT; one of 19 may overflow it.
MAX_DIGITS = 18


class BackofficeAdmin(SavedFilters, ModelAdmin):
    """A list and pages that show amounts with units, search for exact terms and confirm actions.

    `actions_offered` are buttons on a row's page and entries of the list's menu; `card_fields` are what a
    confirmation shows of a row; `links` names the fields by which links from other pages filter this list.
    """

    change_form_template = "admin/backoffice/record.html"
    change_list_template = "admin/backoffice/list.html"
    list_fullwidth = True
    list_filter_submit = False
    warn_unsaved_form = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    is_exported = True
    actions = None
    actions_offered: Sequence[Action] = ()
    card_fields: Sequence[columns.Column] = ()
    links: Sequence[str] = ()

    # What is shown

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return columns.shown(self.model, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return columns.filters(self.model, super().get_list_filter(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return columns.shown_beside_inputs(self.model, super().get_readonly_fields(request, obj))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Format read-only fields as in the list."""
        names: Any = super().get_fields(request, obj)
        return [
            columns.shown_beside_inputs(self.model, [name])[0] if name in self.readonly_fields else name
            for name in names
        ]

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        """Return what a person should do about a row, shown above its fields."""
        return None

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        """Return what is shown below a row's fields."""
        return ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow filtering only by what the list offers, so that nobody can guess hidden columns by prefix."""
        offered = [*parameters_of(self.list_filter), *self.links, self.date_hierarchy or "id"]
        return any(lookup == name or is_safe(lookup, name) for name in offered)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find rows where one of `search_fields` equals the term: one query by an index for each, then by key."""
        term = search_term.strip()
        if not term or not self.search_fields:
            return queryset, False
        wanted = [name for name in self.search_fields if self._can_equal(name, term)]
        keys = [key for name in wanted for key in lists.found_by(self.get_queryset(request), name, term)]
        return queryset.filter(pk__in=keys), False

    def _can_equal(self, name: str, term: str) -> bool:
        field = self.model._meta.pk if name == "pk" else self.model._meta.get_field(name.partition("__")[0])
        is_number = isinstance(field, Field) and field.get_internal_type().endswith(
            ("IntegerField", "AutoField")
        )
        return not is_number or (term.isdecimal() and len(term) <= MAX_DIGITS)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach related data that the columns of these rows need, with one query for all rows."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return lists.KeysetChangeList

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Let people sort by the columns whose order an index answers."""
        return lists.sortable(self.model, self.get_list_display(request), self._ordering_of)

    def _ordering_of(self, column: columns.Column) -> Any:
        shown = getattr(self, column, column) if isinstance(column, str) else column
        return shown if isinstance(shown, str) else getattr(shown, "admin_order_field", None)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.prepare([row])
        return row

    # Actions

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_action"
        view = self.admin_site.admin_view(self.action_view)
        return [path("actions/<slug:slug>/", view, name=name), *self.filter_urls(), *super().get_urls()]

    def _url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the actions this person may have on some row; choosing one opens its confirmation."""
        offered = [
            action
            for action in self.actions_offered
            if not action.is_about_one_row and self._may(request, action, None)
        ]
        return {action.slug: (_opener(action), action.slug, action.label) for action in offered}

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
        user = person_of(request)
        return {
            action.slug: Button(action.label, self.action_url(action, [row]), action.tone)
            for action in self.actions_offered
            if self._may(request, action, row) and action.is_offered(user, row)
        }

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
        return phrasing.known_label(key) or (f"#{key}" if key.isdecimal() else key)

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
        given = {name: request.GET[name] for name in action.prefilled if name in request.GET}
        posted = request.POST if request.method == "POST" else None
        form = action.form_of(rows[0])(
            posted, user=person_of(request), session=request.session, initial=given
        )
        if request.method == "POST" and form.is_valid():
            return self._run(request, action, rows, form)
        return self._confirmation(request, action, rows, form)

    def _may(self, request: HttpRequest, action: Action, row: Any) -> bool:
        return self.has_view_permission(request, row) and action.is_permitted(person_of(request), row)

    def _require_permission(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> None:
        """Refuse a person who may do this to none of the rows; the result names those that they may not."""
        if not any(self._may(request, action, row) for row in rows or [None]):
            raise PermissionDenied

    def _reject_selection(self, request: HttpRequest, action: Action, rows: Sequence[Any]) -> HttpResponse:
        too_many = ONE_AT_A_TIME if action.is_about_one_row else TOO_MANY_CHOSEN % {"limit": MAX_ROWS}
        messages.warning(request, too_many if rows else NOTHING_CHOSEN)
        return redirect(self.list_url())

    def _confirmation(
        self, request: HttpRequest, action: Action, rows: Sequence[Any], form: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "action": action,
            "cards": [self.card(action, row) for row in rows],
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
                form.cleaned_data, now,
            )
            for row in rows
        ]  # fmt: skip
        result = run_action(action, decisions, is_permitted=lambda row: self._may(request, action, row))
        if action.is_about_one_row and result.refused:
            form.add_error(None, result.refused[0])
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

    # Pages

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        parts: dict[str, Any] = {}
        if row is not None and self.has_view_or_change_permission(request, row):
            parts = self._parts(request, row)
        return super().change_view(request, object_id, form_url, {**parts, **(extra_context or {})})

    def _parts(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        step, box = self.next_step(request, row), self.box(request, row)
        if step is not None and box is not None and str(step.text) in str(box.text):
            step = replace(step, text="")
        return {
            "title": capfirst(str(self.opts.verbose_name)),
            "subtitle": self.name_of(row),
            "next_step": step,
            "box": box,
            "sections": self.sections(request, row),
            # What comes next has its buttons beside what it says.
            "buttons": [one for one in self.buttons(request, row) if step is None or one not in step.buttons],
        }

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        """Return buttons above the list that are about no particular row."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {
            "buttons": [*self.list_buttons(request), *export_buttons(self, request)],
            "filter_bar": self.filter_bar(request),
            "title": capfirst(str(self.opts.verbose_name_plural)),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Redirect to the row's timeline: Django's own log only knows changes made by forms."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        home = self._url("change", unquote(object_id))
        return HttpResponseRedirect(f"{home}#timeline")


class ReadOnlyAdmin(BackofficeAdmin):
    """A list and a page per row. Nobody adds, changes or deletes here, not even superusers.

    `fields_hidden_when_empty` are stored fields that a page leaves out while they are empty.
    """

    fields_hidden_when_empty: Sequence[str] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        names = cast(Any, self.fields) or columns.stored_fields(self.model)
        hidden = {name for name in self.fields_hidden_when_empty if columns.is_empty(obj, name)}
        return columns.shown(self.model, [name for name in names if name not in hidden])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)


class ReadOnlyInline(TabularInline):
    """Related rows, read-only."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return columns.shown(self.model, cast(Any, self.fields) or columns.stored_fields(self.model))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)


def _opener(action: Action) -> Any:
    def open_confirmation(
        model_admin: BackofficeAdmin, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse:
        return HttpResponseRedirect(model_admin.action_url(action, queryset[: MAX_ROWS + 1]))

    return open_confirmation


def person_of(request: HttpRequest) -> User:
    """Return the logged-in user. Raises: PermissionDenied for anonymous requests."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user
