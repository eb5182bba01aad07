"""Money in: each payment is booked once, with its lines, and what is paid in part waits in clearing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from ledger import queries as books
from ledger.enums import AccountRole, Currency
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach
from transfers.enums import AWAITING_STATES, UNPAID_COLLECTION_STATES, ReceiptUse, TransactionKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import collection_pages, missing, receipt_pages
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of, parts_credited_lines, receipt_lines, use_of


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
    for credited in books.transactions_of_kind(TransactionKind.PARTS_CREDITED, since=scope.since):
        ended = Collection.objects.filter(parts_transaction__in=credited)
        for orphan in missing(credited, ended.values_list("parts_transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "parts credited in the books without their collection")


def receipts_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Derive the lines of each receipt in the order of arrival, and those of the end of a request paid in part."""
    paid_into = Collection.objects.filter(receipts__isnull=False).distinct().select_related("rate")
    for collections in collection_pages(scope, paid_into):
        receipts: dict[int, list[Receipt]] = defaultdict(list)
        for receipt in Receipt.objects.filter(collection__in=collections).order_by("id"):
            receipts[receipt.collection_id].append(receipt)
        booked = [receipt.transaction_id for receipt in chain(*receipts.values())]
        ends = [row.parts_transaction_id for row in collections if row.parts_transaction_id]
        lines = books.lines_by_transaction([*booked, *ends])
        for row in collections:
            yield from _wrong_bookings(row, receipts[row.pk], lines)


def _wrong_bookings(
    row: Collection, receipts: Sequence[Receipt], lines: dict[int, list[Line]]
) -> Iterator[Breach]:
    in_clearing, is_awaiting = 0, True
    parts = [receipt for receipt in receipts if receipt.use == ReceiptUse.PART]
    for receipt in receipts:
        # A request that has ended was open until its last part; one that never had a part, for none of its payments.
        is_awaiting = is_awaiting and (row.state not in UNPAID_COLLECTION_STATES or receipt in parts)
        use = use_of(
            is_awaiting=is_awaiting, asked=row.amount, in_clearing=in_clearing, received=receipt.received
        )
        if receipt.use != use:
            yield Breach("I08b", f"receipt:{receipt.pk}", f"counted as {receipt.use}, it is {use}")
        expected = receipt_lines(row.terms, use=use, received=receipt.received, in_clearing=in_clearing)
        in_books = lines.get(receipt.transaction_id, [])
        yield from different_lines("I08b", f"receipt:{receipt.pk}", "its booking", in_books, expected)
        in_clearing = in_clearing + receipt.received if use == ReceiptUse.PART else 0
        is_awaiting = use == ReceiptUse.PART
    yield from _wrong_end(row, sum(part.received for part in parts), lines)


def _wrong_end(row: Collection, parts: int, lines: dict[int, list[Line]]) -> Iterator[Breach]:
    is_ended_in_part = row.state in UNPAID_COLLECTION_STATES and parts > 0
    expected = parts_credited_lines(row.terms, in_clearing=parts) if is_ended_in_part else []
    in_books = lines.get(row.parts_transaction_id or 0, [])
    yield from different_lines("I08b", f"collection:{row.pk}", "its end", in_books, expected)


def receipts_add_up(scope: AuditScope) -> Iterator[Breach]:
    summed: QuerySet[Any] = Collection.objects.annotate(total=Coalesce(Sum("receipts__received"), 0))
    wrong = summed.exclude(received=F("total"))
    for row in chain.from_iterable(collection_pages(scope, wrong)):
        yield Breach(
            "I08", f"collection:{row.pk}", f"received {row.received}, receipts add up to {row.total}"
        )


def clearing_is_what_is_paid_in_part(scope: AuditScope) -> Iterator[Breach]:
    """Compare the clearing account of each collection with its parts; what is complete or has ended leaves nothing.

    A fast audit compares the accounts that moved.
    """
    for currency in Currency:
        held = {owner: -amount for owner, amount in _clearing(currency).items() if amount}
        partial = Collection.objects.filter(
            ask_at__isnull=False, state__in=AWAITING_STATES, currency=currency, received__gt=0
        )
        expected = {
            clearing_of(pk, currency).owner: received
            for pk, received in partial.values_list("pk", "received")
        }
        for owner in sorted(_within(scope, currency, held.keys() | expected.keys())):
            if held.get(owner, 0) != expected.get(owner, 0):
                detail = (
                    f"clearing holds {held.get(owner, 0)} {currency}, its parts are {expected.get(owner, 0)}"
                )
                yield Breach("I13", owner, detail)


def _within(scope: AuditScope, currency: Currency, owners: set[str]) -> set[str]:
    if scope.since is None:
        return owners
    return owners & set(
        books.owners_posted_to(AccountRole.CONTRIBUTION_CLEARING, currency, since=scope.since)
    )


def _clearing(currency: Currency) -> dict[str, int]:
    pages = books.balance_pages(AccountRole.CONTRIBUTION_CLEARING, currency)
    return {owner: amount for page in pages for owner, amount in page.items()}
