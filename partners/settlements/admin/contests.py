"""Lines of statements that partners contest: finance records each with the partner's letter, and answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from partners.models import ContestedLine, LineAnswer
from partners.models.contested_line import TEXT_LENGTH
from partners.settlements.queries import CONTESTED_LINE, subject_of
from partners.settlements.services.contests import Contest, answer_contested_line, record_contested_line
from sunusav.backoffice.action_pages import person_of
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.attachments import AttachmentField, attachment_sections
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import moment, numbered, show_code
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import ReasonForm
from sunusav.backoffice.money import NOTHING, show_sats
from sunusav.backoffice.sections import Facts, Section, link_to, show_subject
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.calendar import DAKAR
from sunusav.core.models import User

RECORD, ANSWER = "partners.record_contested_line", "partners.answer_contested_line"
OPEN, ANSWERED = "waits_for_answer", "answered"
UPHELD, NOT_UPHELD = "upheld", "not_upheld"


class ContestForm(ReasonForm):
    """The line, as its statement numbers it, and the partner's letter."""

    fee_record = forms.IntegerField(
        label=_("Fee record"), min_value=1, help_text=_("Its number on the statement that the partner has.")
    )
    contested_on = forms.DateField(
        label=_("Contested on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    document = AttachmentField(label=_("Letter of the partner"))
    field_order = ("fee_record", "contested_on", "reason", "document")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("What the partner says")
        self.fields["contested_on"].initial = localdate(clock.now(), DAKAR)


class AnswerForm(ReasonForm):
    """Whether the partner is right, and what it was answered."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=lambda: [("", "—"), *((code, show_code(code)) for code in (UPHELD, NOT_UPHELD))],
    )
    field_order = ("outcome", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Answer to the partner")
        self.fields["reason"].max_length = TEXT_LENGTH  # type: ignore[attr-defined]


def _record(decision: Decision) -> None:
    given = decision.form_data
    contest = Contest(given["fee_record"], given["contested_on"], decision.reason, given["document"])
    record_contested_line(
        settlement_id=decision.row.pk, contest=contest, recorder=decision.user, now=decision.now
    )


def _answer(decision: Decision) -> None:
    answer_contested_line(
        line_id=decision.row.pk, is_upheld=decision.form_data["outcome"] == UPHELD, answer=decision.reason,
        user=decision.user, now=decision.now,
    )  # fmt: skip


def _is_a_settlement(user: User, row: Any) -> bool:
    return row.pk is not None


def _waits(user: User, row: Any) -> bool:
    return not hasattr(row, "answer")


CONTEST = Action(
    slug="contest-line",
    label=_("Record a contested line"),
    question=_("It waits for an answer. Nothing is booked."),
    done=_("recorded; it waits for an answer"),
    run=_record,
    permission=RECORD,
    form=ContestForm,
    is_offered=_is_a_settlement,
    is_about_one_row=True,
)
ANSWER_LINE = Action(
    slug="answer",
    label=_("Answer the partner"),
    question=_("The answer stays as it is. Send it to the partner; nothing is sent from here."),
    done=_("answered"),
    run=_answer,
    permission=ANSWER,
    form=AnswerForm,
    is_offered=_waits,
    is_about_one_row=True,
)


class StateFilter(FewRows):
    """Keep the lines that wait for an answer, or those that have one."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(OPEN, show_code(OPEN)), (ANSWERED, show_code(ANSWERED))]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        return ContestedLine.objects.filter(answer__isnull=value == OPEN)


@admin.register(ContestedLine)
class ContestedLineAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "settlement_shown",
        "fee_record_shown",
        "contested_on",
        "state_shown",
        "recorded_at",
    )
    fields = (
        "settlement_shown", "fee_record_shown", "share_shown", "contested_on", "reason", "recorder", "recorded_at",
        "state_shown",
    )  # fmt: skip
    list_filter = (StateFilter, "contested_on")
    list_select_related = ("settlement", "answer", "fee_record")
    ordering = ("-id",)
    actions_offered = (ANSWER_LINE,)
    card_fields = ("settlement_shown", "fee_record_shown", "share_shown", "reason")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no list action: each line is answered on its own page."""
        return {}

    @admin.display(description=_("settlement"))
    def settlement_shown(self, row: Any) -> Any:
        return show_subject(subject_of(row.settlement_id))

    @admin.display(description=_("fee record"))
    def fee_record_shown(self, row: Any) -> Any:
        return link_to(row.fee_record, numbered(row.fee_record_id))

    @admin.display(description=_("partner's share"))
    def share_shown(self, row: Any) -> str:
        return show_sats(row.fee_record.partner_sats)

    @admin.display(description=_("state"))
    def state_shown(self, row: Any) -> str:
        return show_choice(ANSWERED if hasattr(row, "answer") else OPEN)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_sats(row.fee_record.partner_sats)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        subject = f"{CONTESTED_LINE}:{row.pk}"
        given = LineAnswer.objects.filter(line=row).select_related("answered_by").first()
        files = attachment_sections(subject, user=person_of(request))
        return (*_answer_of(given), *files, timeline_of([subject]))


def _answer_of(given: LineAnswer | None) -> Sequence[Section]:
    if given is None:
        return ()
    outcome = show_code(UPHELD if given.is_upheld else NOT_UPHELD)
    facts = [
        (_("Outcome"), outcome), (_("Answer to the partner"), given.answer or NOTHING),
        (_("Answered by"), given.answered_by.get_username()), (_("Answered"), moment(given.answered_at)),
    ]  # fmt: skip
    return (Facts(_("Answer"), facts),)
