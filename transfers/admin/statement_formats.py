"""How partners' statements are read and matched: finance saves formats and rules, with a reason."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.forms import ReasonForm
from sunusav.backoffice.sections import Section
from sunusav.backoffice.timeline import timeline_of
from transfers.admin.statements import AboutNoRow, choices, show_source, source_filter, sources
from transfers.models import MatchingRule, StatementFormat
from transfers.models.statement import COLUMN_LENGTH, DIGITS, PLACES
from transfers.statement_enums import AmountReading
from transfers.statements.cells import MOMENT_FORMATS
from transfers.statements.csv_rows import DELIMITERS, ENCODINGS
from transfers.statements.keeping import (
    DECIMAL_MARKS,
    MOST_DAYS,
    MOST_HEADER_ROWS,
    THOUSANDS_MARKS,
    save_format,
    save_rule,
)

SAVE = "transfers.save_statement_format"


def _column(label: Any, **given: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=COLUMN_LENGTH, strip=True, required=False, **given)


def _tolerance() -> forms.DecimalField:
    return forms.DecimalField(
        label=_("Tolerance in francs"), min_value=0, max_digits=DIGITS, decimal_places=PLACES, initial=0
    )


class FormatForm(ReasonForm):
    """How the statements of a source are read."""

    source = forms.ChoiceField(label=_("Source"), choices=sources)
    moment_column = forms.CharField(
        label=_("Column of the day"), max_length=COLUMN_LENGTH, strip=True,
        help_text=_("Columns are named as the header row of the file has them."),
    )  # fmt: skip
    moment_format = forms.ChoiceField(
        label=_("Format of the day"), choices=lambda: [(one, one) for one in MOMENT_FORMATS]
    )
    reference_column = _column(_("Column of the reference"))
    amount_reading = forms.ChoiceField(label=_("Amounts"), choices=lambda: choices(AmountReading.values))
    amount_column = _column(_("Column of the amount"))
    debit_column = _column(_("Column of the debit"))
    credit_column = _column(_("Column of the credit"))
    cost_column = _column(_("Column of the cost"))
    text_column = _column(
        _("Column of the text"), help_text=_("It is kept: choose no column with names of people. Phones are masked.")
    )  # fmt: skip
    encoding = forms.ChoiceField(label=_("Encoding"), choices=lambda: [(one, one) for one in ENCODINGS])
    delimiter = forms.ChoiceField(
        label=_("Delimiter"), choices=lambda: [(one, _("tab") if one == "\t" else one) for one in DELIMITERS]
    )
    decimal_mark = forms.ChoiceField(
        label=_("Decimal mark"), choices=lambda: [(one, one) for one in DECIMAL_MARKS]
    )
    thousands_mark = forms.ChoiceField(
        label=_("Thousands mark"), required=False, choices=lambda: [(one, one or "-") for one in THOUSANDS_MARKS],
        help_text=_("Blanks between digits need none."),
    )  # fmt: skip
    header_row = forms.IntegerField(label=_("Header row"), min_value=1, max_value=MOST_HEADER_ROWS, initial=1)
    tolerance_xof = _tolerance()
    field_order = ("source",)


def _save_format(decision: Decision) -> None:
    given = {name: value for name, value in decision.form_data.items() if name not in {"source", "reason"}}
    save_format(
        source=decision.form_data["source"], layout=given, reason=decision.reason, saver=decision.user,
        now=decision.now,
    )  # fmt: skip


SAVE_FORMAT = Action(
    slug="save",
    label=_("Save a format"),
    question=_("Files of this source are read by it from now on. No money depends on it."),
    done=_("saved"),
    run=_save_format,
    permission=SAVE,
    form=FormatForm,
    tone="good",
    prefilled=("source",),
)


@admin.register(StatementFormat)
class StatementFormatAdmin(AboutNoRow):
    list_display = (
        "id",
        "source_shown",
        "version",
        "amount_reading",
        "tolerance_xof",
        "saved_by",
        "saved_at",
    )
    list_filter = (source_filter(),)
    list_select_related = ("saved_by",)
    fields = (
        "source_shown", "version", "moment_column", "moment_format", "reference_column", "amount_reading",
        "amount_column", "debit_column", "credit_column", "cost_column", "text_column", "encoding", "delimiter",
        "decimal_mark", "thousands_mark", "header_row", "tolerance_xof", "reason", "saved_by", "saved_at",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "reference_column", "amount_column", "debit_column", "credit_column", "cost_column", "text_column",
        "thousands_mark",
    )  # fmt: skip
    actions_offered = (SAVE_FORMAT,)
    heading = _("How statements are read")

    def name_of(self, row: Any) -> str:
        return f"{show_source(row.source)}, {row.version}" if row.pk else str(self.heading)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"statement_format:{row.pk}"]),)


class RuleForm(ReasonForm):
    """By what lines without a known reference are matched."""

    source = forms.ChoiceField(label=_("Source"), choices=sources)
    name = forms.CharField(
        label=_("Name"), max_length=60, strip=True,
        help_text=_("Rules apply in the order of their names; the same name again replaces the rule."),
    )  # fmt: skip
    tolerance_xof = _tolerance()
    days = forms.IntegerField(label=_("Days apart"), min_value=0, max_value=MOST_DAYS, initial=0)
    text = _column(_("Text contains"))
    is_on = forms.BooleanField(label=_("Is on"), required=False, initial=True)
    field_order = ("source", "name")


def _save_rule(decision: Decision) -> None:
    given = decision.form_data
    layout = {name: given[name] for name in ("tolerance_xof", "days", "text", "is_on")}
    save_rule(
        source=given["source"], name=given["name"], layout=layout, reason=decision.reason, saver=decision.user,
        now=decision.now,
    )  # fmt: skip


SAVE_RULE = Action(
    slug="save",
    label=_("Save a rule"),
    question=_(
        "It matches a line with what was expected where the two fit each other and nothing else. No money depends on"
        " it."
    ),
    done=_("saved"),
    run=_save_rule,
    permission=SAVE,
    form=RuleForm,
    tone="good",
)


@admin.register(MatchingRule)
class MatchingRuleAdmin(AboutNoRow):
    list_display = (
        "id",
        "source_shown",
        "name",
        "version",
        "is_on",
        "tolerance_xof",
        "days",
        "text",
        "saved_by",
    )
    list_filter = (source_filter(),)
    list_select_related = ("saved_by",)
    fields = (
        "source_shown", "name", "version", "is_on", "tolerance_xof", "days", "text", "reason", "saved_by", "saved_at",
    )  # fmt: skip
    fields_hidden_when_empty = ("text",)
    actions_offered = (SAVE_RULE,)
    heading = _("Rules by which lines are matched")

    def name_of(self, row: Any) -> str:
        return f"{show_source(row.source)}, {row.name} {row.version}" if row.pk else str(self.heading)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"matching_rule:{row.pk}"]),)
