"""Money in: open a collection, record what arrives, query the collector about what is still open."""

import logging
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction

from ledger.types import AccountRef, Money
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.privacy import reveal, seal
from sunusav.core.subjects import require_subject
from sunusav.core.transactions import retried_on_deadlock
from transfers.collection_queries import collection_facts
from transfers.collectors import collector
from transfers.enums import (
    AWAITING_STATES,
    CollectionProblem,
    CollectionState,
)
from transfers.errors import (
    CollectionAskedOtherwise,
    CollectionSettled,
    CollectionWithdrawn,
    CollectorNeedsPhone,
    CollectorTakesNoPhone,
    CollectorUnavailable,
    CollectorUnknown,
)
from transfers.models import Collection
from transfers.queries import is_switched_off
from transfers.services.amounts import fix_collection_amount
from transfers.services.receipts import (
    ENGINE,
    QUERY_OPEN_EVERY,
    end_collection,
    is_expired,
    move_collection,
    next_late_query,
    next_query,
    record_payment,
)
from transfers.services.switches import ask_collector, require_collector_on
from transfers.types import (
    CollectionFacts,
    CollectionRequest,
    CollectionStatus,
    OpenedCollection,
)

EXPIRES_IN_SECONDS = 24 * 60 * 60
QUERY_AGAIN_AFTER_PROBLEM = timedelta(minutes=1)
# A single failure may be due to the collection; this many in a row mean that its collector is unavailable.
FAILURES_IN_A_ROW = 3
_C = CollectionState
_P = CollectionProblem

logger = logging.getLogger(__name__)


def open_collection(
    *,
    subject: str,
    due: Money,
    method: str,
    credit: AccountRef,
    overpaid: AccountRef,
    memo: str,
    actor: Actor,
    now: datetime,
    phone: str = "",
    reason: str = "",
) -> CollectionFacts:
    """Request money for a subject; while a request is open, the same one is returned.

    Raises: as `make_way`, `request_collection` and `announce_collection`.
    """
    make_way(subject=subject, method=method, actor=actor, now=now)
    stored = request_collection(
        subject=subject, due=due, method=method, credit=credit, overpaid=overpaid, memo=memo, now=now, phone=phone,
    )  # fmt: skip
    return announce_collection(stored, actor=actor, now=now, reason=reason)


def make_way(*, subject: str, method: str, actor: Actor, now: datetime) -> None:
    """Query or cancel what is left of an earlier request for a subject, so that another can be stored.

    Raises: CollectionSettled, CollectionAskedOtherwise, CollectorUnknown, CollectorUnavailable.
    """
    collector(method)
    live = _usable(subject, now)
    if live is not None and live.method != method:
        _cancel_unannounced(live, actor=actor, now=now)


def request_collection(
    *,
    subject: str,
    due: Money,
    method: str,
    credit: AccountRef,
    overpaid: AccountRef,
    memo: str,
    now: datetime,
    phone: str = "",
) -> int:
    """Store a request for money, in the caller's transaction; return its id, or that of the open one.

    `due` is credited to `credit`; a collector in the other currency asks for what it is worth now. What is not asked
    for becomes credit of the owner of `overpaid`, whose phone it is. Nobody can pay it before it is announced.
    Raises: SubjectMissing, CollectionSettled, CollectionAskedOtherwise, CollectorUnknown, CollectorTakesNoPhone,
    CollectorNeedsPhone, CollectorSwitchedOff, RateNotFresh.
    """
    require_subject(subject)
    opener = collector(method)
    if phone and not opener.wants_phone:
        raise CollectorTakesNoPhone(method=method)
    if opener.needs_phone and not phone:
        raise CollectorNeedsPhone(method=method)
    wanted = Collection(
        subject=subject, method=method, currency=opener.account.currency, due_currency=due.currency, due=due.amount,
        memo=memo, requested_at=now, ask_at=now + timedelta(seconds=EXPIRES_IN_SECONDS),
        account_role=opener.account.role, account_owner=opener.account.owner,
        credit_role=credit.role, credit_owner=credit.owner, overpaid_role=overpaid.role, overpaid_owner=overpaid.owner,
        sealed_phone=seal(overpaid.owner, phone) if phone else None,
    )  # fmt: skip
    return _live_or_stored(wanted, now).pk


