"""What the exports of this app's lists hold."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from ledger.enums import Currency
from ledger.models import JournalEntry, JournalTransaction
from sunusav.core.exporting.columns import amounts_in, column_of, columns_of
from sunusav.core.exporting.types import Column, ListExport


def _debit(label: Any, currency: Currency) -> Column:
    def value(entry: JournalEntry) -> int | None:
        return entry.amount if entry.currency == currency and entry.amount > 0 else None

    return amounts_in(currency, label, value)


def _credit(label: Any, currency: Currency) -> Column:
    def value(entry: JournalEntry) -> int | None:
        return -entry.amount if entry.currency == currency and entry.amount < 0 else None

    return amounts_in(currency, label, value)


EXPORTS = [
    ListExport(
        "ledger.journaltransaction",
        columns_of(
            JournalTransaction, "id", "kind", "subject", "reference", "posted_at", "recorded_at", "reverses"
        ),
    ),
    ListExport(
        "ledger.journalentry",
        columns_of(
            JournalEntry,
            "id",
            "transaction",
            column_of(JournalEntry, "transaction__posted_at"),
            column_of(JournalEntry, "transaction__kind"),
            column_of(JournalEntry, "transaction__subject"),
            column_of(JournalEntry, "transaction__reference"),
            column_of(JournalEntry, "account__code", label=_("account")),
            _debit(_("debit"), Currency.MSAT),
            _credit(_("credit"), Currency.MSAT),
            _debit(_("debit"), Currency.XOF),
            _credit(_("credit"), Currency.XOF),
        ),
        related=("transaction", "account"),
    ),
]
