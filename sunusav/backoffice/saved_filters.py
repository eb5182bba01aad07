"""Filters of a list that a person saves under a name, sees above that list, and deletes.

What is stored is read again by the list's own rules before it becomes a link: only parameters that filter this list, so
that it leads nowhere else and shows no more than the list would. A search term is never stored.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from sunusav.core import clock
from sunusav.core.models import SavedFilter, User

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object

LONGEST_NAME, LONGEST_QUERY = 60, 1000
MOST_PER_LIST = 20
SAVED = _("The filter is saved under the name %(name)s.")
NOTHING_TO_SAVE = _("Filter the list first, and give the filter a name of at most 60 characters.")
TOO_MANY = _("You have 20 filters for this list. Delete one first.")
DELETED = _("The filter is deleted.")


@dataclass(frozen=True)
class FilterLink:
    """A saved filter of the list that is shown: its name, where it leads, and where it is deleted."""

    name: str
    url: str
    delete_url: str
    is_shown: bool


@dataclass(frozen=True)
class FilterBar:
    """What is above a list: a person's filters, and the present one, if it can be saved."""

    links: list[FilterLink]
    save_url: str
    query: str


class SavedFilters(ModelAdmin):
    """The part of a list's admin that saves, shows and deletes a person's filters of it."""

    def filter_urls(self) -> list[URLPattern]:
        """Return the URLs that save and delete a filter, for POST alone."""
        save, delete = (
            self.admin_site.admin_view(require_POST(view)) for view in (self.save_filter, self.delete_filter)
        )
        return [
            path("filters/", save, name=self._page("save_filter")),
            path("filters/<int:pk>/delete/", delete, name=self._page("delete_filter")),
        ]

    def filter_bar(self, request: HttpRequest) -> FilterBar:
        """Return the filters of this list that a person saved, by name, and the one that is in the URL now."""
        now = self._allowed(request, request.GET)
        saved = self._own(request).order_by("name")[:MOST_PER_LIST]
        links = [self._link(request, row, now=now) for row in saved]
        return FilterBar(links, reverse(f"admin:{self._page('save_filter')}"), now)

    def save_filter(self, request: HttpRequest) -> HttpResponse:
        """Save the posted filter, in place of one of the same name, and show the list as it filters it."""
        own = self._own(request)
        name = " ".join(request.POST.get("name", "").split())
        query = self._allowed(request, QueryDict(request.POST.get("query", "")))
        if not query or len(query) > LONGEST_QUERY or not _is_name(name):
            messages.warning(request, str(NOTHING_TO_SAVE))
            return redirect(self._list())
        if not own.filter(name=name).exists() and own.count() >= MOST_PER_LIST:
            messages.warning(request, str(TOO_MANY))
        else:
            kept = {"person": request.user, "list_name": self.opts.label_lower, "name": name}
            own.update_or_create(**kept, defaults={"query": query, "saved_at": clock.now()})
            messages.success(request, str(SAVED % {"name": name}))
        return redirect(f"{self._list()}?{query}")

    def delete_filter(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete a filter of this person and list; one of somebody else is left alone."""
        if self._own(request).filter(pk=pk).delete()[0]:
            messages.success(request, str(DELETED))
        return redirect(self._list())

    def _own(self, request: HttpRequest) -> Any:
        """Return what this person saved of this list. Raises: PermissionDenied for who may not see the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return SavedFilter.objects.filter(person=cast(User, request.user), list_name=self.opts.label_lower)

    def _allowed(self, request: HttpRequest, given: QueryDict) -> str:
        """Return the parameters of a query that filter or order this list, without all others."""
        kept = QueryDict(mutable=True)
        for name in sorted(given):
            values = [str(value) for value in given.getlist(name) if value]
            if values and self._is_allowed(request, name, values[-1]):
                kept.setlist(name, values)
        return kept.urlencode() if set(kept) - {ORDER_VAR} else ""

    def _is_allowed(self, request: HttpRequest, name: str, value: str) -> bool:
        if name == ORDER_VAR:
            return all(part.removeprefix("-").isdecimal() for part in value.split("."))
        return self.lookup_allowed(name, value, request)

    def _link(self, request: HttpRequest, row: SavedFilter, *, now: str) -> FilterLink:
        query = self._allowed(request, QueryDict(row.query))
        url = f"{self._list()}?{query}" if query else self._list()
        delete = reverse(f"admin:{self._page('delete_filter')}", args=[row.pk])
        return FilterLink(row.name, url, delete, is_shown=bool(query) and query == now)

    def _list(self) -> str:
        return reverse(f"admin:{self._page('changelist')}")

    def _page(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()