def announce_collection(
    collection_id: int, *, actor: Actor, now: datetime, reason: str = ""
) -> CollectionFacts:
    """Open a stored request at its collector, once: the payer can pay it from then on.

    The collector is called outside any transaction; the call is idempotent per collection.
    Raises: CollectorUnavailable, CollectorSwitchedOff, CollectionWithdrawn or CollectionAskedOtherwise when it ended
    meanwhile.
    """
    row = Collection.objects.get(pk=collection_id)
    if row.state == _C.PENDING:
        require_collector_on(row.method)
        opened = ask_collector(partial(collector(row.method).open, _request_of(row), now=now), now=now)
        row = _record_opened(row, opened, actor=actor, reason=reason, now=now)
    _require_not_ended(row)
    return collection_facts(row)


def reconcile_collection(collection_id: int, *, now: datetime) -> None:
    """Query the collector about one collection, and record the answer: one that has ended may be paid late.

    Raises: CollectorUnknown, CollectorUnavailable, CollectionCurrencyDiffers.
    """
    row = Collection.objects.get(pk=collection_id)
    if row.state == _C.PENDING:
        _withdraw_unopened(row, now=now)
    elif row.state == _C.WITHDRAWN:
        _cancel_withdrawn(row, now=now)
    if row.reference is None:
        return
    asked = collector(row.method)
    status = ask_collector(partial(asked.find, row.reference), now=now)
    is_to_end = row.state == _C.PARTIAL and is_expired(row, now) and not is_answered_elsewhere(row, status)
    if is_to_end and status.state == _C.OPEN:
        status = ask_collector(partial(asked.cancel, row.reference), now=now)
    _record_status(collection_id, status, now=now)


@retried_on_deadlock
def _withdraw_unopened(row: Collection, *, now: datetime) -> None:
    """End a request that was stored and never opened, which returns the credit used for its subject."""
    with transaction.atomic():
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state == _C.PENDING:
            end_collection(row, _C.WITHDRAWN, "withdraw", actor=ENGINE, now=now, ask_at=now)


def _cancel_withdrawn(row: Collection, *, now: datetime) -> None:
    """Have the collector cancel a withdrawn request; one whose opening was not recorded is opened to learn its name."""
    asked = collector(row.method)
    reference = row.reference or asked.reference_of(row.pk)
    if reference is None and is_switched_off(row.method):
        return  # it is learnt once the collector is on again
    if reference is None:
        reference = ask_collector(partial(asked.open, _request_of(row), now=now), now=now).reference
    status = ask_collector(partial(asked.cancel, reference), now=now)
    Collection.objects.filter(pk=row.pk, reference=None).update(reference=reference)
    _record_status(row.pk, status, now=now)


@retried_on_deadlock
def _record_status(collection_id: int, status: CollectionStatus, *, now: datetime) -> None:
    with transaction.atomic():
        row = Collection.objects.select_for_update().get(pk=collection_id)
        for payment in status.payments_of(row.reference or ""):
            record_payment(row, payment, now=now)
        if row.state in AWAITING_STATES:
            _record_unpaid(row, status, now)
        elif row.state == _C.WITHDRAWN and not _is_over(row, status, now):
            _query_again(row, status, now)
        else:
            ended_at = row.settled_at or row.expires_at or row.requested_at
            Collection.objects.filter(pk=row.pk).update(
                ask_at=next_late_query(row, ended_at, now), trouble=""
            )


def is_answered_elsewhere(row: Collection, status: CollectionStatus) -> bool:
    """Return whether another node or account answered than the one that opened the request.

    "Not found" means cancelled only for an invoice which that node made.
    """
    return bool(row.source and status.source) and row.source != status.source


def _record_unpaid(row: Collection, status: CollectionStatus, now: datetime) -> None:
    if is_expired(row, now) and _is_over(row, status, now):
        end_collection(row, _C.EXPIRED, "expire", actor=ENGINE, now=now)
    else:
        _query_again(row, status, now)


def _is_over(row: Collection, status: CollectionStatus, now: datetime) -> bool:
    """Return whether nothing can be paid any more at the collector that opened the request.

    One that was paid in part, or withdrawn, is over, too, once its provider reports it as paid; one that its provider
    does not list before that, once it has expired.
    """
    has_ended = status.state == _C.CANCELLED or (status.is_unlisted and is_expired(row, now))
    is_paid = status.state == _C.SETTLED and row.state in (_C.PARTIAL, _C.WITHDRAWN)
    return (has_ended or is_paid) and not is_answered_elsewhere(row, status)


def _query_again(row: Collection, status: CollectionStatus, now: datetime) -> None:
    problem = _P.ANSWERED_ELSEWHERE if is_answered_elsewhere(row, status) else ""
    Collection.objects.filter(pk=row.pk).update(ask_at=next_query(row, now), trouble=problem)


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


