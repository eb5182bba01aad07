"""Open attempts: the intent is committed before the first byte leaves. The amount is held since the beginning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from sunusav.core.bulk import insert_all
from sunusav.core.trail import record_all
from sunusav.core.transactions import retried_on_deadlock
from transfers.engine.attempts import attempt_entry
from transfers.engine.claims import Claim, require_claims
from transfers.engine.destinations import payload_of
from transfers.engine.policy import LEASE
from transfers.enums import AttemptState, ReviewCode
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.rails import rail
from transfers.services.destinations import is_as_approved
from transfers.services.disbursements import require_reference_free
from transfers.services.limits import Admission, NotAdmitted, admit
from transfers.types import Deferral, Order


@dataclass(frozen=True)
class Opening:
    """What a claimed disbursement is about to send.

    `number` is one more than that of its newest attempt: only the holder of the claim can open another.
    """

    claim: Claim
    order: Order
    number: int


@dataclass(frozen=True)
class Try:
    """A stored order for which one more attempt is made: it is sent, or was paid by an earlier send."""

    row: Disbursement
    order: PaymentOrder
    number: int
    is_sent: bool = True


def open_attempts(openings: Sequence[Opening], /, *, now: datetime) -> list[Attempt | Deferral]:
    """Commit the intents: orders and attempts. All or none, except what limits defer.

    What is not as it was approved waits for a person. Raises: ClaimLost, PaymentReferenceUsed.
    """
    deferrals = {
        one.claim.disbursement_id: Deferral(ReviewCode.APPROVAL_DIFFERS, {}, None)
        for one in openings
        if not is_as_approved(one.claim.row, one.claim.keys)
    }
    while remaining := [one for one in openings if one.claim.disbursement_id not in deferrals]:
        try:
            opened = _open_attempts(remaining, now=now)
        except NotAdmitted as refusal:
            deferrals |= refusal.deferrals
        else:
            return _in_order(openings, opened, deferrals)
    return [deferrals[one.claim.disbursement_id] for one in openings]


def _in_order(
    openings: Sequence[Opening], opened: Sequence[Attempt], deferrals: Mapping[int, Deferral]
) -> list[Attempt | Deferral]:
    attempts = {attempt.disbursement_id: attempt for attempt in opened}
    ids = [one.claim.disbursement_id for one in openings]
    return [deferrals[one] if one in deferrals else attempts[one] for one in ids]


@retried_on_deadlock
def _open_attempts(openings: Sequence[Opening], *, now: datetime) -> list[Attempt]:
    try:
        return _commit_intents(openings, now=now)
    except IntegrityError:
        # Another disbursement's order with the same reference was committed meanwhile; ours is rolled back.
        for one in openings:
            require_reference_free(one.order.reference, disbursement_id=one.claim.disbursement_id)
        raise


def _commit_intents(openings: Sequence[Opening], *, now: datetime) -> list[Attempt]:
    with transaction.atomic(durable=True):
        require_claims([one.claim for one in openings], now=now)
        orders = _store_orders(openings, now)
        tries = [Try(one.claim.row, order, one.number) for one, order in zip(openings, orders, strict=True)]
        attempts = insert_attempts(tries, now=now)
        # Last: every opening needs the lock on the limits, and it is kept until the commit.
        admit([Admission(one.claim.row, one.claim.destination.replaced_at) for one in openings], now=now)
        return attempts


def insert_attempts(tries: Sequence[Try], *, now: datetime) -> list[Attempt]:
    """Open attempts, in the caller's transaction, under the locks of their rows."""
    attempts = [
        Attempt(
            disbursement=one.row, order=one.order, number=one.number, opened_at=now,
            sent_at=now if one.is_sent else None, send_not_after=now + LEASE if one.is_sent else None,
            sends=int(one.is_sent),
        )
        for one in tries
    ]  # fmt: skip
    insert_all(attempts, by="order_id")
    record_all([
        attempt_entry(attempt, "open_attempt", AttemptState.PREPARED, now, reference=attempt.order.reference)
        for attempt in attempts
    ])  # fmt: skip
    return attempts


def _store_orders(openings: Sequence[Opening], now: datetime) -> list[PaymentOrder]:
    known = _known_orders(openings)
    orders = [known.get(one.order.reference) or _new_order(one, now) for one in openings]
    new = [order for order in orders if order._state.adding]
    if new:
        insert_all(new, by="reference")
    return orders


def _known_orders(openings: Sequence[Opening]) -> dict[str, PaymentOrder]:
    """Return the stored orders that are opened again. Only a disbursement with earlier attempts can have one."""
    again = {one.order.reference: one for one in openings if one.number > 1}
    if not again:
        return {}
    return {
        stored.reference: stored
        for stored in PaymentOrder.objects.filter(reference__in=again).select_related("disbursement")
        if _is_stored(stored, again[stored.reference])
    }


def _is_stored(stored: PaymentOrder, opening: Opening) -> bool:
    claim = opening.claim
    if stored.disbursement_id != claim.disbursement_id:
        return False
    return payload_of(stored, claim.keys) == opening.order.payload


def _new_order(opening: Opening, now: datetime) -> PaymentOrder:
    order, paid_by = opening.order, rail(opening.order.rail)
    keys, person = opening.claim.keys, opening.claim.row.person_ref
    return PaymentOrder(
        disbursement=opening.claim.row, rail=order.rail, reference=order.reference,
        sealed_payload=keys.seal(person, order.payload), payee_digest=keys.digest(person, order.payee),
        currency=order.amount.currency, amount=order.amount.amount, cost_limit=order.cost_limit.amount,
        paid_from=paid_by.account.code, cost_account=paid_by.cost_account.code,
        source=order.source, expires_at=order.expires_at, give_up_after=order.give_up_after, prepared_at=now,
        destination_digest=opening.claim.destination.digest, is_renewable=order.is_renewable,
    )  # fmt: skip
