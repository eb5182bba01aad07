"""What this app contributes to the back office: inbox items, what can be found, formats of facts."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import day, numbered, show_code
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry
from sunusav.backoffice.search import Search, number, reference, rows_found
from sunusav.backoffice.sections import link_to_page, show_subject
from sunusav.core.phrasing import enumerated, labelled
from transfers import next_steps, timelines
from transfers.account_names import name_of_code
from transfers.inbox import HELD_BY_PAUSE, INBOX
from transfers.inbox.balances import ACCOUNTS_PAGE, FORECAST_PAGE
from transfers.models import (
    Collection,
    Disbursement,
    IssuedReceipt,
    Receipt,
    StatementItem,
    StatementLine,
    TreasuryMovement,
)

__all__ = ["FACT_FORMATS", "HELD_BY_PAUSE", "INBOX", "NAVIGATION", "PROPOSAL_PAGES", "SEARCHES"]


def _claim(claim_id: int) -> Any:
    return link_to_page("transfers.returnclaim", claim_id, numbered(claim_id))


def _refused_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Show the rows of a file that cannot be read, each with its reason."""
    return enumerated(labelled(numbered(row["row"]), show_code(row["why"])) for row in rows)


# What can be found: each by one unique value, in one query.


def _payment(pk: str) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(pk=pk)


def _payment_of_order(reference: str) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(orders__reference=reference)


def _request(pk: str) -> QuerySet[Collection]:
    return Collection.objects.filter(pk=pk)


def _request_at_provider(reference: str) -> QuerySet[Collection]:
    return Collection.objects.filter(reference=reference)


def _received(reference: str) -> QuerySet[Receipt]:
    return Receipt.objects.filter(reference=reference)


def _movements(reference: str) -> QuerySet[TreasuryMovement]:
    return TreasuryMovement.objects.filter(reference=reference)


def _statement_lines(reference: str) -> QuerySet[StatementLine]:
    return StatementLine.objects.filter(reference=reference).select_related("matched__match")


def _statement_items(reference: str) -> QuerySet[StatementItem]:
    return StatementItem.objects.filter(reference=reference)


def _issued(number: str) -> QuerySet[IssuedReceipt]:
    return IssuedReceipt.objects.filter(number__in=[number, number.upper()])


