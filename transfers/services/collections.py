"""Money in: open a request to be paid, record what arrives, ask about what stays silent."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef
from sunusav.core.actors import Actor
from sunusav.core.doorbells import ring_for
from sunusav.core.money import msat_from_sats
from sunusav.core.transitions import move
from transfers.booking import receipt_lines
from transfers.collectors import collector
from transfers.enums import COLLECTION_TRANSITIONS, LIVE_COLLECTION_STATES, CollectionState, TransactionKind
from transfers.errors import CollectionMissing, CollectionSettled, CollectorUnavailable
from transfers.models import Collection, Receipt
from transfers.queries import collection_facts
from transfers.types import CollectionFacts, CollectionRequest

EXPIRES_IN_SECONDS = 24 * 60 * 60
# A payment that arrived in time may settle a little after the expiry.
EXPIRY_GRACE = timedelta(minutes=2)
ASK_OPEN_EVERY = timedelta(minutes=5)
ENGINE = Actor.system("transfers.collections")
_C = CollectionState

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
    """Ask to be paid for a subject; asking again while one is open gives the same request.

    The intent is committed before the collector is called, which is idempotent per collection.
    Raises: CollectionSettled, CollectorUnknown, CollectorUnavailable.
    """
    asking = collector(method)
    row = _live_or_new(
        subject=subject,
        amount_sats=amount_sats,
        method=method,
        credit=credit,
        overpaid=overpaid,
        memo=memo,
        now=now,
    )
    if row.state != _C.PENDING:
        return collection_facts(row)
    request = CollectionRequest(row.pk, row.amount_msat, row.memo, EXPIRES_IN_SECONDS)
    opened = asking.open(request, now=now)
    with transaction.atomic(durable=True):
        row = Collection.objects.select_for_update().get(pk=row.pk)
        if row.state == _C.PENDING:
            _move(
                row, _C.OPEN, "open", actor=actor, now=now, reference=opened.reference,
                payment_request=opened.payment_request, checkout_url=opened.checkout_url,
                expires_at=opened.expires_at, ask_at=now + ASK_OPEN_EVERY,
            )  # fmt: skip
    return collection_facts(row)


def record_receipt(
    *, reference: str, received_msat: int, proof: str, received_at: datetime, now: datetime
) -> bool:
    """Book money that arrived, in the caller's transaction; false if this payment was counted before.

    What arrives beyond the amount due is credited to the payer's overpayment account.
    Raises: CollectionMissing.
    """
    with transaction.atomic():
        row = Collection.objects.select_for_update().filter(reference=reference).first()
        if row is None:
            raise CollectionMissing(reference=reference)
        if Receipt.objects.filter(reference=reference).exists():
            return False
        booked = _book_receipt(row, received_msat, received_at)
        Receipt.objects.create(
            collection=row, reference=reference, received_msat=received_msat, proof=proof, received_at=received_at,
            transaction_id=booked,
        )  # fmt: skip
        _move_after_receipt(row, row.received_msat + received_msat, received_at, now)
        ring_for(row.subject)
    return True


def reconcile_collection(collection_id: int, *, now: datetime) -> None:
    """Ask the outside about one open collection and record what it says. Raises: CollectorUnavailable."""
    row = Collection.objects.get(pk=collection_id)
    if row.state != _C.OPEN or row.reference is None:
        return
    status = collector(row.method).find(row.reference)
    if status.state == "settled":
        record_receipt(
            reference=row.reference, received_msat=status.received_msat, proof=status.proof,
            received_at=status.settled_at or now, now=now,
        )  # fmt: skip
        return
    with transaction.atomic():
        row = Collection.objects.select_for_update().get(pk=collection_id)
        if row.state != _C.OPEN:
            return
        if status.state == "cancelled":
            _move(row, _C.EXPIRED, "expire", actor=ENGINE, now=now, ask_at=None)
        else:
            Collection.objects.filter(pk=row.pk).update(ask_at=_next_ask(row, now))


def sweep_collections(*, now: datetime, limit: int = 500) -> int:
    """Ask about every collection that is due to be asked about; return how many were."""
    due = Collection.objects.filter(ask_at__lte=now).order_by("ask_at").values_list("pk", "method")
    away: set[str] = set()
    asked = 0
    for collection_id, method in list(due[:limit]):
        if method in away:
            continue
        try:
            reconcile_collection(collection_id, now=now)
        except CollectorUnavailable as gone:
            logger.warning("collector %s is away, %s waits: %s", method, collection_id, gone.detail)
            away.add(method)
        else:
            asked += 1
    return asked


def _live_or_new(
    *,
    subject: str,
    amount_sats: int,
    method: str,
    credit: AccountRef,
    overpaid: AccountRef,
    memo: str,
    now: datetime,
) -> Collection:
    live = _usable(subject, now)
    if live is not None:
        return live
    row = Collection(
        subject=subject, method=method, amount_msat=msat_from_sats(amount_sats), memo=memo, requested_at=now,
        credit_role=credit.role, credit_owner=credit.owner, overpaid_role=overpaid.role, overpaid_owner=overpaid.owner,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return Collection.objects.get(live_subject=subject)
    return row


def _usable(subject: str, now: datetime) -> Collection | None:
    """Return the live collection of a subject; one past its expiry is asked about first."""
    row = Collection.objects.filter(live_subject=subject).first()
    if row is not None and row.state == _C.OPEN and row.expires_at is not None and row.expires_at < now:
        reconcile_collection(row.pk, now=now)
        row = Collection.objects.filter(live_subject=subject).first()
    if row is not None and row.state == _C.SETTLED:
        raise CollectionSettled(subject=subject, collection_id=row.pk)
    return row


def _book_receipt(row: Collection, received_msat: int, received_at: datetime) -> int:
    # Money that still arrives for a closed request is the payer's: nothing of it was due any more.
    due_msat = row.amount_msat - row.received_msat if row.state in LIVE_COLLECTION_STATES else 0
    lines = receipt_lines(
        received_msat=received_msat,
        due_msat=due_msat,
        arrived_in=collector(row.method).account,
        credit=AccountRef(AccountRole(row.credit_role), Currency.MSAT, row.credit_owner),
        overpaid=AccountRef(AccountRole(row.overpaid_role), Currency.MSAT, row.overpaid_owner),
    )
    reference = f"collection:{row.pk}:{row.reference}"
    return post(
        kind=TransactionKind.RECEIPT, reference=reference, lines=lines, at=received_at, subject=row.subject
    )


def _move_after_receipt(row: Collection, total_msat: int, received_at: datetime, now: datetime) -> None:
    if row.state not in (_C.OPEN, _C.PARTIAL):
        Collection.objects.filter(pk=row.pk).update(received_msat=total_msat)
    elif total_msat >= row.amount_msat:
        _move(row, _C.SETTLED, "settle", actor=ENGINE, now=now, received_msat=total_msat,
              settled_at=received_at, ask_at=None)  # fmt: skip
    elif row.state == _C.OPEN:
        _move(row, _C.PARTIAL, "receive_part", actor=ENGINE, now=now, received_msat=total_msat, ask_at=None)
    else:
        Collection.objects.filter(pk=row.pk).update(received_msat=total_msat)


def _next_ask(row: Collection, now: datetime) -> datetime:
    later = now + ASK_OPEN_EVERY
    if row.expires_at is not None and now < row.expires_at < later:
        return row.expires_at + EXPIRY_GRACE
    return later


def _move(row: Collection, state: str, action: str, *, actor: Actor, now: datetime, **fields: Any) -> None:
    move(
        row, state, allowed=COLLECTION_TRANSITIONS, subject=f"collection:{row.pk}", action=action, actor=actor,
        at=now, **fields,
    )  # fmt: skip
