"""Base classes of every app's `admin.py`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.text import capfirst

from sunusav.backoffice import columns, lists
from sunusav.backoffice.action_pages import MAX_DIGITS, ActionPages, person_of
from sunusav.backoffice.actions import (
    Button,
)
from sunusav.backoffice.filters import is_safe, parameters_of
from sunusav.backoffice.list_exports import export_buttons
from sunusav.backoffice.saved_filters import SavedFilters
from sunusav.backoffice.sections import Box, Section

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin, TabularInline

__all__ = ["MAX_DIGITS", "BackofficeAdmin", "ReadOnlyAdmin", "ReadOnlyInline", "person_of"]


class BackofficeAdmin(ActionPages, SavedFilters, ModelAdmin):
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
        found = [lists.found_by(self.get_queryset(request), name, term) for name in wanted]
        cast(Any, request).is_search_cut = any(is_cut for _keys, is_cut in found)
        return queryset.filter(pk__in=[key for keys, _is_cut in found for key in keys]), False

    def _can_equal(self, name: str, term: str) -> bool:
        field = self.model._meta.pk if name == "pk" else self.model._meta.get_field(name.partition("__")[0])
        is_number = isinstance(field, Field) and field.get_internal_type().endswith(
            ("IntegerField", "AutoField")
        )
        return not is_number or (term.isdecimal() and len(term) <= MAX_DIGITS)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return lists.KeysetChangeList

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Let people sort by the columns whose order an index answers."""
        return lists.sortable(self.model, self.get_list_display(request), self._ordering_of)

    def _ordering_of(self, column: columns.Column) -> Any:
        shown = getattr(self, column, column) if isinstance(column, str) else column
        return shown if isinstance(shown, str) else getattr(shown, "admin_order_field", None)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a row, prepared; a page asks for its row twice, and it is read once."""
        asked = (self.model, object_id, from_field)
        if getattr(request, "row_asked", None) == asked:
            return cast(Any, request).row_shown
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.prepare([row])
            cast(Any, request).row_asked, cast(Any, request).row_shown = asked, row
        return row

    # Actions

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_action"
        view = self.admin_site.admin_view(self.action_view)
        return [path("actions/<slug:slug>/", view, name=name), *self.filter_urls(), *super().get_urls()]

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
        return columns.shown_on_page(self.model, [name for name in names if name not in hidden])

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
