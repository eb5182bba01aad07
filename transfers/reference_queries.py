"""Reads by what a payment or a request for money is called at its provider."""

from collections.abc import Iterable

from transfers.models import Collection, PaymentOrder
from transfers.types import KnownReference


def subject_of_reference(*, method: str, reference: str) -> str:
    """Return the subject of the payment or request of this reference at a provider, or an empty string."""
    orders = PaymentOrder.objects.filter(rail=method, reference=reference)
    if (disbursement_id := orders.values_list("disbursement_id", flat=True).first()) is not None:
        return f"disbursement:{disbursement_id}"
    requests = Collection.objects.filter(method=method, reference=reference)
    collection_id = requests.values_list("pk", flat=True).first()
    return "" if collection_id is None else f"collection:{collection_id}"


def references_of_orders(
    disbursement_ids: Iterable[str], *, rails: Iterable[str]
) -> dict[str, KnownReference]:
    """Return the references of the orders of these disbursements at these rails, each with what it is of."""
    rows = PaymentOrder.objects.filter(disbursement_id__in=list(disbursement_ids), rail__in=list(rails))
    return {
        row.reference: KnownReference(row.rail, f"disbursement:{row.disbursement_id}")
        for row in rows.only("reference", "rail", "disbursement_id")
    }


def references_of_collections(ids: Iterable[str], *, methods: Iterable[str]) -> dict[str, KnownReference]:
    """Return the references of these collections by these methods, each with what it is of."""
    rows = Collection.objects.filter(pk__in=list(ids), method__in=list(methods), reference__isnull=False)
    return {
        row.reference: KnownReference(row.method, f"collection:{row.pk}")
        for row in rows.only("reference", "method")
        if row.reference
    }
