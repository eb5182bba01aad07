"""Reads of money in that more than one module needs; other apps get frozen rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.db.models import Count, QuerySet

from ledger.enums import Currency
from ledger.types import Money
from sunusav.core.auditing import pages, rows_since
from transfers.enums import CollectionProblem, CollectionState, ReceiptUse
from transfers.models import Collection
from transfers.types import CollectionFacts, Settlement

# What counts towards the amount that was asked for; what comes on top is the payer's credit.
PAYING_USES = (ReceiptUse.PART, ReceiptUse.COMPLETE)


def collections_for(subjects: Iterable[str]) -> Mapping[str, CollectionFacts]:
    """Return, per subject, its newest collection, in one query."""
    rows = Collection.objects.filter(subject__in=list(subjects)).order_by("id")
    return {row.subject: collection_facts(row) for row in rows}


def has_live_collection(subject: str) -> bool:
    """Return whether a request for a subject can be paid, or was paid in full."""
    return Collection.objects.filter(live_subject=subject).exists()


def is_collection_open(*, method: str, reference: str) -> bool:
    """Return whether the request for money of this reference may still be paid, if there is one."""
    return Collection.objects.filter(method=method, reference=reference, ask_at__isnull=False).exists()


def live_due_for(subjects: Iterable[str]) -> dict[str, int]:
    """Return what is credited for each of these subjects once its live request is paid. Units: its currency."""
    return dict(Collection.objects.filter(live_subject__in=list(subjects)).values_list("subject", "due"))


def live_due_pages(prefix: str, *, since: datetime | None) -> Iterator[dict[str, int]]:
    """Yield what is credited once live requests are paid, by subject, a page at a time: all, or those of since."""
    rows = Collection.objects.filter(live_subject__startswith=prefix)
    for page in pages(rows_since(rows, "requested_at", since)):
        yield {row.subject: row.due for row in page}


def settled_subjects(subjects: Iterable[str]) -> set[str]:
    """Return those subjects whose collection was paid in full."""
    return set(credited_for(subjects))


def credited_for(subjects: Iterable[str]) -> dict[str, Money]:
    """Return what each subject's settled collection credited to its account."""
    rows = Collection.objects.filter(live_subject__in=list(subjects), state=CollectionState.SETTLED)
    credited = rows.values_list("subject", "due", "due_currency")
    return {subject: Money(due, Currency(currency)) for subject, due, currency in credited}


def settlement_of(subject: str) -> Settlement | None:
    """Return how the collection of a subject was paid in full, or None while it was not."""
    settled = Collection.objects.select_related("rate")
    row = settled.filter(live_subject=subject, state=CollectionState.SETTLED).first()
    if row is None:
        return None
    payments = list(row.receipts.filter(use__in=PAYING_USES).order_by("pk"))
    return Settlement(
        collection=collection_facts(row),
        rate_xof_per_btc=row.rate.rate_xof_per_btc if row.rate else None,
        is_fallback_rate=row.rate.is_fallback if row.rate else False,
        references=tuple(payment.reference for payment in payments),
        proofs=tuple(payment.proof for payment in payments if payment.proof),
        transaction_ids=tuple(payment.transaction_id for payment in payments),
    )


def collection_facts(row: Collection) -> CollectionFacts:
    """Return a collection as a frozen row."""
    return CollectionFacts(
        id=row.pk, subject=row.subject, method=row.method, state=row.state, amount=row.asked,
        received=Money(row.received, Currency(row.currency)), due=Money(row.due, Currency(row.due_currency)),
        reference=row.reference or "", payment_request=row.payment_request, checkout_url=row.checkout_url,
        expires_at=row.expires_at, settled_at=row.settled_at,
    )  # fmt: skip


def collections_with_problems() -> Mapping[str, int]:
    """Count the collections that a person should look at, by problem."""
    return dict(with_problems().values_list("trouble").annotate(count=Count("pk")))


def with_problems() -> QuerySet[Collection]:
    """Return the collections that a person should look at; there are few at any time."""
    return Collection.objects.filter(trouble__in=CollectionProblem.values)
