"""Cancel collections: at the collector first, so that none is paid after it was cancelled here."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from sunusav.core.actors import Actor
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake, wake_for
from transfers.collection_queries import collection_facts
from transfers.collectors import collector
from transfers.enums import CollectionProblem, CollectionState
from transfers.errors import (
    CollectionAnsweredElsewhere,
    CollectionNotCancellable,
    CollectionSettled,
    CollectorUnknown,
)
from transfers.models import Collection
from transfers.services.collections import is_answered_elsewhere
from transfers.services.receipts import end_collection, record_payments
from transfers.services.switches import ask_collector
from transfers.types import CollectionFacts, CollectionStatus

SWEEP_TASK = "transfers.sweep_collections"
CANCELLABLE = (CollectionState.PENDING, CollectionState.OPEN, CollectionState.PARTIAL)


def cancel_collection(*, collection_id: int, actor: Actor, reason: str, now: datetime) -> CollectionFacts:
    """Cancel a collection once its collector confirms that nobody can pay it any more.

    One that was paid in full meanwhile is booked, and the cancellation refused; parts that arrived become the payer's
    credit. After it, the subject may be collected for again, by any method.
    Raises: CollectionSettled, CollectionNotCancellable, CollectionAnsweredElsewhere, CollectorUnknown,
    CollectorUnavailable, CollectionCurrencyDiffers.
    """
    row = Collection.objects.get(pk=collection_id)
    _require_cancellable(row)
    reference = _reference_of(row)
    status = ask_collector(partial(collector(row.method).cancel, reference), now=now)
    _record_paid(row, status, now)
    _require_over_at_collector(row, status)
    return collection_facts(_record_cancelled(row.pk, reference, actor=actor, reason=reason, now=now))


def withdraw_collections(*, subjects: Sequence[str], actor: Actor, reason: str, now: datetime) -> None:
    """End the open requests for subjects that have ended, in the caller's transaction, without any network.

    Parts that arrived become the payers' credit, as does whatever is still paid; credit that was used is returned. The
    collectors cancel the requests afterwards. A request being settled by another transaction is waited for.
    """
    live = Collection.objects.filter(live_subject__in=list(subjects), state__in=CANCELLABLE)
    rows = list(live.order_by("pk").select_for_update())
    for row in rows:
        end_collection(
            row, CollectionState.WITHDRAWN, "withdraw", actor=actor, reason=reason, now=now, ask_at=now,
            reference=row.reference or _reference_at_collector(row),
        )  # fmt: skip
    if rows:
        wake(SWEEP_TASK)


def _reference_at_collector(row: Collection) -> str | None:
    """Return the reference that a request has at its collector even before it is opened, where it has one."""
    try:
        return collector(row.method).reference_of(row.pk)
    except CollectorUnknown:
        return None


def _require_cancellable(row: Collection) -> None:
    if row.state == CollectionState.SETTLED:
        raise CollectionSettled(subject=row.subject, collection_id=row.pk)
    if row.state not in CANCELLABLE:
        raise _not_cancellable(row, "it is closed")


def _reference_of(row: Collection) -> str:
    """Return the reference at the collector, also of a request whose opening was not recorded."""
    reference = row.reference or collector(row.method).reference_of(row.pk)
    if reference is None:
        raise _not_cancellable(row, "whether it was opened is not known; ask for it again first")
    return reference


def _record_paid(row: Collection, status: CollectionStatus, now: datetime) -> None:
    """Book what was paid. A request whose opening was not recorded is booked when it is opened again.

    Raises: CollectionSettled when it is paid in full now, CollectionNotCancellable, CollectionCurrencyDiffers.
    """
    if not status.payments_of(row.reference or ""):
        return
    if row.reference is None:
        raise _not_cancellable(row, "whether it was opened is not known; ask for it again first")
    record_payments(row, status, now=now)
    row.refresh_from_db()
    _require_cancellable(row)


def _require_over_at_collector(row: Collection, status: CollectionStatus) -> None:
    if is_answered_elsewhere(row, status):
        Collection.objects.filter(pk=row.pk).update(trouble=CollectionProblem.ANSWERED_ELSEWHERE)
        raise CollectionAnsweredElsewhere(
            collection_id=row.pk, asked_of=row.source, answered_by=status.source
        )
    is_paid_in_part = row.state == CollectionState.PARTIAL and status.state == CollectionState.SETTLED
    if status.state != CollectionState.CANCELLED and not is_paid_in_part:
        raise _not_cancellable(row, "it is being paid at this moment")


@retried_on_deadlock
def _record_cancelled(
    collection_id: int, reference: str, *, actor: Actor, reason: str, now: datetime
) -> Collection:
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=collection_id)
        _require_cancellable(row)
        end_collection(
            row, CollectionState.CANCELLED, "cancel", actor=actor, now=now, reason=reason, reference=reference
        )
        wake_for(row.subject)
    return row


def _not_cancellable(row: Collection, why: str) -> CollectionNotCancellable:
    return CollectionNotCancellable(collection_id=row.pk, state=row.state, why=why)
