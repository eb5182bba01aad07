"""Money in: each receipt is booked once, with its lines, and collections add up."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from ledger import queries as books
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line
from sunusav.core.auditing import AuditScope, Breach
from transfers.booking import receipt_lines
from transfers.collectors import collector
from transfers.enums import LIVE_COLLECTION_STATES, TransactionKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import collection_pages, missing, receipt_pages
from transfers.models import Collection, Receipt


def receipts_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for receipts in receipt_pages(scope):
        kinds = books.kinds_of([row.transaction_id for row in receipts])
        for row in receipts:
            if kinds.get(row.transaction_id) != TransactionKind.RECEIPT:
                yield Breach("I08", f"receipt:{row.pk}", "not booked as a receipt")
    for received in books.transactions_of_kind(TransactionKind.RECEIPT, since=scope.since):
        booked = Receipt.objects.filter(transaction_id__in=received)
        for orphan in missing(received, booked.values_list("transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a receipt in the books without its payment")


def receipts_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Derive the lines of each receipt in the order of arrival, since the amount due depends on those before."""
    paid_into = Collection.objects.filter(receipts__isnull=False).distinct()
    for collections in collection_pages(scope, paid_into):
        receipts: dict[int, list[Receipt]] = {}
        for receipt in Receipt.objects.filter(collection__in=collections).order_by("id"):
            receipts.setdefault(receipt.collection_id, []).append(receipt)
        lines = books.lines_by_transaction([row.transaction_id for row in chain(*receipts.values())])
        for collection in collections:
            for receipt, expected in _receipt_lines(collection, receipts[collection.pk]):
                in_books = lines.get(receipt.transaction_id, [])
                yield from different_lines("I08b", f"receipt:{receipt.pk}", "its booking", in_books, expected)


def _receipt_lines(row: Collection, receipts: list[Receipt]) -> Iterator[tuple[Receipt, list[Line]]]:
    # A collection that received money while it was open stays live; on an expired or cancelled one nothing was due.
    due_msat = row.amount_msat if row.state in LIVE_COLLECTION_STATES else 0
    for receipt in receipts:
        yield receipt, receipt_lines(
            received_msat=receipt.received_msat, due_msat=due_msat, arrived_in=collector(row.method).account,
            credit=AccountRef(AccountRole(row.credit_role), Currency.MSAT, row.credit_owner),
            overpaid=AccountRef(AccountRole(row.overpaid_role), Currency.MSAT, row.overpaid_owner),
        )  # fmt: skip
        due_msat -= receipt.received_msat


def receipts_add_up(scope: AuditScope) -> Iterator[Breach]:
    summed: QuerySet[Any] = Collection.objects.annotate(total=Coalesce(Sum("receipts__received_msat"), 0))
    wrong = summed.exclude(received_msat=F("total"))
    for row in chain.from_iterable(collection_pages(scope, wrong)):
        yield Breach(
            "I08", f"collection:{row.pk}", f"received {row.received_msat}, receipts add up to {row.total}"
        )
