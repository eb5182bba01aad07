"""Forms of confirmation pages: nothing, a reason, a one-time code, both, and a figure that is typed again."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.evidence import TypedFigure
from sunusav.backoffice.fresh_codes import accept_code, has_fresh_code
from sunusav.backoffice.refusals import show_refusal
from sunusav.core import clock
from sunusav.core.errors import DomainError
from sunusav.core.models import User
from sunusav.core.second_factor import has_authenticator, limits_in_sessions, use_code


class FileInput(forms.FileInput):
    """A field for a file, with a hidden text field of its own.

    Unfold's script writes the name of the file into the first text field three elements above: without one it fails,
    and with another one it would change what a person types there.
    """

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        own = mark_safe('<input type="text" hidden disabled aria-hidden="true">')
        field = super().render(*args, **kwargs)
        return format_html("<span><span><span>{}</span></span>{}</span>", field, own)


class ConfirmForm(forms.Form):
    """A confirmation without fields, by a person in a session of theirs."""

    def __init__(self, *args: Any, user: User, session: SessionBase | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.session = user, session

    @property
    def keeps_input(self) -> bool:
        """Return whether a person typed something besides the code, which they would lose with the form."""
        return any(name != "code" for name in self.fields)

    def forget_code(self) -> None:
        """Keep what was typed, but for the code, which was used; ask for another where one is needed."""
        self.data = {name: value for name, value in self.data.items() if name != self.add_prefix("code")}
        if has_fresh_code(self.session, now=clock.now()):
            self.fields.pop("code", None)


class ReasonForm(ConfirmForm):
    reason = forms.CharField(
        label=_("Reason"), max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It is kept in the trail, under your name."),
    )  # fmt: skip


class CodeForm(ConfirmForm):
    """Asks for a code where one is required, and people who have an authenticator.

    Not again for some minutes after the session's last one, unless the form asks for a code of its own.
    """

    asks_always: ClassVar[bool] = False

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
        is_spared = not self.asks_always and has_fresh_code(session, now=clock.now())
        if not is_asked or is_spared:
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
            use_code(self.user, code, limits=limits_in_sessions(self.user), now=now)
        except DomainError as refusal:
            self.add_error("code", show_refusal(refusal).text)
            return
        if self.session is not None:
            accept_code(self.session, now=now)


class OwnCodeForm(CodeForm):
    """Asks for a code each time: for what outlives the session, which may be open in an unlocked browser."""

    asks_always = True


class ReasonAndCodeForm(ReasonForm, CodeForm):
    """Asks for a reason and a fresh one-time code."""


TYPED = "typed_figure"


def is_typed_figure(text: str, wanted: TypedFigure) -> bool:
    """Return whether this is the figure, digit by digit. Blanks between digits and a decimal comma do not matter."""
    return "".join(text.split()).replace(",", ".") == wanted.figure


def _typed_field(wanted: TypedFigure) -> forms.CharField:
    return forms.CharField(
        label=_("Type the figure again"), max_length=40, strip=True,
        help_text=THE_FIGURE % {"shown": wanted.shown, "why": wanted.why},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "decimal"}),
    )  # fmt: skip


def with_typed_figure(form: type[ConfirmForm], wanted: TypedFigure | None) -> type[ConfirmForm]:
    """Return a form that also asks for a figure, or the form itself where nothing is out of the ordinary."""
    if wanted is None:
        return form

    def clean_typed_figure(self: forms.Form) -> str:
        text = str(self.cleaned_data[TYPED])
        if not is_typed_figure(text, wanted):
            raise forms.ValidationError(NOT_THE_FIGURE % {"shown": wanted.shown})
        return text

    names = [*form.base_fields, TYPED]
    order = [*[name for name in names if name != "code"], "code"]
    asked = {TYPED: _typed_field(wanted), "clean_typed_figure": clean_typed_figure, "field_order": order}
    return type("TypedFigureForm", (form,), asked)


class UnusualForm(ConfirmForm):
    """Asks for a figure of its own a second time once what was entered is out of the ordinary.

    A subclass says what is in `unusual`. It stands before the forms with a code, which is used last.
    """

    def unusual(self, given: dict[str, Any]) -> TypedFigure | None:
        """Return the figure to type again, or None where nothing is out of the ordinary."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            self._ask_again(self.unusual(self.cleaned_data))
        return super().clean() or self.cleaned_data

    def _ask_again(self, wanted: TypedFigure | None) -> None:
        if wanted is None:
            return
        code = self.fields.pop("code", None)
        self.fields[TYPED] = _typed_field(wanted)
        if code is not None:
            self.fields["code"] = code
        typed = str(self.data.get(self.add_prefix(TYPED), ""))
        if not is_typed_figure(typed, wanted):
            self.add_error(TYPED, NOT_THE_FIGURE % {"shown": wanted.shown})


THE_FIGURE = _("The figure is %(shown)s. %(why)s")
NOT_THE_FIGURE = _("Type the figure exactly: %(shown)s.")
