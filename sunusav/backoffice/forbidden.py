"""What a person sees in the back office who lacks a permission: the site as usual, and which role has it."""

from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from sunusav.core import phrasing
from sunusav.core.models import User
from sunusav.core.roles import roles_with

# What each page of a model needs, by the end of its URL's name.
PERMISSIONS = {"changelist": "view", "change": "view", "history": "view", "add": "add", "delete": "delete"}


class PermissionMissing(PermissionDenied):
    """A person lacks these permissions, which somebody else has."""

    def __init__(self, permissions: Iterable[str]) -> None:
        super().__init__()
        self.permissions = sorted(set(permissions))


def refused_inside_site(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return the view, whose refusals are pages of the site that name the roles which may."""

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except PermissionDenied as denied:
            return _page(request, denied)

    return inside


def _page(request: HttpRequest, denied: PermissionDenied) -> HttpResponse:
    needed = denied.permissions if isinstance(denied, PermissionMissing) else _permissions_of(request)
    user = request.user
    # Who has the permission is refused for another reason: what they wanted to change is closed.
    is_missing = isinstance(user, User) and not user.has_perms(needed)
    roles = [phrasing.code_label(role) for role in roles_with(needed)] if is_missing else []
    context = {**admin.site.each_context(request), "title": _("You may not do this."), "roles": roles}
    return render(request, "admin/backoffice/forbidden.html", context, status=HTTPStatus.FORBIDDEN)


def _permissions_of(request: HttpRequest) -> list[str]:
    """Return what the page of a model needs, from the name of its URL."""
    name = str(request.resolver_match.url_name) if request.resolver_match else ""
    for model in admin.site._registry:  # noqa: SLF001  (there is no public way to list what is registered)
        meta = model._meta
        page = name.removeprefix(f"{meta.app_label}_{meta.model_name}_")
        if page != name and page in PERMISSIONS:
            return [f"{meta.app_label}.{PERMISSIONS[page]}_{meta.model_name}"]
    return []