SEARCHES = [
    Search(
        "payments", _("Payments"), "transfers.view_disbursement", number, rows_found(_payment, state="state"),
        is_unambiguous=False,
    ),
    Search(
        "payments-by-reference", _("Payments by payment hash or reference"), "transfers.view_disbursement",
        reference, rows_found(_payment_of_order, state="state"),
    ),
    Search(
        "requests", _("Payment requests"), "transfers.view_collection", number, rows_found(_request, state="state"),
        is_unambiguous=False,
    ),
    Search(
        "requests-by-reference", _("Payment requests by payment hash or reference"), "transfers.view_collection",
        reference, rows_found(_request_at_provider, state="state"),
    ),
    Search(
        "received", _("Money received, by payment hash or reference"), "transfers.view_receipt", reference,
        rows_found(_received, state="use"),
    ),
    Search(
        "movements", _("Movements of the treasury, by reference"), "transfers.view_treasurymovement", reference,
        rows_found(_movements, state="state_shown"),
    ),
    Search(
        "differences", _("Differences from statements, by reference"), "transfers.view_statementitem", reference,
        rows_found(_statement_items, state="state"),
    ),
    Search(
        "statement-lines", _("Lines of statements, by reference"), "transfers.view_statementline", reference,
        rows_found(_statement_lines),
    ),
    Search("receipts", _("Receipts"), "transfers.view_issuedreceipt", reference, rows_found(_issued)),
]  # fmt: skip
PROPOSAL_PAGES = {
    "manual_resolution": "transfers.disbursement",
    "payment_reversal": "transfers.disbursement",
    "payment_limit": "transfers.paymentlimitrequest",
    "payment_exception": "transfers.disbursement",
    "treasury_movement": "transfers.treasurymovement",
    "credit_transfer": "transfers.credittransferrequest",
    "provider_switch_on": "transfers.providerswitch",
    "receipt_issuer": "transfers.issuer",
    "receipt_tax_rate": "transfers.taxrate",
    "statement_item": "transfers.statementitem",
}
FACT_FORMATS = {
    "treasury_account": name_of_code,
    "other_account": name_of_code,
    "arrived_in": name_of_code,
    "account_code": name_of_code,
    "claim": _claim,
    "first_rows": _refused_rows,
    "item_subject": show_subject,
    "happened_on": day,
    "today": day,
    "returned_on": day,
    "paid_on": day,
}
PAGE_FORMATS = {
    "transfers.paymentorder.paid_from": name_of_code,
    "transfers.paymentorder.cost_account": name_of_code,
}
NAVIGATION = [
    ListEntry(Area.PAYMENTS, "transfers.disbursement", "payments", rank=40),
    ListEntry(Area.PAYMENTS, "transfers.reversal", "assignment_return", rank=70),
    ListEntry(Area.PAYMENTS, "transfers.returnclaim", "keyboard_return", rank=75),
    ListEntry(Area.PAYMENTS, "transfers.withdrawallink", "qr_code_2", rank=90),
    ListEntry(Area.CONTRIBUTIONS, "transfers.collection", "request_quote", rank=20),
    ListEntry(Area.CONTRIBUTIONS, "transfers.receipt", "move_to_inbox", rank=30),
    ListEntry(Area.CONTRIBUTIONS, "transfers.credituse", "redeem", rank=60),
    ListEntry(Area.CONTRIBUTIONS, "transfers.credittransferrequest", "swap_horiz", rank=65),
    ListEntry(Area.LIMITS, "transfers.paymentlimit", "speed", rank=10),
    ListEntry(Area.LIMITS, "transfers.paymentlimitrequest", "edit_note", rank=20),
    ListEntry(Area.LIMITS, "transfers.limitusage", "data_usage", rank=30),
    ListEntry(Area.LIMITS, "transfers.pastadmission", "history", rank=40),
    ListEntry(Area.BOOKS, "transfers.treasurymovement", "account_balance", rank=60),
    ListEntry(Area.BOOKS, "transfers.issuedreceipt", "receipt_long", rank=70),
    ListEntry(Area.BOOKS, "transfers.receiptlink", "link", rank=72),
    ListEntry(Area.BOOKS, "transfers.issuer", "badge", rank=80),
    ListEntry(Area.BOOKS, "transfers.adoptedissuer", "check", rank=82),
    ListEntry(Area.BOOKS, "transfers.taxrate", "percent", rank=84),
    ListEntry(Area.BOOKS, "transfers.adoptedtaxrate", "check", rank=86),
    ListEntry(Area.PARTNERS, "transfers.partner", "storefront", rank=20),
    ListEntry(Area.PARTNERS, "transfers.railliquidity", "account_balance_wallet", rank=30),
    PageEntry(
        Area.PARTNERS,
        ACCOUNTS_PAGE,
        _("Books and balances"),
        "balance",
        "transfers.view_railliquidity",
        rank=32,
    ),
    PageEntry(
        Area.PARTNERS,
        FORECAST_PAGE,
        _("Liquidity forecast"),
        "event_upcoming",
        "transfers.view_railliquidity",
        rank=34,
    ),
    ListEntry(Area.PARTNERS, "transfers.providerswitch", "toggle_on", rank=50),
    ListEntry(Area.CONTROL, "transfers.railmatch", "compare_arrows", rank=20),
    ListEntry(Area.CONTROL, "transfers.railmismatch", "difference", rank=22),
    ListEntry(Area.CONTROL, "transfers.statementitem", "rule", rank=30),
    ListEntry(Area.CONTROL, "transfers.statementimport", "upload_file", rank=32),
    ListEntry(Area.CONTROL, "transfers.statementline", "list", rank=34),
    ListEntry(Area.CONTROL, "transfers.statementformat", "view_column", rank=36),
    ListEntry(Area.CONTROL, "transfers.matchingrule", "join_inner", rank=38),
    ListEntry(Area.TECHNICAL, "transfers.attempt", "send", rank=10),
    ListEntry(Area.TECHNICAL, "transfers.paymentorder", "draft", rank=20),
    ListEntry(Area.TECHNICAL, "transfers.railbreaker", "power_off", rank=30),
]
TIMELINES = [timelines.lines]
RELATED_SUBJECTS = [timelines.related]
NEXT_STEPS = next_steps.NEXT_STEPS
