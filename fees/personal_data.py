"""What is kept about a person here: their discounts. The fees of their payouts are listed with the payouts."""

from collections.abc import Iterator

from fees.enums import HOLDER_PREFIXES, DiscountKind
from fees.models import DiscountGrant
from sunusav.core.person_export import PersonalSection, Row


def discounts(user_id: str) -> Iterator[Row]:
    """Yield the discounts of a person, the oldest first."""
    holder = f"{HOLDER_PREFIXES[DiscountKind.SUBSCRIPTION]}{user_id}"
    for row in DiscountGrant.objects.filter(holder=holder).order_by("pk"):
        yield {
            "kind": row.kind, "discount_bps": row.discount_bps, "starts_at": row.starts_at, "ends_at": row.ends_at,
            "granted_for": row.granted_for, "granted_at": row.granted_at, "closed_at": row.closed_at,
        }  # fmt: skip


SECTIONS = [PersonalSection("discounts", ("fees.DiscountGrant",), discounts)]
NOT_EXPORTED = {"fees.FeeRecord": "the fees of payouts, which are exported, copied for settlements"}
