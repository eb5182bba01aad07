"""Record the settlements that the node reports."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from lightning.collector import NAME, status_of
from lightning.models import ListenerCursor
from lightning.proto import lightning_pb2
from sunusav.core.errors import DomainError
from sunusav.core.transactions import retried_on_deadlock
from transfers.errors import CollectionMissing
from transfers.services.receipts import record_receipt

log = logging.getLogger(__name__)


def open_cursor(node_pubkey: str) -> ListenerCursor:
    """Return the cursor of a node; a new one is at 0."""
    return ListenerCursor.objects.get_or_create(node_pubkey=node_pubkey)[0]


def record_settlement(invoice: lightning_pb2.Invoice, *, now: datetime) -> None:
    """Credit the collection that this settled invoice belongs to, once, however often it is reported.

    Invoices that are not ours are ignored. One without its preimage is left to the sweep of open collections,
    which queries it again and raises the error.
    """
    reference = invoice.r_hash.hex()
    try:
        status = status_of(invoice, reference)
        record_receipt(
            method=NAME,
            reference=reference,
            received=status.received,
            proof=status.proof,
            received_at=status.settled_at or now,
            now=now,
        )
    except CollectionMissing:
        log.info("invoice %s is not one of our collections", reference)
    except DomainError:
        log.exception("could not record the settlement of %s", reference)


@retried_on_deadlock
@transaction.atomic
def record_settlement_at_cursor(invoice: lightning_pb2.Invoice, *, node_pubkey: str, now: datetime) -> None:
    """Record a settlement and move the node's cursor to it in one transaction."""
    record_settlement(invoice, now=now)
    move_cursor(node_pubkey, settle_index=invoice.settle_index, now=now)


def move_cursor(node_pubkey: str, *, settle_index: int, now: datetime) -> None:
    """Move a cursor forward, never back: settlements may be reported late."""
    ListenerCursor.objects.filter(node_pubkey=node_pubkey, settle_index__lt=settle_index).update(
        settle_index=settle_index, moved_at=now
    )
