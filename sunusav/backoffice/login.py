"""Login: a password and, where it is required or the person has a device, a one-time code."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, match_token

from sunusav.backoffice import throttling
from sunusav.core.models import User


class BackofficeLoginForm(AdminAuthenticationForm):
    """Django's login form with a one-time code and a limit of failed attempts.

    A wrong name, password or code gets the same answer, so that it does not reveal which one was wrong.
    """

    code = forms.CharField(
        label=_("One-time code"), required=False, max_length=12,
        help_text=_("If you have an authenticator."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip
    error_messages = {
        "invalid_login": _(
            "The username, password or one-time code is wrong, or this account has no access to the back office."
        ),
        "locked": _("Too many failed attempts. Wait a quarter of an hour, then try again."),
        "not_enrolled": _(
            "Your account has no one-time code device and needs one. Ask an administrator to run enrol_totp for you."
        ),
        "inactive": _(
            "The username, password or one-time code is wrong, or this account has no access to the back office."
        ),
    }

    def clean(self) -> dict[str, Any]:
        request, username = cast(HttpRequest, self.request), self.data.get("username", "")
        if throttling.is_locked(request, username):
            raise ValidationError(self.error_messages["locked"], code="locked")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            throttling.count_failure(request, username)
            raise
        throttling.forget_failures(request, username)
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        """Let active staff in after checking their code."""
        if not (user.is_active and user.is_staff):
            raise self._wrong()
        if any(devices_for_user(user)):
            user.otp_device = self._matched_device(user)  # django-otp keeps it in the session at login
        elif settings.SECOND_FACTOR_REQUIRED:
            raise ValidationError(self.error_messages["not_enrolled"], code="not_enrolled")

    def _matched_device(self, user: User) -> Any:
        code = self.cleaned_data.get("code", "").replace(" ", "")
        device = match_token(user, code) if code else None
        if device is None:
            raise self._wrong()
        return device

    def _wrong(self) -> ValidationError:
        return ValidationError(self.error_messages["invalid_login"], code="invalid_login")
