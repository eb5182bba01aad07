"""What the exports of this app's lists hold."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from sunusav.backoffice.refusals import show_reason
from sunusav.core.exporting.columns import amounts_in, code_or_text, column_of, columns_of
from sunusav.core.exporting.types import Column, ListExport
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    IssuedReceipt,
    RailMatch,
    RailMismatch,
    Receipt,
    StatementImport,
    StatementItem,
    StatementLine,
)


def _in_each_currency(label: Any, currency: str, amount: str, *, parent: str = "") -> tuple[Column, Column]:
    """Return an amount's column in sats and the one in francs: only one of them has a value in each row.

    `currency` and `amount` name attributes, that of the currency on the row that `parent` names.
    """

    def value(row: Any, wanted: Currency) -> int | None:
        owner = getattr(row, parent) if parent else row
        found: int | None = getattr(row, amount)
        return found if getattr(owner, currency) == wanted else None

    return (
        amounts_in(Currency.MSAT, label, lambda row: value(row, Currency.MSAT)),
        amounts_in(Currency.XOF, label, lambda row: value(row, Currency.XOF)),
    )


def _rate(row: Disbursement) -> Decimal | None:
    return None if row.conversion is None else row.conversion.rate.rate_xof_per_btc


_SOURCE = Column(_("source"), lambda row: code_or_text(row.source))

EXPORTS = [
    ListExport(
        "transfers.disbursement",
        columns_of(
            Disbursement,
            "id",
            "subject",
            "state",
            "failure_code",
            "payout_msat",
            "fee_msat",
            "net_msat",
            "pay_xof",
            Column(_("exchange rate"), _rate, _("F CFA per BTC")),
            "settlement_partner",
            "requested_at",
            "completed_at",
        ),
        related=("conversion__rate",),
    ),
    ListExport(
        "transfers.attempt",
        columns_of(
            Attempt,
            "id",
            "disbursement",
            column_of(Attempt, "disbursement__subject"),
            "number",
            "state",
            column_of(Attempt, "order__rail"),
            column_of(Attempt, "order__reference"),
            "opened_at",
            "closed_at",
            "outcome",
            *_in_each_currency(_("cost"), "currency", "cost", parent="order"),
        ),
        related=("disbursement", "order"),
    ),
    ListExport(
        "transfers.collection",
        columns_of(
            Collection,
            "id",
            "subject",
            "method",
            "state",
            "trouble",
            *_in_each_currency(_("asked for"), "currency", "amount"),
            *_in_each_currency(_("received"), "currency", "received"),
            "reference",
            "requested_at",
            "settled_at",
        ),
    ),
    ListExport(
        "transfers.receipt",
        columns_of(
            Receipt,
            "id",
            "collection",
            column_of(Receipt, "collection__subject"),
            "method",
            *_in_each_currency(_("received"), "currency", "received", parent="collection"),
            "use",
            "reference",
            "received_at",
            "transaction",
        ),
        related=("collection",),
    ),
    ListExport(
        "transfers.issuedreceipt",
        columns_of(
            IssuedReceipt,
            "number",
            "kind",
            "subject",
            "issued_at",
            "issued_by",
            "tax_rate_bps",
            "tax_sats",
        ),
    ),
    ListExport(
        "transfers.railmatch",
        columns_of(
            RailMatch,
            "id",
            "rail",
            "started_at",
            "ended_at",
            "lines_read",
            "attempts_read",
            "mismatches_found",
        ),
    ),
    ListExport(
        "transfers.railmismatch",
        columns_of(
            RailMismatch,
            "id",
            column_of(RailMismatch, "match__rail"),
            column_of(RailMismatch, "match__started_at"),
            "code",
            "reference",
            "disbursement",
            Column(_("details"), lambda row: str(show_reason(row.code, row.facts))),
        ),
        related=("match",),
    ),
    ListExport(
        "transfers.statementimport",
        columns_of(
            StatementImport,
            "id",
            _SOURCE,
            "file_name",
            "since",
            "through",
            "lines_read",
            "lines_new",
            "imported_at",
            "sha256",
        ),
    ),
    ListExport(
        "transfers.statementline",
        columns_of(
            StatementLine,
            "id",
            _SOURCE,
            "statement",
            "row_number",
            "happened_at",
            "reference",
            "amount_xof",
            "cost_xof",
            "text",
        ),
    ),
    ListExport(
        "transfers.statementitem",
        columns_of(
            StatementItem,
            "id",
            _SOURCE,
            "code",
            "state",
            "reference",
            "subject",
            "expected_xof",
            "found_xof",
            "at_stake_xof",
            column_of(StatementItem, "owner__username", label=_("owner")),
            "opened_at",
            "closed_at",
        ),
        related=("owner",),
    ),
]
