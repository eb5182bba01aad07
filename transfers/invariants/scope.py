"""Which rows an audit reads, a page at a time: all of them, or those that changed since a moment or may still change.

A fast audit collects the keys of changed rows first, with one indexed query per reason; a single query that joins the
reasons by OR would read the whole table.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from django.db.models import QuerySet

from ledger import queries as books
from sunusav.core.auditing import AuditScope, pages, rows_since
from transfers.enums import AWAITING_STATES, AttemptState
from transfers.models import Attempt, Collection, Disbursement, Receipt

SUCCEEDED = Attempt.objects.filter(state=AttemptState.SUCCEEDED)


def disbursement_pages(scope: AuditScope, rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield pages of these rows: all, or those requested, held or moved since, or due."""
    if scope.since is None:
        return pages(rows)
    requested = rows_since(Disbursement.objects.all(), "requested_at", scope.since)
    due = Disbursement.objects.filter(due_at__isnull=False)
    first = books.first_transaction_since(scope.since)
    held = Disbursement.objects.filter(hold_transaction_id__gte=first)
    keys = set(held.values_list("pk", flat=True))
    keys |= set(requested.values_list("pk", flat=True)) | set(due.values_list("pk", flat=True))
    for moved in _moved_attempts(scope):
        keys |= set(moved.values_list("disbursement_id", flat=True))
    return pages(rows, keys)


def attempt_pages(scope: AuditScope, rows: QuerySet[Attempt]) -> Iterator[list[Attempt]]:
    """Yield pages of these rows, with order and disbursement: all, or those opened or closed since, or open."""
    rows = rows.select_related("order", "disbursement")
    if scope.since is None:
        return pages(rows)
    moved = (query.values_list("pk", flat=True) for query in _moved_attempts(scope))
    return pages(rows, set(chain.from_iterable(moved)))


def _moved_attempts(scope: AuditScope) -> list[QuerySet[Attempt]]:
    assert scope.since is not None, "a full audit reads all rows"  # noqa: S101  (a programmer's mistake)
    return [
        Attempt.objects.filter(closed_at__gte=scope.since),
        Attempt.objects.filter(closed_at=None),
    ]


def receipt_pages(scope: AuditScope) -> Iterator[list[Receipt]]:
    """Yield pages of the receipts booked since."""
    return pages(_receipts(scope))


def collection_pages(scope: AuditScope, rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield pages of these rows: all, or those requested or paid into since, or that await money."""
    if scope.since is None:
        return pages(rows)
    requested = rows_since(Collection.objects.all(), "requested_at", scope.since)
    awaiting = Collection.objects.filter(ask_at__isnull=False, state__in=AWAITING_STATES)
    keys = set(requested.values_list("pk", flat=True)) | set(awaiting.values_list("pk", flat=True))
    first = books.first_transaction_since(scope.since)
    ended = Collection.objects.filter(parts_transaction_id__gte=first)
    keys |= set(ended.values_list("pk", flat=True))
    return pages(rows, keys | set(_receipts(scope).values_list("collection_id", flat=True)))


def _receipts(scope: AuditScope) -> QuerySet[Receipt]:
    return Receipt.objects.filter(transaction_id__gte=books.first_transaction_since(scope.since))


def missing(expected: Sequence[int], found: Iterable[int | None]) -> list[int]:
    """Return the ids of a page of the books that no row here refers to."""
    return sorted(set(expected) - set(found))


def name_of_attempt(attempt: Attempt) -> str:
    return f"disbursement:{attempt.disbursement_id}:attempt:{attempt.number}"
