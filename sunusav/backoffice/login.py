"""Forms of the login: a password first, then a one-time code or the set-up of an authenticator."""

from typing import Any, cast

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice import throttling
from sunusav.core import clock
from sunusav.core.login_attempts import Attempt, TooManyAttempts

LOCKED = _("Too many failed attempts. Wait a quarter of an hour, then try again.")


class BackofficeLoginForm(AdminAuthenticationForm):
    """Django's login form with a limit of failed attempts.

    A wrong name, a wrong password and an account without access get the same answer.
    """

    attempt: Attempt
    error_messages = {
        "invalid_login": _(
            "The username or password is wrong, or this account has no access to the back office."
        ),
        "inactive": _("The username or password is wrong, or this account has no access to the back office."),
    }

    def clean(self) -> dict[str, Any]:
        request, username = cast(HttpRequest, self.request), self.cleaned_data.get("username", "")
        try:
            self.attempt = throttling.begin_login(request, username, now=clock.now())
        except TooManyAttempts:
            raise ValidationError(LOCKED, code="locked") from None
        cleaned: dict[str, Any] = super().clean()
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        if not (user.is_active and user.is_staff):
            raise ValidationError(self.error_messages["invalid_login"], code="invalid_login")


class OneTimeCodeForm(forms.Form):
    """A code, in the second step of the login."""

    code = forms.CharField(
        label=_("One-time code"), max_length=24, strip=True,
        help_text=_(
            "The six digits that your authenticator shows now, or a recovery code; each can be used once."
        ),
        error_messages={"required": _("The one-time code is missing.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "class": "code",
            }
        ),
    )  # fmt: skip


class FirstCodeForm(OneTimeCodeForm):
    """The first code of a new authenticator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("The six digits that the authenticator shows now.")
