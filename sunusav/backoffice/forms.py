"""Forms of confirmation pages: nothing, a reason, a one-time code, or both."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.fresh_codes import accept_code, has_fresh_code
from sunusav.backoffice.refusals import show_refusal
from sunusav.core import clock
from sunusav.core.errors import DomainError
from sunusav.core.models import User
from sunusav.core.second_factor import has_authenticator, use_code


class ConfirmForm(forms.Form):
    """A confirmation without fields, by a person in a session of theirs."""

    def __init__(self, *args: Any, user: User, session: SessionBase | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.session = user, session


class ReasonForm(ConfirmForm):
    reason = forms.CharField(
        label=_("Reason"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It is kept in the trail, under your name."),
    )  # fmt: skip


class CodeForm(ConfirmForm):
    """Asks for a code where one is required, and people who have an authenticator.

    Not again for some minutes after the session's last one.
    """

    code = forms.CharField(
        label=_("One-time code"), max_length=24, strip=True, required=False,
        help_text=_(
            "The six digits that your authenticator shows now, or a recovery code; each can be used once."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, session: SessionBase | None = None, **kwargs: Any) -> None:
        super().__init__(*args, user=user, session=session, **kwargs)
        is_asked = settings.SECOND_FACTOR_REQUIRED or has_authenticator(user)
        if not is_asked or has_fresh_code(session, now=clock.now()):
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        """Check the code last, when all other fields are valid: a code is accepted only once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and "code" in self.fields:
            self._use_code(cleaned.get("code", ""))
        return cleaned

    def _use_code(self, code: str) -> None:
        now = clock.now()
        try:
            use_code(self.user, code, now=now)
        except DomainError as refusal:
            self.add_error("code", show_refusal(refusal).text)
            return
        if self.session is not None:
            accept_code(self.session, now=now)


class ReasonAndCodeForm(ReasonForm, CodeForm):
    """Asks for a reason and a fresh one-time code."""
