"""The statement of a settlement in the back office: its lines, its files, and the link for the partner's accountant."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fees.accrual_queries import accruals_in
from fees.types import Accrual
from partners.models import Settlement
from partners.settlements.calculations import francs_of
from partners.settlements.queries import SETTLEMENT, span_of
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import day, moment, numbered, show_code
from sunusav.backoffice.money import NOTHING, show_rate, show_sats, show_xof
from sunusav.backoffice.sections import (
    SECTION_LIMIT,
    Facts,
    Section,
    Table,
    link_to,
    link_to_page,
    link_to_rest,
    page_of,
)
from sunusav.core import clock
from sunusav.core.models import User
from transfers.document_queries import open_link_of, receipt_about
from transfers.receipt_files.answers import csv_answer, pdf_answer, xlsx_answer
from transfers.receipt_files.lines import fits_spreadsheet
from transfers.services.receipt_links import open_receipt_link
from transfers.types import IssuedReceiptFacts

ISSUE: Final = "transfers.issue_receipt"
PRIVATE: Final[Mapping[str, str]] = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
}
FILES: Final[Mapping[str, Callable[[IssuedReceiptFacts, str], HttpResponseBase]]] = {
    "pdf": lambda receipt, language: pdf_answer(receipt, language=language, headers=PRIVATE),
    "csv": lambda receipt, _language: csv_answer(receipt, headers=PRIVATE),
    "xlsx": lambda receipt, language: xlsx_answer(receipt, language=language, headers=PRIVATE),
}


def _open_link(decision: Decision) -> None:
    open_receipt_link(kind=SETTLEMENT, key=decision.row.pk, user=decision.user, now=decision.now)


def _has_no_link(user: User, row: Any) -> bool:
    if row.pk is None:
        return False
    statement = receipt_about(SETTLEMENT, row.pk)
    return statement is None or open_link_of(statement.id, now=clock.now()) is None


SHARE_STATEMENT = Action(
    slug="share-statement",
    label=_("Issue the statement and its link"),
    question=_(
        "The statement takes its number, for good. Anybody with the link sees it for 90 days, or until it is revoked."
    ),
    done=_("issued; the link is below"),
    run=_open_link,
    permission=ISSUE,
    is_offered=_has_no_link,
    is_about_one_row=True,
)


def statement_file(row: Settlement, name: str) -> HttpResponseBase:
    """Return a file of the statement. Raises: Http404 where there is none of that name, or no statement."""
    statement = receipt_about(SETTLEMENT, row.pk)
    if statement is None or name not in _files_of(statement):
        raise Http404
    return FILES[name](statement, get_language() or settings.LANGUAGE_CODE)


def _files_of(statement: IssuedReceiptFacts) -> list[str]:
    """Return the names of the files of a statement: no workbook of more lines than a sheet holds."""
    return [name for name in FILES if name != "xlsx" or fits_spreadsheet(statement)]


def statement_sections(row: Settlement, user: User) -> Sequence[Section]:
    """Return the lines of a settlement, and its statement once it is issued."""
    statement = receipt_about(SETTLEMENT, row.pk)
    return (*([_issued(row, statement, user)] if statement else []), *_contested(row), _lines(row))


def _issued(row: Settlement, statement: IssuedReceiptFacts, user: User) -> Facts:
    files = [
        (reverse("admin:partners_settlement_statement", args=[row.pk, name]), name.upper())
        for name in _files_of(statement)
    ]
    facts = [
        (_("number"), link_to_page("transfers.issuedreceipt", statement.id, statement.number)),
        (_("issued at"), moment(statement.issued_at)),
        (_("files"), format_html_join(" · ", '<a href="{}">{}</a>', files)),
        (_("SHA-256 of the lines"), statement.facts["lines_sha256"]),
    ]
    if user.has_perm(ISSUE):
        facts.append((_("link for the partner's accountant"), _link(statement)))
    return Facts(_("Statement of the settlement"), facts, anchor="statement")


def _link(statement: IssuedReceiptFacts) -> Any:
    """Show the open link to people who may open and revoke it; anybody who has it sees the statement."""
    link = open_link_of(statement.id, now=clock.now())
    if link is None:
        return NOTHING
    url = settings.PUBLIC_BASE_URL + reverse("receipt", args=[link.token])
    return format_html('<a href="{}" rel="noreferrer">{}</a>', url, url)


def _contested(row: Settlement) -> Sequence[Section]:
    """Return the lines that the partner contests, if any."""
    found = list(row.contested_lines.select_related("fee_record", "answer").order_by("pk")[:SECTION_LIMIT])
    if not found:
        return ()
    heads = (_("contested line"), _("fee record"), _("contested on"), _("reason"), _("answer"))
    rows = [
        (
            link_to(one, numbered(one.pk)), link_to(one.fee_record, numbered(one.fee_record_id)),
            day(one.contested_on.isoformat()), one.reason,
            one.answer.answer if hasattr(one, "answer") else show_choice("waits_for_answer"),
        )
        for one in found
    ]  # fmt: skip
    rest = link_to_rest("partners.contestedline", len(found), settlement=row.pk)
    return (Table(_("Contested lines"), heads, rows, anchor="contested", more=rest, stacks=True),)


def _lines(row: Settlement) -> Table:
    rows = list(islice(accruals_in(row.partner, span_of(row)), SECTION_LIMIT))
    rest = link_to_rest(
        "fees.feerecord", len(rows), settlement_partner=row.partner, completed_at__gte=row.period_start.isoformat(),
        completed_at__lt=row.period_end.isoformat(),
    )  # fmt: skip
    heads = (_("fee record"), _("booked at"), _("partner's share"), _("rate"), _("in francs, exactly"))
    return Table(_("Lines"), heads, [_cells(one) for one in rows], anchor="lines", more=rest, stacks=True)


def _cells(one: Accrual) -> tuple[Any, ...]:
    url = page_of("fees.feerecord", one.record_id)
    name = f"{show_code('reversal' if one.is_reversal else 'fee')} {numbered(one.record_id)}"
    return (
        format_html('<a href="{}">{}</a>', url, name), moment(one.booked_at), show_sats(one.partner_sats),
        show_rate(one.rate_xof_per_btc), show_xof(francs_of(one.worth)),
    )  # fmt: skip
