"""Forms of confirmation pages: nothing, a reason, a one-time code, or both."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user

from sunusav.backoffice.refusals import show_refusal
from sunusav.core.errors import DomainError
from sunusav.core.models import User
from sunusav.core.second_factor import require_second_factor


class ConfirmForm(forms.Form):
    """A confirmation without fields."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user


class ReasonForm(ConfirmForm):
    reason = forms.CharField(
        label=_("Reason"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It is kept in the trail, under your name."),
    )  # fmt: skip


class CodeForm(ConfirmForm):
    """Asks for a fresh one-time code where one is required, and people who have a device."""

    code = forms.CharField(
        label=_("One-time code"), max_length=12, strip=True, required=False,
        help_text=_("The six digits that your authenticator shows now; each code can be used once."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        if not settings.SECOND_FACTOR_REQUIRED and not any(devices_for_user(user)):
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        """Check the code last, when all other fields are valid: a code is accepted only once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self._use_code(cleaned.get("code", ""))
        return cleaned

    def _use_code(self, code: str) -> None:
        try:
            require_second_factor(self.user, code.replace(" ", ""))
        except DomainError as refusal:
            self.add_error("code", show_refusal(refusal).text)


class ReasonAndCodeForm(ReasonForm, CodeForm):
    """Asks for a reason and a fresh one-time code."""
