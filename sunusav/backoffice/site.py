"""The admin site of SunuSàv."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import set_language
from django_otp import devices_for_user

from sunusav import app_list
from sunusav.backoffice.inbox import notices_for
from sunusav.backoffice.login import BackofficeLoginForm
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.navigation import pages_in_menu
from sunusav.backoffice.search_page import search_page
from sunusav.core import clock
from sunusav.core.app_modules import collect_mapping
from sunusav.core.models import User


class BackofficeSite(AdminSite):
    """Django's admin with a second factor and an inbox on its first page."""

    site_header = "SunuSàv"
    site_title = "SunuSàv"
    index_title = _("Back office")
    site_url = None
    enable_nav_sidebar = True
    empty_value_display = NOTHING
    login_form: type[AuthenticationForm] = BackofficeLoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active staff in, if their session has passed the second factor."""
        return super().has_permission(request) and _is_verified(request.user)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path("language/", set_language, name="language"),
            path("search/", self.admin_view(self.search_view), name="search"),
        ]
        return [*own, *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponse:
        return search_page(request, self.each_context(request))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List the apps in the order of `NAVIGATION`, each with its `NAVIGATION_PAGES` below its models."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"] += pages_in_menu(request, app["app_label"])
        return sorted(apps, key=lambda app: _place(app["app_label"]))

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        user = request.user
        waiting = notices_for(user, now=clock.now()) if isinstance(user, User) else []
        return super().index(request, {"waiting": waiting, **(extra_context or {})})


def _place(app_label: str) -> int:
    """Return an app's place in the menu, from `NAVIGATION` of its `backoffice.py`; apps without one come last."""
    places = collect_mapping("backoffice", "NAVIGATION")
    return int(places.get(app_label, len(app_list.apps())))


def _is_verified(user: Any) -> bool:
    if user.is_verified():
        return True
    return not settings.SECOND_FACTOR_REQUIRED and not any(devices_for_user(user))
