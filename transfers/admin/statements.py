"""Partners' statements: finance imports a file, and keeps how files are read and matched."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Button, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import moment, mono, numbered, show_code, show_code_or_text
from sunusav.backoffice.forms import ConfirmForm, FileInput, ReasonForm
from sunusav.backoffice.money import NOTHING, show_number, show_xof
from sunusav.backoffice.sections import (
    SECTION_LIMIT,
    Section,
    Table,
    link_to,
    link_to_rest,
    page_of,
    show_subject,
)
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.models import User
from transfers.models import StatementImport, StatementLine
from transfers.models.statement import DIGITS, PLACES
from transfers.statements.imports import STATEMENT_IMPORT, Imported, import_statement, record_closing_balance
from transfers.statements.reading import MAX_BYTES
from transfers.statements.sources import known_sources

# A bank's balance is below the highest amount of a statement.
MOST_FRANCS = 10 ** (DIGITS - PLACES)
TOO_LARGE = _("The file is larger than 10 MB.")
READ_BEFORE = _("this file was imported before; nothing was changed")
READ_NOW = _("imported: %(new)s new lines, %(matched)s matched, %(differ)s to explain")


def source_filter() -> Any:
    return choice_filter("source", known_sources, heading=_("source"))


def show_source(source: str) -> str:
    return show_code_or_text(source)


def choices(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, show_code(value)) for value in values]


def sources() -> list[tuple[str, str]]:
    return choices(known_sources())


class AboutNoRow(ReadOnlyAdmin):
    """A list whose actions are about none of its rows."""

    ordering = ("-id",)
    heading: Any = ""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, self.model())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [self.model()]

    def card(self, action: Action, row: Any) -> Card:
        return Card(self.key_of(row), str(self.heading), ())

    def url_after_action(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    @admin.display(description=_("source"), ordering="source")
    def source_shown(self, row: Any) -> str:
        return show_source(row.source)


# Importing


class ImportForm(ConfirmForm):
    """A file, whose statement it is, and which days it covers."""

    source = forms.ChoiceField(label=_("Source"), choices=sources)
    file = forms.FileField(
        label=_("File"), widget=FileInput(), help_text=_("CSV or XLSX, up to 10 MB and 100,000 rows.")
    )
    since = forms.DateField(
        label=_("First day"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip
    through = forms.DateField(
        label=_("Last day"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("The days that the statement covers; left empty, those from its first line to its last."),
    )  # fmt: skip
    closing_xof = forms.IntegerField(
        label=_("Closing balance"), required=False, min_value=-MOST_FRANCS, max_value=MOST_FRANCS,
        help_text=_(
            "What the account had at the end of the last day, as the statement says, in francs: the bank's is compared"
            " with the books."
        ),
    )  # fmt: skip

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        return file


def _import(decision: Decision) -> None:
    given = decision.form_data
    done = import_statement(
        source=given["source"], file_name=given["file"].name, content=given["file"].read(), importer=decision.user,
        since=given["since"], through=given["through"], closing_xof=given["closing_xof"], now=decision.now,
    )  # fmt: skip
    given["imported"] = done


def _what_was_read(decision: Decision) -> Any:
    done: Imported = decision.form_data["imported"]
    if not done.is_new:
        return READ_BEFORE
    matched = done.found["matched"]
    facts = {"new": done.row.lines_new, "matched": matched, "differ": done.found.total() - matched}
    return READ_NOW % {name: show_number(number) for name, number in facts.items()}


def _is_row(user: User, row: Any) -> bool:
    return row.pk is not None


def _is_no_row(user: User, row: Any) -> bool:
    return row.pk is None


IMPORT_STATEMENT = Action(
    slug="import",
    label=_("Import a statement"),
    question=_(
        "Its lines are kept and matched with what was expected. Nothing is booked, and the same file twice changes"
        " nothing."
    ),
    done=_("imported"),
    done_now=_what_was_read,
    run=_import,
    permission="transfers.import_statement",
    form=ImportForm,
    is_offered=_is_no_row,
    tone="good",
    prefilled=("source",),
)


class ClosingBalanceForm(ReasonForm):
    """What the account had at the end of a statement's last day, and why it is recorded afterwards."""

    closing_xof = forms.IntegerField(
        label=_("Closing balance"), min_value=-MOST_FRANCS, max_value=MOST_FRANCS,
        help_text=_("What the account had at the end of the last day, as the statement says, in francs."),
    )  # fmt: skip
    field_order = ("closing_xof", "reason")


def _record_closing(decision: Decision) -> None:
    record_closing_balance(
        statement=decision.row, closing_xof=decision.form_data["closing_xof"], reason=decision.reason,
        recorder=decision.user, now=decision.now,
    )  # fmt: skip


RECORD_CLOSING = Action(
    slug="record-closing-balance",
    label=_("Record the closing balance"),
    question=_(
        "The books are compared with it. The last one recorded for a statement holds; none is deleted."
    ),
    done=_("recorded"),
    run=_record_closing,
    permission="transfers.import_statement",
    form=ClosingBalanceForm,
    is_offered=_is_row,
    is_about_one_row=True,
)


