"""A person's own security page: their authenticator, recovery codes and sessions."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django_otp import login as use_device_in_session
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.backoffice.admins import MAX_DIGITS, person_of
from sunusav.backoffice.authenticators import Enrolment, recovery_codes_page
from sunusav.backoffice.code_first import code_page
from sunusav.backoffice.forms import OwnCodeForm
from sunusav.backoffice.fresh_codes import accept_code
from sunusav.backoffice.refusals import show_refusal
from sunusav.backoffice.user_agents import browser_name
from sunusav.core import clock
from sunusav.core.second_factor import (
    AuthenticatorChanged,
    SecondFactorRefused,
    authenticator_of,
    enrol_authenticator,
    has_authenticator,
    is_code_of,
    make_recovery_codes,
    recovery_codes_left,
)
from sunusav.core.staff_sessions import end_session, end_sessions, sessions_of

FEW_CODES = 3


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what the menu of the account links to."""
    return [
        {"title": _("Your security"), "link": reverse("admin:security")},
        {"title": _("Change password"), "link": reverse("admin:password_change")},
    ]


class AuthenticatorForm(OwnCodeForm):
    """The first code of a new authenticator and, if there is an earlier one, a code of that or a recovery code."""

    first_code = forms.CharField(
        label=_("Code of the new authenticator"), max_length=12, strip=True,
        help_text=_("The six digits that the authenticator shows now."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "class": "code"}),
    )  # fmt: skip
    field_order = ("code", "first_code")

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key

    def clean_first_code(self) -> str:
        """Check the code of the new authenticator first, so that a mistake in it uses up no code of the earlier one."""
        code = str(self.cleaned_data["first_code"])
        if not is_code_of(self.key, code):
            raise forms.ValidationError(show_refusal(SecondFactorRefused()).text)
        return code


class SecurityPages:
    """The pages below `security/`, each about the person who opens it."""

    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        view = self.site.admin_view
        return [
            path("security/", view(self.overview), name="security"),
            path("security/authenticator/", view(self.authenticator), name="security_authenticator"),
            path("security/recovery-codes/", view(self.recovery_codes), name="security_recovery_codes"),
            path("security/code/", view(partial(code_page, self.site)), name="security_code"),
            path("security/sessions/end/", view(self.end_sessions), name="security_end_sessions"),
        ]

    def overview(self, request: HttpRequest) -> HttpResponseBase:
        user, now = person_of(request), clock.now()
        left = recovery_codes_left(user)
        context = {
            "title": _("Your security"),
            "device": authenticator_of(user),
            "codes_left": left,
            "few_codes": left < FEW_CODES,
            "sessions": [
                {
                    "row": row,
                    "browser": browser_name(row.user_agent),
                    "is_this": row.session_id == request.session.session_key,
                }
                for row in sessions_of(user, now=now)
            ],
        }
        return self._page(request, "admin/security.html", context)

    def authenticator(self, request: HttpRequest) -> HttpResponseBase:
        """Set up an authenticator, the first one or in place of the earlier one."""
        user, earlier = person_of(request), authenticator_of(person_of(request))
        enrolment, now = Enrolment.of_request(request, user), clock.now()
        form = AuthenticatorForm(request.POST or None, user=user, session=request.session, key=enrolment.key)
        if form.is_valid():
            first_code = form.cleaned_data["first_code"]
            try:
                device = enrol_authenticator(
                    user, key=enrolment.key, code=first_code, replaces=earlier, now=now
                )
            except (SecondFactorRefused, AuthenticatorChanged) as refusal:
                form.add_error("first_code", show_refusal(refusal).text)
            else:
                return self._enrolled(request, device, is_first=earlier is None)
        context = {"title": _("Set up your authenticator"), "form": form, "enrolment": enrolment}
        return self._page(request, "admin/security_form.html", context)

    def recovery_codes(self, request: HttpRequest) -> HttpResponseBase:
        """Replace the person's recovery codes and show the new ones, once."""
        user = person_of(request)
        if not has_authenticator(user):
            return redirect("admin:security_authenticator")
        form = OwnCodeForm(
            request.POST if request.method == "POST" else None, user=user, session=request.session
        )
        if form.is_valid():
            return self._new_codes(request)
        question = _("The codes that you have now stop working. The new ones are shown once.")
        context = {"title": _("Make new recovery codes"), "form": form, "question": question}
        return self._page(request, "admin/security_form.html", context)

    def end_sessions(self, request: HttpRequest) -> HttpResponseBase:
        """End one of the person's own sessions, or all but this one."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        user, session_id = person_of(request), request.POST.get("session", "")
        own = sessions_of(user, now=clock.now())
        if session_id == "others":
            end_sessions(user, by=user, now=clock.now(), except_session_key=request.session.session_key)
            messages.success(request, _("All other sessions have ended."))
        elif session_id.isdecimal() and (row := own.filter(pk=int(session_id[:MAX_DIGITS])).first()):
            end_session(session_id=row.pk, by=user, now=clock.now())
            messages.success(request, _("The session has ended."))
        return redirect("admin:security")

    def _enrolled(self, request: HttpRequest, device: TOTPDevice, *, is_first: bool) -> HttpResponseBase:
        """Go on with the new authenticator; all other sessions end and must log in with it."""
        user, key = person_of(request), request.session.session_key
        end_sessions(user, by=user, now=clock.now(), except_session_key=key)
        Enrolment.end(request.session)
        use_device_in_session(request, device)
        accept_code(request.session, now=clock.now())
        if is_first:
            return self._new_codes(request)
        messages.success(request, _("Your new authenticator is set up. The earlier one no longer works."))
        return redirect("admin:security")

    def _new_codes(self, request: HttpRequest) -> HttpResponseBase:
        codes = make_recovery_codes(person_of(request), now=clock.now())
        return recovery_codes_page(self.site, request, codes, url=reverse("admin:security"))

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(request, template, {**self.site.each_context(request), **context})
