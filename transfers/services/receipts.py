"""What arrives for a collection, and the end of one: each in the caller's transaction or its own."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from ledger.services import post
from ledger.types import Money
from sunusav.core.actors import Actor
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake_for
from transfers.collectors import collector
from transfers.enums import (
    AWAITING_STATES,
    COLLECTION_TRANSITIONS,
    CollectionState,
    ReceiptUse,
    TransactionKind,
)
from transfers.errors import CollectionCurrencyDiffers, CollectionMissing
from transfers.models import Collection, Receipt
from transfers.receipt_booking import parts_credited_lines, receipt_lines, use_of
from transfers.services.credit import return_used_credit
from transfers.types import CollectedPayment, CollectionStatus

# A payment that arrived in time may settle a little after the expiry.
EXPIRY_GRACE = timedelta(minutes=2)
QUERY_OPEN_EVERY = timedelta(minutes=5)
QUERY_ENDED_AFTER = timedelta(hours=1)
ENGINE = Actor.system("transfers.collections")
_C = CollectionState

logger = logging.getLogger(__name__)


@retried_on_deadlock
def record_receipt(
    *,
    method: str,
    reference: str,
    received: Money,
    proof: str,
    received_at: datetime,
    now: datetime,
    payment_reference: str = "",
) -> bool:
    """Book money that arrived, in the caller's transaction; false if this payment was counted before.

    `payment_reference` distinguishes the payments of a collection that may be paid in parts; by default it is the
    collection's own reference. What arrives beyond the amount asked for becomes the payer's credit.
    Raises: CollectionMissing, CollectionCurrencyDiffers.
    """
    payment = CollectedPayment(payment_reference or reference, received, proof, received_at)
    with transaction.atomic():
        row = Collection.objects.select_for_update().filter(method=method, reference=reference).first()
        if row is None:
            raise CollectionMissing(reference=reference)
        return record_payment(row, payment, now=now)


@retried_on_deadlock
def record_payments(row: Collection, status: CollectionStatus, *, now: datetime) -> bool:
    """Book every payment that a collector reports, each once; return whether any was new.

    Raises: CollectionCurrencyDiffers.
    """
    with transaction.atomic():
        row = Collection.objects.select_for_update().get(pk=row.pk)
        payments = status.payments_of(row.reference or "")
        counted = [record_payment(row, payment, now=now) for payment in payments]
    return any(counted)


def record_payment(row: Collection, payment: CollectedPayment, *, now: datetime) -> bool:
    """Book one payment of a locked collection; false if it was counted before. Raises: CollectionCurrencyDiffers."""
    if payment.received.currency != row.currency:
        raise CollectionCurrencyDiffers(
            collection_id=row.pk, currency=row.currency, received_currency=payment.received.currency
        )
    if _is_counted(row, payment):
        return False
    received, received_at = payment.received.amount, payment.received_at or now
    is_awaiting = row.state in AWAITING_STATES
    in_clearing = row.received if is_awaiting else 0
    use = use_of(is_awaiting=is_awaiting, asked=row.amount, in_clearing=in_clearing, received=received)
    lines = receipt_lines(row.terms, use=use, received=received, in_clearing=in_clearing)
    booked = post(
        kind=TransactionKind.RECEIPT, reference=f"collection:{row.pk}:{payment.reference}", lines=lines,
        at=received_at, subject=row.subject,
    )  # fmt: skip
    Receipt.objects.create(
        collection=row, method=row.method, reference=payment.reference, received=received, use=use,
        proof=payment.proof, received_at=received_at, transaction_id=booked,
    )  # fmt: skip
    _move_after_receipt(row, use, row.received + received, received_at, now)
    wake_for(row.subject)
    return True


def _is_counted(row: Collection, payment: CollectedPayment) -> bool:
    known = Receipt.objects.filter(method=row.method, reference=payment.reference).first()
    if known is None:
        return False
    if (known.collection_id, known.received) != (row.pk, payment.received.amount):
        logger.error(
            "payment %s of collection %s was counted otherwise, by receipt %s",
            payment.reference, row.pk, known.pk,
        )  # fmt: skip
    return True


def end_collection(
    row: Collection, state: CollectionState, action: str, *, actor: Actor, now: datetime, **fields: Any
) -> None:
    """End a locked request that is not paid in full, in the caller's transaction.

    Its parts become the payer's credit, and credit that was used for its subject is returned.
    """
    if row.state == _C.PARTIAL:
        fields["parts_transaction_id"] = post(
            kind=TransactionKind.PARTS_CREDITED, reference=f"collection_end:{row.pk}",
            lines=parts_credited_lines(row.terms, in_clearing=row.received), at=now, subject=row.subject,
        )  # fmt: skip
        wake_for(row.subject)
    return_used_credit(subject=row.subject, actor=actor, reason=fields.get("reason", ""), now=now)
    fields.setdefault("ask_at", next_late_query(row, row.expires_at or now, now))
    move_collection(row, state, action, actor=actor, now=now, trouble="", **fields)


def _move_after_receipt(
    row: Collection, use: ReceiptUse, total: int, received_at: datetime, now: datetime
) -> None:
    if use is ReceiptUse.COMPLETE:
        move_collection(
            row, _C.SETTLED, "settle", actor=ENGINE, now=now, received=total, settled_at=received_at,
            ask_at=next_late_query(row, received_at, now), trouble="",
        )  # fmt: skip
    elif use is ReceiptUse.PART and row.state == _C.OPEN:
        move_collection(
            row,
            _C.PARTIAL,
            "receive_part",
            actor=ENGINE,
            now=now,
            received=total,
            ask_at=next_query(row, now),
        )
    else:
        row.received = total
        Collection.objects.filter(pk=row.pk).update(received=total)


def is_expired(row: Collection, now: datetime) -> bool:
    """Return whether a request can no longer be paid by its own terms.

    Before that, "cancelled" proves nothing: a node that was replaced or restored knows none of our requests.
    """
    return row.expires_at is None or now >= row.expires_at + EXPIRY_GRACE


def next_query(row: Collection, now: datetime) -> datetime:
    """Return when the collector is queried next about a request: in five minutes, or once it can have expired."""
    later = now + QUERY_OPEN_EVERY
    if row.expires_at is None or row.expires_at >= later or is_expired(row, now):
        return later
    return row.expires_at + EXPIRY_GRACE


def next_late_query(row: Collection, ended_at: datetime, now: datetime) -> datetime | None:
    """Return when the collector is queried next about a request that has ended; None once nothing can come any more.

    The first time after an hour, and then after as long again as has passed since the end.
    """
    late_for = collector(row.method).paid_late_for if row.method in settings.COLLECTORS else timedelta(0)
    until = ended_at + late_for
    if not late_for or now >= until:
        return None
    return min(now + max(QUERY_ENDED_AFTER, now - ended_at), until)


def move_collection(
    row: Collection, state: str, action: str, *, actor: Actor, now: datetime, **fields: Any
) -> None:
    """Change the state of a locked request, in the caller's transaction. Raises: TransitionNotAllowed, StateChanged."""
    move(
        row, state, allowed=COLLECTION_TRANSITIONS, subject=f"collection:{row.pk}", action=action, actor=actor,
        at=now, **fields,
    )  # fmt: skip