@admin.register(StatementImport)
class StatementImportAdmin(AboutNoRow):
    list_display = (
        "id", "source_shown", "file_name", "since", "through", "lines_read", "lines_new", "imported_by", "imported_at",
    )  # fmt: skip
    list_filter = (source_filter(), "imported_at")
    list_select_related = ("imported_by",)
    fields = (
        "source_shown", "file_name", "sha256_shown", "since", "through", "lines_read", "lines_new", "format_shown",
        "imported_by", "imported_at",
    )  # fmt: skip
    actions_offered = (IMPORT_STATEMENT, RECORD_CLOSING)
    heading = _("A partner's statement")

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return ReadOnlyAdmin.buttons(self, request, row)

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        is_about_row = request.resolver_match is not None and (
            request.resolver_match.kwargs.get("slug") == RECORD_CLOSING.slug
        )
        return (
            ReadOnlyAdmin.rows_for(self, request, keys) if is_about_row else super().rows_for(request, keys)
        )

    def url_after_action(self, rows: Sequence[Any]) -> str:
        row = rows[0]
        return page_of("transfers.statementimport", row.pk) if row.pk else super().url_after_action(rows)

    @admin.display(description=_("digest of the file"))
    def sha256_shown(self, row: StatementImport) -> Any:
        return mono(row.sha256)

    @admin.display(description=_("format"))
    def format_shown(self, row: StatementImport) -> Any:
        return link_to(row.format, gettext("version %(number)s") % {"number": row.format.version})

    def name_of(self, row: Any) -> str:
        return f"{show_source(row.source)}, {moment(row.imported_at)}" if row.pk else str(self.heading)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (_closings_of(row), _lines_of(row), timeline_of([f"{STATEMENT_IMPORT}:{row.pk}"]))


def _closings_of(row: StatementImport) -> Table:
    """Return what the statement closes with, the record that holds first."""
    found = row.closing_balances.select_related("recorded_by").order_by("-pk")[:SECTION_LIMIT]
    return Table(
        title=_("Closing balance"),
        heads=(_("amount"), _("recorded at"), _("recorded by"), _("reason")),
        rows=[
            (
                show_xof(one.closing_xof),
                moment(one.recorded_at),
                one.recorded_by.get_username(),
                one.reason or NOTHING,
            )
            for one in found
        ],
        empty=_("None is recorded: the books are not compared with this statement."),
        anchor="closing",
    )


def _lines_of(row: StatementImport) -> Table:
    lines = list(row.lines.select_related("matched__match").order_by("pk")[:SECTION_LIMIT])
    return Table(
        title=_("Lines"),
        heads=(_("row"), _("happened at"), _("reference"), _("amount"), _("matched by")),
        rows=[
            (
                link_to(one, one.row_number), moment(one.happened_at), one.reference, show_xof(one.amount_xof),
                _method_of(one),
            )
            for one in lines
        ],
        empty=_("An earlier statement had all its lines."),
        anchor="lines",
        more=link_to_rest("transfers.statementline", len(lines), statement__id__exact=row.pk),
    )  # fmt: skip


def _method_of(line: StatementLine) -> str:
    matched = getattr(line, "matched", None)
    return show_code(matched.match.method) if matched else NOTHING


@admin.register(StatementLine)
class StatementLineAdmin(ReadOnlyAdmin):
    list_display = ("id", "source_shown", "happened_at", "reference_shown", "amount_xof", "matched_shown")
    list_filter = (source_filter(), "happened_at")
    list_select_related = ("matched__match",)
    search_fields = ("reference",)
    search_help_text = _("The exact reference.")
    fields = (
        "source_shown", "statement", "row_number", "happened_at", "reference_shown", "amount_xof", "cost_xof", "text",
        "matched_shown",
    )  # fmt: skip
    fields_hidden_when_empty = ("cost_xof", "text")
    ordering = ("-id",)
    links = ("statement",)

    @admin.display(description=_("source"), ordering="source")
    def source_shown(self, row: StatementLine) -> str:
        return show_source(row.source)

    @admin.display(description=_("reference"), ordering="reference")
    def reference_shown(self, row: StatementLine) -> Any:
        return mono(row.reference)

    @admin.display(description=_("matched by"))
    def matched_shown(self, row: StatementLine) -> str:
        return _method_of(row)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_source(row.source)}, {show_xof(row.amount_xof)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (_matched_with(row),)


def _matched_with(line: StatementLine) -> Table:
    matched = getattr(line, "matched", None)
    rows = list(matched.match.expectations.order_by("pk")) if matched else []
    return Table(
        title=_("Matched with"),
        heads=(_("what"), _("expected")),
        rows=[(show_subject(one.subject), show_xof(one.amount_xof)) for one in rows],
        empty=_("Nothing that was expected."),
        anchor="matched",
    )
