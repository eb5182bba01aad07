"""Names of payments and of requests for money at a partner, each of them a version 4 UUID.

That of a payment is random: it is stored before the first byte leaves, and a new one is made for each new order.
"""

from __future__ import annotations

import hmac
from uuid import UUID, uuid4

from django.conf import settings


def new_order_reference() -> str:
    """Return a reference that was never used."""
    return str(uuid4())


def collection_reference(partner: str, collection_id: int) -> str:
    """Return the reference of a collection: always the same, so that a crash leaves no orphan, and ours alone."""
    key = bytes.fromhex(settings.INVOICE_PREIMAGE_KEY)
    digest = hmac.digest(key, f"collection:{partner}:{collection_id}".encode(), "sha256")
    return str(UUID(bytes=digest[:16], version=4))
