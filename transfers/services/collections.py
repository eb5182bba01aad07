"""Money in: open a collection, record what arrives, query the collector about what is still open."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.money import msat_from_sats
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake_for
from transfers.booking import receipt_lines
from transfers.collectors import collector
from transfers.enums import (
    COLLECTION_TRANSITIONS,
    LIVE_COLLECTION_STATES,
    CollectionProblem,
    CollectionState,
    TransactionKind,
)
from transfers.errors import (
    CollectionAskedOtherwise,
    CollectionMissing,
    CollectionSettled,
    CollectorUnavailable,
    CollectorUnknown,
)
from transfers.models import Collection, Receipt
from transfers.queries import collection_facts
from transfers.types import CollectionFacts, CollectionRequest, CollectionStatus, OpenedCollection

EXPIRES_IN_SECONDS = 24 * 60 * 60
# A payment that arrived in time may settle a little after the expiry.
EXPIRY_GRACE = timedelta(minutes=2)
QUERY_OPEN_EVERY = timedelta(minutes=5)
QUERY_AGAIN_AFTER_PROBLEM = timedelta(minutes=1)
# The rest of a part payment may still come; after that the collector is no longer queried, and a person decides.
PART_PAID_IS_QUERIED_FOR = timedelta(days=7)
# A single failure may be due to the collection; this many in a row mean that its collector is unavailable.
FAILURES_IN_A_ROW = 3
ENGINE = Actor.system("transfers.collections")
_C = CollectionState
_P = CollectionProblem
AWAITING = (_C.OPEN, _C.PARTIAL)

logger = logging.getLogger(__name__)


def open_collection(
    *,
    subject: str,
    amount_sats: int,
    method: str,
    credit: AccountRef,
    overpaid: AccountRef,
    memo: str,
    actor: Actor,
    now: datetime,
) -> CollectionFacts:
    """Request money for a subject; while a request is open, the same one is returned.

    The intent is committed before the collector is called, which is idempotent per collection.
    Raises: CollectionSettled, CollectionAskedOtherwise, CollectorUnknown, CollectorUnavailable.
    """
    opener = collector(method)
    wanted = Collection(
        subject=subject, method=method, amount_msat=msat_from_sats(amount_sats), memo=memo, requested_at=now,
        credit_role=credit.role, credit_owner=credit.owner, overpaid_role=overpaid.role, overpaid_owner=overpaid.owner,
    )  # fmt: skip
    row = _live_or_stored(wanted, actor=actor, now=now)
    if row.state != _C.PENDING:
        return collection_facts(row)
    request = CollectionRequest(row.pk, row.amount_msat, row.memo, EXPIRES_IN_SECONDS)
    opened = opener.open(request, now=now)
    return collection_facts(_record_opened(row, opened, actor=actor, now=now))


@retried_on_deadlock
def record_receipt(
    *,
    reference: str,
    received_msat: int,
    proof: str,
    received_at: datetime,
    now: datetime,
    payment_reference: str = "",
) -> bool:
    """Book money that arrived, in the caller's transaction; false if this payment was counted before.

    `payment_reference` distinguishes the payments of a collection that may be paid in parts; by default it is the
    collection's own reference. What arrives beyond the amount due becomes the payer's credit.
    Raises: CollectionMissing.
    """
    payment_reference = payment_reference or reference
    with transaction.atomic():
        row = Collection.objects.select_for_update().filter(reference=reference).first()
        if row is None:
            raise CollectionMissing(reference=reference)
        if Receipt.objects.filter(reference=payment_reference).exists():
            return False
        booked = _book_receipt(row, payment_reference, received_msat, received_at)
        Receipt.objects.create(
            collection=row, reference=payment_reference, received_msat=received_msat, proof=proof,
            received_at=received_at, transaction_id=booked,
        )  # fmt: skip
        _move_after_receipt(row, row.received_msat + received_msat, received_at, now)
        wake_for(row.subject)
    return True


def reconcile_collection(collection_id: int, *, now: datetime) -> None:
    """Query the collector about one collection that awaits money, and record the answer.

    Raises: CollectorUnknown, CollectorUnavailable.
    """
    row = Collection.objects.get(pk=collection_id)
    if row.state not in AWAITING or row.reference is None:
        return
    status = collector(row.method).find(row.reference)
    if status.state == _C.SETTLED and record_receipt(
        reference=row.reference, payment_reference=status.payment_reference, proof=status.proof,
        received_msat=status.received_msat, received_at=status.settled_at or now, now=now,
    ):  # fmt: skip
        return
    _record_without_receipt(collection_id, status, now=now)


@retried_on_deadlock
def _record_without_receipt(collection_id: int, status: CollectionStatus, *, now: datetime) -> None:
    with transaction.atomic():
        row = Collection.objects.select_for_update().get(pk=collection_id)
        if row.state in AWAITING:
            _record_unpaid(row, status, now)


def is_answered_elsewhere(row: Collection, status: CollectionStatus) -> bool:
    """Return whether another node or account answered than the one that opened the request.

    "Not found" means cancelled only for an invoice which that node made.
    """
    return bool(row.source and status.source) and row.source != status.source


def _record_unpaid(row: Collection, status: CollectionStatus, now: datetime) -> None:
    is_elsewhere = is_answered_elsewhere(row, status)
    is_gone = row.state == _C.OPEN and status.state == _C.CANCELLED and _is_expired(row, now)
    if is_gone and not is_elsewhere:
        _move(row, _C.EXPIRED, "expire", actor=ENGINE, now=now, ask_at=None, trouble="")
        return
    is_left_unpaid = row.state == _C.PARTIAL and now >= _queried_until(row)
    problem = _P.PAID_IN_PART if is_left_unpaid else _P.ANSWERED_ELSEWHERE if is_elsewhere else ""
    ask_at = None if is_left_unpaid else _next_query(row, now)
    Collection.objects.filter(pk=row.pk).update(ask_at=ask_at, trouble=problem)


def sweep_collections(*, now: datetime, limit: int = 500) -> int:
    """Query the collectors about every collection that is due; return how many answered.

    Each method has its own list and limit, so that an unavailable collector never delays another.
    """
    due = Collection.objects.filter(ask_at__lte=now)
    methods = sorted(set(due.values_list("method", flat=True)))
    return sum(_sweep_method(method, now=now, limit=limit) for method in methods)


def _sweep_method(method: str, *, now: datetime, limit: int) -> int:
    due = Collection.objects.filter(method=method, ask_at__lte=now).order_by("ask_at")
    answered = failed_in_a_row = 0
    for collection_id in list(due.values_list("pk", flat=True)[:limit]):
        if not _defer(collection_id, now):
            continue
        try:
            reconcile_collection(collection_id, now=now)
        except DomainError as refused:
            logger.warning("collection %s by %s is queried later: %s", collection_id, method, refused)
            failed_in_a_row += 1
            if failed_in_a_row == FAILURES_IN_A_ROW:
                break
        else:
            answered += 1
            failed_in_a_row = 0
    return answered


def _defer(collection_id: int, now: datetime) -> bool:
    """Make a collection due again in a minute, in case the query fails; false if another worker has it.

    Done before the query: a collection that cannot be queried, or breaks its worker, never blocks the others.
    """
    due = Collection.objects.filter(pk=collection_id, ask_at__lte=now)
    return due.update(ask_at=now + QUERY_AGAIN_AFTER_PROBLEM) == 1


def _live_or_stored(wanted: Collection, *, actor: Actor, now: datetime) -> Collection:
    """Return the live collection of the subject if it has the wanted method, else store the wanted one.

    Raises: CollectionSettled, CollectionAskedOtherwise, CollectorUnavailable.
    """
    live = _usable(wanted.subject, now)
    if live is not None and live.method == wanted.method:
        return live
    if live is not None:
        _cancel_unannounced(live, actor=actor, now=now)
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:
        other = Collection.objects.get(live_subject=wanted.subject)
        if other.method != wanted.method:
            raise _other_method_open(other) from None
        return other
    return wanted


def _cancel_unannounced(row: Collection, *, actor: Actor, now: datetime) -> None:
    """Cancel a request of another method that no payer has seen; refuse when it may be paid.

    A request that was opened, but not recorded because of a crash, can be paid: it is cancelled at its collector
    first, by the reference it must have there. Where the provider assigns references, that is not possible.
    Raises: CollectionAskedOtherwise.
    """
    reference = _reference_cancelled_at_collector(row) if row.state == _C.PENDING else None
    if reference is None:
        raise _other_method_open(row)
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state != _C.PENDING:
            raise _other_method_open(row)
        _move(row, _C.CANCELLED, "give_way", actor=actor, now=now, reference=reference)


def _reference_cancelled_at_collector(row: Collection) -> str | None:
    try:
        opener = collector(row.method)
        reference = opener.reference_of(row.pk)
        is_cancelled = reference is not None and opener.cancel(reference).state == _C.CANCELLED
    except (CollectorUnknown, CollectorUnavailable):
        return None
    return reference if is_cancelled else None


def _other_method_open(row: Collection) -> CollectionAskedOtherwise:
    return CollectionAskedOtherwise(
        subject=row.subject, collection_id=row.pk, open_method=row.method, expires_at=row.expires_at
    )


@retried_on_deadlock
def _record_opened(row: Collection, opened: OpenedCollection, *, actor: Actor, now: datetime) -> Collection:
    """Record what the payer needs, unless the request was cancelled meanwhile. Raises: CollectionAskedOtherwise."""
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state == _C.PENDING:
            _move(
                row, _C.OPEN, "open", actor=actor, now=now, reference=opened.reference,
                payment_request=opened.payment_request, checkout_url=opened.checkout_url,
                expires_at=opened.expires_at, source=opened.source, ask_at=now + QUERY_OPEN_EVERY,
            )  # fmt: skip
    if row.state == _C.CANCELLED:
        raise _other_method_open(Collection.objects.filter(live_subject=row.subject).first() or row)
    return row


def _usable(subject: str, now: datetime) -> Collection | None:
    """Return the live collection of a subject; the collector is queried first about one past its expiry."""
    row = Collection.objects.filter(live_subject=subject).first()
    if row is not None and row.state == _C.OPEN and row.expires_at is not None and row.expires_at < now:
        reconcile_collection(row.pk, now=now)
        row = Collection.objects.filter(live_subject=subject).first()
    if row is not None and row.state == _C.SETTLED:
        raise CollectionSettled(subject=subject, collection_id=row.pk)
    return row


def _book_receipt(row: Collection, payment_reference: str, received_msat: int, received_at: datetime) -> int:
    # Money that arrives for a closed request is the payer's, since nothing was due any more.
    due_msat = row.amount_msat - row.received_msat if row.state in LIVE_COLLECTION_STATES else 0
    lines = receipt_lines(
        received_msat=received_msat,
        due_msat=due_msat,
        arrived_in=collector(row.method).account,
        credit=AccountRef(AccountRole(row.credit_role), Currency.MSAT, row.credit_owner),
        overpaid=AccountRef(AccountRole(row.overpaid_role), Currency.MSAT, row.overpaid_owner),
    )
    reference = f"collection:{row.pk}:{payment_reference}"
    return post(
        kind=TransactionKind.RECEIPT, reference=reference, lines=lines, at=received_at, subject=row.subject
    )


def _move_after_receipt(row: Collection, total_msat: int, received_at: datetime, now: datetime) -> None:
    if row.state not in AWAITING:
        Collection.objects.filter(pk=row.pk).update(received_msat=total_msat)
    elif total_msat >= row.amount_msat:
        _move(row, _C.SETTLED, "settle", actor=ENGINE, now=now, received_msat=total_msat,
              settled_at=received_at, ask_at=None, trouble="")  # fmt: skip
    elif row.state == _C.OPEN:
        _move(row, _C.PARTIAL, "receive_part", actor=ENGINE, now=now, received_msat=total_msat,
              ask_at=_next_query(row, now))  # fmt: skip
    else:
        Collection.objects.filter(pk=row.pk).update(received_msat=total_msat, ask_at=_next_query(row, now))


def _is_expired(row: Collection, now: datetime) -> bool:
    """Return whether a request can no longer be paid by its own terms.

    Before that, "cancelled" proves nothing: a node that was replaced or restored knows none of our requests.
    """
    return row.expires_at is None or now >= row.expires_at + EXPIRY_GRACE


def _queried_until(row: Collection) -> datetime:
    """Return until when the rest of a part payment may come; after that a person decides."""
    return (row.expires_at or row.requested_at) + PART_PAID_IS_QUERIED_FOR


def _next_query(row: Collection, now: datetime) -> datetime:
    later = now + QUERY_OPEN_EVERY
    if row.expires_at is None or row.expires_at >= later or _is_expired(row, now):
        return later
    return row.expires_at + EXPIRY_GRACE


def _move(row: Collection, state: str, action: str, *, actor: Actor, now: datetime, **fields: Any) -> None:
    move(
        row, state, allowed=COLLECTION_TRANSITIONS, subject=f"collection:{row.pk}", action=action, actor=actor,
        at=now, **fields,
    )  # fmt: skip
