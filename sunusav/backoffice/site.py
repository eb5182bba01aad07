"""The admin site of SunuSàv."""

from functools import partial
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.i18n import set_language
from unfold.sites import UnfoldAdminSite

from sunusav.backoffice.admins import person_of
from sunusav.backoffice.attachments import download_attachment
from sunusav.backoffice.charts import charts_for
from sunusav.backoffice.forbidden import refused_inside_site
from sunusav.backoffice.inbox import inbox_of
from sunusav.backoffice.inbox_shown import show_inbox
from sunusav.backoffice.login import LOCKED
from sunusav.backoffice.login_steps import PasswordStep, code_step, enrol_step
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.navigation import Area, entries, menu_of
from sunusav.backoffice.pause import pause_banner
from sunusav.backoffice.search_page import search_page
from sunusav.backoffice.security import SecurityPages
from sunusav.backoffice.session_limits import follow_rotated
from sunusav.backoffice.throttling import PER_BROWSER
from sunusav.core import clock, trail
from sunusav.core.actors import Actor
from sunusav.core.login_attempts import TooManyAttempts, begin_attempt, forget_attempt
from sunusav.core.models import User
from sunusav.core.second_factor import has_authenticator
from sunusav.core.staff_sessions import delete_sessions


class BackofficeSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold carries no types
    """Unfold's admin with a second factor, a menu by task and an inbox on its first page."""

    index_title = _("Home")
    enable_nav_sidebar = True
    empty_value_display = NOTHING

    def has_permission(self, request: HttpRequest) -> bool:
        """Let active staff in, if their session has passed the second factor."""
        return super().has_permission(request) and _is_verified(request.user)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  (Django's signature)
        """Keep refusals of every page inside the site."""
        return super().admin_view(refused_inside_site(view), cacheable)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path("language/", set_language, name="language"),
            path("search/", self.admin_view(self.search_view), name="search"),
            path("areas/<slug:slug>/", self.admin_view(self.area_view), name="area"),
            path("login/code/", never_cache(partial(code_step, self)), name="login_code"),
            path("login/enrol/", never_cache(partial(enrol_step, self)), name="login_enrol"),
            path("attachments/<int:attachment_id>/", self.admin_view(download_attachment), name="attachment"),
            *SecurityPages(self).urls(),
        ]
        return [*own, *super().get_urls()]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        """Ask for a password, the first step of the login."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request), "title": _("Log in"), "subtitle": None,
            "app_path": request.get_full_path(), "username": request.user.get_username(),
            **(extra_context or {}),
        }  # fmt: skip
        request.current_app = self.name  # as Django's own admin does
        return PasswordStep.as_view(extra_context=context)(request)

    def area_view(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show an area of the menu: its charts and its lists."""
        area = next((area for area in Area if area.slug == slug), None)
        if area is None:
            raise Http404
        open_entries = [
            entry for entry in entries() if entry.area is area and entry.is_open_to(request, self)
        ]
        context = {
            **self.each_context(request),
            "title": area.value,
            "entries": open_entries,
            "charts": charts_for(person_of(request), now=clock.now(), area=area),
        }
        return TemplateResponse(request, "admin/backoffice/area.html", context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Change a person's own password; wrong ones are counted, as at the login."""
        if request.method != "POST":
            return cast(HttpResponse, super().password_change(request, extra_context))
        limits = {f"own password of {person_of(request).pk}": PER_BROWSER}
        try:
            attempt = begin_attempt(limits, now=clock.now())
        except TooManyAttempts:
            messages.error(request, LOCKED)
            return redirect("admin:password_change")
        response = self._change_password(request, extra_context)
        if response.status_code == HTTPStatus.FOUND or "old_password" not in _form_of(response).errors:
            forget_attempt(attempt)
        return response

    def _change_password(self, request: HttpRequest, extra_context: Any) -> HttpResponse:
        """Change the password; the person's other sessions end, as the password that opened them is gone."""
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if response.status_code == HTTPStatus.FOUND:
                user, now = person_of(request), clock.now()
                follow_rotated(request, user, now=now)
                delete_sessions(user, except_session_key=request.session.session_key)
                trail.record(
                    subject=f"user:{user.get_username()}",
                    action="change_password",
                    actor=Actor.of(user),
                    at=now,
                )
        return cast(HttpResponse, response)

    def search_view(self, request: HttpRequest) -> HttpResponse:
        return search_page(request, self.each_context(request))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return menu_of(request, self)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: the menu is by task (`navigation.py`), not by app and table."""
        return []

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:
        """Redirect to the first page: an app is no place where people work."""
        return HttpResponseRedirect(reverse("admin:index"))

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        user, now = person_of(request), clock.now()
        waits = show_inbox(inbox_of(user, now=now), now=now)
        shown = {"inbox": waits, "charts": charts_for(user, now=now), **(extra_context or {})}
        return cast(TemplateResponse, super().index(request, shown))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the banner that every page shows while outgoing money is paused."""
        user = request.user
        paused = None
        if isinstance(user, User) and self.has_permission(request):
            paused = pause_banner(user, now=clock.now())
        return {**super().each_context(request), "pause": paused}


def _form_of(response: HttpResponse) -> Any:
    return cast(TemplateResponse, response).context_data["form"]  # type: ignore[index]  # Django's view sets it


def _is_verified(user: Any) -> bool:
    """Return whether this person's session has passed the second factor; asked once per request."""
    if not hasattr(user, "has_passed_second_factor"):
        user.has_passed_second_factor = getattr(user, "otp_device", None) is not None or (
            not settings.SECOND_FACTOR_REQUIRED and not has_authenticator(user)
        )
    return bool(user.has_passed_second_factor)
