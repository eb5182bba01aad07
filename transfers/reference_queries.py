"""Reads by what a payment or a request for money is called at its provider."""

from collections.abc import Iterable

from transfers.models import Collection, Disbursement, PaymentOrder
from transfers.types import KnownReference


def payment_of_reference(*, rail: str, reference: str) -> Disbursement | None:
    """Return the payment whose order has this reference at a rail."""
    return Disbursement.objects.filter(orders__rail=rail, orders__reference=reference).first()


def references_of_orders(
    disbursement_ids: Iterable[str], *, rails: Iterable[str]
) -> dict[str, KnownReference]:
    """Return the references of the orders of these disbursements at these rails, each with what it is of."""
    rows = PaymentOrder.objects.filter(disbursement_id__in=list(disbursement_ids), rail__in=list(rails))
    return {
        row.reference: KnownReference(row.rail, f"disbursement:{row.disbursement_id}")
        for row in rows.only("reference", "rail", "disbursement_id")
    }


def collection_of_reference(*, method: str, reference: str) -> Collection | None:
    """Return the request for money of this reference by a method."""
    return Collection.objects.filter(method=method, reference=reference).first()


def references_of_collections(ids: Iterable[str], *, methods: Iterable[str]) -> dict[str, KnownReference]:
    """Return the references of these collections by these methods, each with what it is of."""
    rows = Collection.objects.filter(pk__in=list(ids), method__in=list(methods), reference__isnull=False)
    return {
        row.reference: KnownReference(row.method, f"collection:{row.pk}")
        for row in rows.only("reference", "method")
        if row.reference
    }
