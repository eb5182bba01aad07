"""The menu of the back office, by task. Apps list their entries in `NAVIGATION` of their `backoffice.py`.

An entry is the list of a model or a page of its own; within an area they stand by rank. People see the entries that
they may open; an area without any is left out. Every registered model has one entry.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from sunusav.core.app_modules import collect


class Area(Enum):
    """The headings of the menu, in their order."""

    TO_DO = _("To do")
    PAYMENTS = _("Turns and payments")
    CONTRIBUTIONS = _("Contributions")
    FEES = _("Fee schedules")
    LIMITS = _("Limits")
    RATES = _("Rates")
    BOOKS = _("Accounting")
    PARTNERS = _("Partners")
    CONTROL = _("Control")
    TECHNICAL = _("Technical")

    @property
    def slug(self) -> str:
        return self.name.lower().replace("_", "-")

    def url(self) -> str:
        """Return the address of the page with the area's charts and lists."""
        return reverse("admin:area", args=[self.slug])


@dataclass(frozen=True)
class ListEntry:
    """The list of a model (`payouts.cycle`), for people who may open it."""

    area: Area
    model: str
    icon: str
    rank: int = 100

    def url(self) -> str:
        return _address(f"admin:{self.model.replace('.', '_')}_changelist")

    def title(self) -> str:
        return str(capfirst(str(apps.get_model(self.model)._meta.verbose_name_plural)))

    def is_open_to(self, request: HttpRequest, site: Any) -> bool:
        model_admin = site.get_model_admin(apps.get_model(self.model))
        return bool(model_admin.has_view_or_change_permission(request))


@dataclass(frozen=True)
class PageEntry:
    """A page that is no list of a model, for people with the permission; none: for everybody in the back office."""

    area: Area
    url_name: str
    label: Any
    icon: str
    permission: str = ""
    rank: int = 100

    def url(self) -> str:
        return _address(self.url_name)

    def title(self) -> str:
        return str(self.label)

    def is_open_to(self, request: HttpRequest, site: Any) -> bool:
        return not self.permission or request.user.has_perm(self.permission)


Entry = ListEntry | PageEntry


@cache
def _address(url_name: str) -> str:
    """Return the address of a page of the menu, which every page asks for: it is found once per process."""
    return reverse(url_name)


def entries() -> list[Entry]:
    """Return the entries of all apps, by rank."""
    found: list[Entry] = collect("backoffice", "NAVIGATION")
    return sorted(found, key=lambda entry: entry.rank)


def area_of(model: str) -> Area | None:
    """Return the area under which a model's list stands (`payouts.cycle`), or None."""
    return next(
        (entry.area for entry in entries() if isinstance(entry, ListEntry) and entry.model == model), None
    )


def menu_of(request: HttpRequest, site: Any) -> list[dict[str, Any]]:
    """Return the menu as unfold's templates read it: the entry of this page is marked, its area is unfolded."""
    open_entries = [entry for entry in entries() if entry.is_open_to(request, site)]
    here = _entry_of(request.path, open_entries)
    groups = (
        (area, [_item(entry, entry is here) for entry in open_entries if entry.area is area]) for area in Area
    )
    return [
        {
            "title": area.value, "items": items, "collapsible": area is not Area.TO_DO,
            "is_here": request.path == area.url() or (here is not None and here.area is area),
        }
        for area, items in groups
        if items
    ]  # fmt: skip


def _item(entry: Entry, is_here: bool) -> dict[str, Any]:  # noqa: FBT001  (a fact that is shown)
    return {
        "title": entry.title(), "link": entry.url(), "icon": entry.icon, "active": is_here, "has_permission": True,
    }  # fmt: skip


def _entry_of(path: str, open_entries: list[Entry]) -> Entry | None:
    """Return the entry whose address is the longest that this path begins with: the first page's for itself alone."""
    home = _address("admin:index")
    if path == home:
        return next((entry for entry in open_entries if entry.url() == home), None)
    matching = [entry for entry in open_entries if path.startswith(entry.url()) and entry.url() != home]
    return max(matching, key=lambda entry: len(entry.url()), default=None)


def language_url(request: HttpRequest) -> str:
    """Return where unfold's menu of languages posts to; settings name this, because they cannot reverse URLs."""
    return reverse("admin:language")