def _live_or_stored(wanted: Collection, now: datetime) -> Collection:
    """Return the live collection of the subject if it has the wanted method, else store the wanted one.

    Raises: CollectorSwitchedOff, CollectionSettled, CollectionAskedOtherwise, RateNotFresh.
    """
    live = Collection.objects.filter(live_subject=wanted.subject).first()
    if live is None or live.state == _C.PENDING:
        require_collector_on(wanted.method)
    if live is None and _is_stored(wanted, now):
        return wanted
    live = live or Collection.objects.get(live_subject=wanted.subject)
    if live.state == _C.SETTLED:
        raise CollectionSettled(subject=live.subject, collection_id=live.pk)
    if live.method != wanted.method:
        raise _other_method_open(live)
    return live


def _is_stored(wanted: Collection, now: datetime) -> bool:
    """Store a request; false if another was stored for its subject at the same moment. Raises: RateNotFresh."""
    try:
        with transaction.atomic():
            fix_collection_amount(wanted, now)
            wanted.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _request_of(row: Collection) -> CollectionRequest:
    """Return what the collector is asked to open. Raises: PersonErased when a phone belongs to it."""
    phone = reveal(row.overpaid_owner, bytes(row.sealed_phone)) if row.sealed_phone else ""
    return CollectionRequest(row.pk, row.asked, row.memo, EXPIRES_IN_SECONDS, phone)


def _cancel_unannounced(row: Collection, *, actor: Actor, now: datetime) -> None:
    """Cancel a request of another method that no payer has seen; refuse when it may be paid.

    A request that was opened, but not recorded because of a crash, can be paid: it is cancelled at its collector
    first, by the reference it must have there. Where the provider assigns references, that is not possible.
    Raises: CollectionAskedOtherwise.
    """
    reference = _reference_cancelled_at_collector(row, now) if row.state == _C.PENDING else None
    if reference is None:
        raise _other_method_open(row)
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state != _C.PENDING:
            raise _other_method_open(row)
        end_collection(row, _C.CANCELLED, "give_way", actor=actor, now=now, reference=reference)


def _reference_cancelled_at_collector(row: Collection, now: datetime) -> str | None:
    try:
        opener = collector(row.method)
        reference = opener.reference_of(row.pk)
        is_cancelled = (
            reference is not None
            and ask_collector(partial(opener.cancel, reference), now=now).state == _C.CANCELLED
        )
    except (CollectorUnknown, CollectorUnavailable):
        return None
    return reference if is_cancelled else None


def _other_method_open(row: Collection) -> CollectionAskedOtherwise:
    return CollectionAskedOtherwise(
        subject=row.subject, collection_id=row.pk, open_method=row.method, expires_at=row.expires_at
    )


@retried_on_deadlock
def _record_opened(
    row: Collection, opened: OpenedCollection, *, actor: Actor, reason: str, now: datetime
) -> Collection:
    """Record what the payer needs, or of a request that was withdrawn meanwhile, what is to be cancelled."""
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state == _C.PENDING:
            move_collection(
                row, _C.OPEN, "open", actor=actor, reason=reason, now=now, reference=opened.reference,
                payment_request=opened.payment_request, checkout_url=opened.checkout_url,
                expires_at=opened.expires_at, source=opened.source, ask_at=now + QUERY_OPEN_EVERY,
            )  # fmt: skip
        elif row.state == _C.WITHDRAWN:
            row.reference = row.reference or opened.reference
            Collection.objects.filter(pk=row.pk).update(
                reference=row.reference, source=opened.source, expires_at=opened.expires_at, ask_at=now
            )
    return row


def _require_not_ended(row: Collection) -> None:
    """Refuse a request that ended while it was opened. Raises: CollectionWithdrawn, CollectionAskedOtherwise."""
    if row.state == _C.WITHDRAWN:
        raise CollectionWithdrawn(subject=row.subject, collection_id=row.pk)
    if row.state == _C.CANCELLED:
        raise _other_method_open(Collection.objects.filter(live_subject=row.subject).first() or row)


def _usable(subject: str, now: datetime) -> Collection | None:
    """Return the live collection of a subject; the collector is queried first about one past its expiry."""
    row = Collection.objects.filter(live_subject=subject).first()
    if (
        row is not None
        and row.state in AWAITING_STATES
        and row.expires_at is not None
        and row.expires_at < now
    ):
        reconcile_collection(row.pk, now=now)
        row = Collection.objects.filter(live_subject=subject).first()
    if row is not None and row.state == _C.SETTLED:
        raise CollectionSettled(subject=subject, collection_id=row.pk)
    return row
