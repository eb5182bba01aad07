"""Pages in the menu that are no list of a model. Apps name them in `NAVIGATION_PAGES` of `backoffice.py`."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from sunusav.core.app_modules import collect


@dataclass(frozen=True)
class NavigationPage:
    """A page listed in the menu below an app's lists, for people with the permission."""

    app_label: str
    permission: str
    label: Any
    url_name: str


def pages_in_menu(request: HttpRequest, app_label: str) -> list[dict[str, Any]]:
    """Return an app's pages as Django's menu describes a model's list."""
    pages: list[NavigationPage] = collect("backoffice", "NAVIGATION_PAGES")
    return [
        {
            "name": page.label,
            "object_name": page.url_name.rpartition("_")[2],
            "admin_url": reverse(page.url_name),
            "add_url": None,
            "view_only": True,
        }
        for page in pages
        if page.app_label == app_label and request.user.has_perm(page.permission)
    ]
