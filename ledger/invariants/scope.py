"""The rows of the journal that an audit covers, and how its breaches name them."""

from typing import Any

from django.db.models import QuerySet

from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.queries import first_transaction_since
from sunusav.core.auditing import AuditScope

# Enough to understand a breach; a broken import must not fill the report.
SHOWN = 100


def transactions(scope: AuditScope) -> Any:
    """Return the transactions recorded within the scope."""
    rows = JournalTransaction.objects.all()
    return rows if scope.since is None else rows.filter(pk__gte=first_transaction_since(scope.since))


def entries(scope: AuditScope) -> Any:
    """Return the entries of the transactions recorded within the scope."""
    rows = JournalEntry.objects.all()
    if scope.since is None:
        return rows
    return rows.filter(transaction_id__gte=first_transaction_since(scope.since))


def posted_to(accounts: QuerySet[Account], scope: AuditScope) -> QuerySet[Account]:
    """Keep the accounts that were posted to within the scope."""
    if scope.since is None:
        return accounts
    return accounts.filter(pk__in=entries(scope).order_by().values("account"))


def journal_subject(transaction_id: int | None) -> str:
    """Return the subject of a breach about one transaction."""
    return f"journal:{transaction_id}"
