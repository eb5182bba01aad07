"""The login in two steps. After the password the session knows who is logging in and lets them in nowhere yet.

The second step is a code or, where one is required and the person has no authenticator, setting one up.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import login as log_in
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from sunusav.backoffice import throttling
from sunusav.backoffice.authenticators import Enrolment, recovery_codes_page
from sunusav.backoffice.fresh_codes import accept_code
from sunusav.backoffice.login import LOCKED, BackofficeLoginForm, FirstCodeForm, OneTimeCodeForm
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.session_limits import start_session
from sunusav.core import clock
from sunusav.core.login_attempts import Attempt, TooManyAttempts, forget_attempt
from sunusav.core.models import User
from sunusav.core.second_factor import (
    AuthenticatorChanged,
    SecondFactorRefused,
    TooManyWrongCodes,
    enrol_authenticator,
    forget_wrong_codes,
    has_authenticator,
    make_recovery_codes,
    use_code,
)
from sunusav.core.wrong_codes import report_wrong_codes

PENDING = "pending_login"
PENDING_SECONDS = 10 * 60
CODES_LOCKED = _(
    "Too many failed attempts. Wait a quarter of an hour, or log in from a browser in which you have logged in before."
    " If somebody else gave wrong codes, they know your password: change it."
)
WRONG_CODE = _("The one-time code is wrong or was used already. Wait for the next one and enter that.")


@dataclass(frozen=True)
class PendingLogin:
    """Somebody who has given the right password, and what they wanted to see."""

    user: User
    url: str


class PasswordStep(LoginView):
    """The first step. Without a second one, it logs in."""

    template_name = "admin/login.html"
    authentication_form = BackofficeLoginForm

    def form_valid(self, form: Any) -> HttpResponse:
        user, url = cast(User, form.get_user()), self.get_success_url()
        forget_attempt(form.attempt)
        needs_code = has_authenticator(user)
        if not needs_code and not settings.SECOND_FACTOR_REQUIRED:
            _enter(self.request, user, device=None)
            return throttling.know_browser(HttpResponseRedirect(url), user)
        _start_pending(self.request, user, url)
        return redirect("admin:login_code" if needs_code else "admin:login_enrol")


def code_step(site: AdminSite, request: HttpRequest) -> HttpResponseBase:
    """Ask for a code after the password."""
    pending = _pending_login(request)
    if pending is None or not has_authenticator(pending.user):
        return redirect("admin:login")
    form, now = OneTimeCodeForm(request.POST or None), clock.now()
    if form.is_valid():
        limits = throttling.code_limits(request, pending.user)
        try:
            device = use_code(pending.user, form.cleaned_data["code"], limits=limits, now=now)
        except SecondFactorRefused:
            form.add_error("code", WRONG_CODE)
            _report(request, pending.user, now=now)
        except TooManyWrongCodes:
            form.add_error("code", CODES_LOCKED)
        else:
            _enter(request, pending.user, device=device)
            return throttling.know_browser(HttpResponseRedirect(pending.url), pending.user)
    context = {"title": _("One-time code"), "form": form, "person": pending.user}
    return _page(site, request, "admin/login_code.html", context)


def enrol_step(site: AdminSite, request: HttpRequest) -> HttpResponseBase:
    """Have a person set up an authenticator after the password; then show their recovery codes, once."""
    pending = _pending_login(request)
    if pending is None or has_authenticator(pending.user):
        return redirect("admin:login")
    user, enrolment = pending.user, Enrolment.of_request(request, pending.user)
    form, now = FirstCodeForm(request.POST or None), clock.now()
    if form.is_valid() and (attempt := _counted(request, pending, form)):
        try:
            device = enrol_authenticator(
                user, key=enrolment.key, code=form.cleaned_data["code"], replaces=None, now=now
            )
        except SecondFactorRefused:
            form.add_error("code", WRONG_CODE)
        except AuthenticatorChanged as refusal:
            form.add_error("code", show_refusal(refusal).text)
        else:
            forget_attempt(attempt)
            _enter(request, user, device=device)
            codes = make_recovery_codes(user, now=now)
            return throttling.know_browser(recovery_codes_page(site, request, codes, url=pending.url), user)
    context = {"title": _("Set up your authenticator"), "form": form, "person": user, "enrolment": enrolment}
    return _page(site, request, "admin/login_enrol.html", context)


def _report(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Report wrong codes to the person and to operators, once there are as many as lock the login."""
    wrong_codes = throttling.wrong_codes_today(request, user, now=now)
    report_wrong_codes(user, wrong_codes=wrong_codes, address=throttling.address_of(request), now=now)


def _counted(request: HttpRequest, pending: PendingLogin, form: OneTimeCodeForm) -> Attempt | None:
    """Count an attempt to give a code; None, with an error in the form, where there were too many."""
    try:
        return throttling.begin_login(request, pending.user.get_username(), now=clock.now())
    except TooManyAttempts:
        form.add_error("code", LOCKED)
        return None


def _page(site: AdminSite, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(request, template, {**site.each_context(request), **context})


def _start_pending(request: HttpRequest, user: User, url: str) -> None:
    """Keep who gave the right password, in a new session: one that somebody else may know is worth nothing."""
    request.session.flush()
    request.session[PENDING] = {
        "user": user.pk, "password": user.get_session_auth_hash(), "backend": getattr(user, "backend", ""),
        "at": int(clock.now().timestamp()), "url": url,
    }  # fmt: skip


def _pending_login(request: HttpRequest) -> PendingLogin | None:
    """Return who is between the two steps: not for long, and not once their password or their access has changed."""
    kept = request.session.get(PENDING)
    if not kept or not 0 <= int(clock.now().timestamp()) - kept["at"] < PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_staff=True).first()
    if user is None or user.get_session_auth_hash() != kept["password"]:
        return None
    user.backend = kept["backend"]  # as `authenticate` returned it
    return PendingLogin(user, kept["url"])


def _enter(request: HttpRequest, user: User, *, device: Device | None) -> None:
    """Log in, and count the code that was given as the last one of this session."""
    now = clock.now()
    request.session.pop(PENDING, None)
    Enrolment.end(request.session)
    if device is not None:
        user.otp_device = device  # type: ignore[attr-defined]  # django-otp keeps it in the session at login
    log_in(request, user)
    start_session(request, user, now=now)
    if device is not None:
        accept_code(request.session, now=now)
        forget_wrong_codes(user)
    throttling.end_login(request, user)
