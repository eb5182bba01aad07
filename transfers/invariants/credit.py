"""Members' credit: each use and each return is booked once, with its lines."""

from collections.abc import Iterator

from django.db.models import QuerySet

from ledger import queries as books
from ledger.types import Line, credit, debit
from sunusav.core.auditing import AuditScope, Breach, pages
from transfers.enums import TransactionKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import missing
from transfers.models import CreditUse


def credit_uses_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for uses in _uses(scope):
        booked = [row.transaction_id for row in uses]
        kinds = books.kinds_of(booked)
        returns = books.reversals_of(booked, kind=TransactionKind.CREDIT_RETURNED)
        for row in uses:
            if kinds.get(row.transaction_id) != TransactionKind.CREDIT_USED:
                yield Breach("I08", f"credit_use:{row.pk}", "not booked as a use of credit")
            if returns.get(row.transaction_id) != row.return_transaction_id:
                yield Breach("I08", f"credit_use:{row.pk}", "its return is not the one in the books")
    for used in books.transactions_of_kind(TransactionKind.CREDIT_USED, since=scope.since):
        stored = CreditUse.objects.filter(transaction_id__in=used)
        for orphan in missing(used, stored.values_list("transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a use of credit in the books alone")


def credit_uses_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for uses in _uses(scope):
        returns = [row.return_transaction_id for row in uses if row.return_transaction_id]
        lines = books.lines_by_transaction([*(row.transaction_id for row in uses), *returns])
        for row in uses:
            subject, expected = f"credit_use:{row.pk}", _lines(row)
            in_books = lines.get(row.transaction_id, [])
            yield from different_lines("I08b", subject, "its booking", in_books, expected)
            if row.return_transaction_id:
                reversed_lines = [Line(line.account, -line.amount) for line in expected]
                in_books = lines.get(row.return_transaction_id, [])
                yield from different_lines("I08b", subject, "its return", in_books, reversed_lines)


def _lines(row: CreditUse) -> list[Line]:
    return [debit(row.account, row.amount_msat), credit(row.into, row.amount_msat)]


def _uses(scope: AuditScope) -> Iterator[list[CreditUse]]:
    """Yield pages of the uses booked or returned since."""
    if scope.since is None:
        return pages(CreditUse.objects.all())
    first = books.first_transaction_since(scope.since)
    moved: list[QuerySet[CreditUse]] = [
        CreditUse.objects.filter(transaction_id__gte=first),
        CreditUse.objects.filter(return_transaction_id__gte=first),
    ]
    return pages(CreditUse.objects.all(), {pk for rows in moved for pk in rows.values_list("pk", flat=True)})
