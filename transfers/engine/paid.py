"""Book payments: the provider, or two people, proved that an attempt was paid. One durable transaction each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from fees.services import record_fees
from fees.types import FixedFee
from ledger.queries import rates_of_conversions
from ledger.services import post_all
from ledger.types import Posting
from sunusav.core.bulk import update_each
from sunusav.core.switches import pause_outgoing
from sunusav.core.trail import record
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move_all
from transfers.engine.attempts import attempt_entry, attempts_allowed_to_become, locked_attempt
from transfers.engine.claims import ENGINE, Claim, claimed_rows
from transfers.engine.opening import Try, insert_attempts
from transfers.engine.policy import FIRST_WATCH_AFTER
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    OPEN_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    TransactionKind,
)
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import subject_of
from transfers.services.amounts import payment_lines
from transfers.services.disbursements import locked, record_outcomes
from transfers.types import Succeeded

PAID: Final = "paid"
RESOLVED_AS_PAID: Final = "resolved_as_paid"
_S = DisbursementState


@dataclass(frozen=True)
class Payment:
    """An open attempt of a claimed disbursement, and the proof that it was paid."""

    claim: Claim
    attempt: Attempt
    proven: Succeeded


@dataclass(frozen=True)
class _Booking:
    attempt: Attempt
    row: Disbursement
    proven: Succeeded
    outcome: str = PAID


@retried_on_deadlock
def close_all_as_paid(payments: Sequence[Payment], /, *, now: datetime) -> list[None]:
    """Book payments whose claims still hold, together: the ordinary case of `close_as_paid`, without its reads.

    A valid claim proves that disbursement and attempt are as this worker last read them.
    Raises: StateChanged if a claim was lost or its disbursement is not in process; then nothing is booked.
    """
    with transaction.atomic(durable=True):
        among = claimed_rows([payment.claim for payment in payments])
        bookings = [_Booking(one.attempt, one.claim.row, one.proven) for one in payments]
        _book_all(bookings, among=among, now=now)
    return [None] * len(payments)


@retried_on_deadlock
def close_as_paid(attempt: Attempt, proven: Succeeded, *, now: datetime) -> bool:
    """Book a payment that certainly happened, whichever worker learned of it; false if it was booked before.

    It needs no claim, since the payment is a fact. The state of the attempt guards against booking it twice.
    """
    with transaction.atomic(durable=True):
        row = locked(attempt.disbursement_id)
        fresh = locked_attempt(attempt)
        if fresh.state == AttemptState.SUCCEEDED:
            return False
        if fresh.state in OPEN_ATTEMPT_STATES:
            book_payment(fresh, row, proven, now=now)
            return True
        return book_late(fresh, row, proven, now=now)


def book_payment(
    attempt: Attempt, row: Disbursement, proven: Succeeded, *, now: datetime, outcome: str = PAID
) -> None:
    """Book the payment of an open attempt, in the transaction of the caller.

    `outcome` is what the trail says about it: the provider reports it, or two people decided it.

    The caller holds the locks of the disbursement and of the attempt.
    """
    among = Disbursement.objects.filter(pk=row.pk)
    _book_all([_Booking(attempt, row, proven, outcome)], among=among, now=now)


def _book_all(bookings: Sequence[_Booking], *, among: QuerySet[Disbursement], now: datetime) -> None:
    """Complete disbursements of one state: first their rows, which locks them, then fees, books and attempts."""
    rows = [booking.row for booking in bookings]
    closed = [
        attempt_entry(one.attempt, "close_attempt", AttemptState.SUCCEEDED, now, outcome=one.outcome)
        for one in bookings
    ]
    move_all(
        rows, _S.COMPLETED, among=among, allowed=DISBURSEMENT_TRANSITIONS, subject_of=subject_of, action="complete",
        actor=ENGINE, at=now, along=closed, due_at=None, completed_at=now, claimed_by="",
        claim_version=F("claim_version") + 1, failure_code="", failure_facts={},
    )  # fmt: skip
    priced = {row.assessment_id: subject_of(row.pk) for row in rows if row.assessment_id}
    fees = record_fees(priced, completed_at=now)
    rates = rates_of_conversions({row.conversion_id for row in rows if row.conversion_id})
    transaction_ids = post_all([_payment_posting(booking, fees, rates, now) for booking in bookings])
    _move_attempts(bookings, transaction_ids, now)
    _watch_other_orders(bookings, now)
    record_outcomes(rows, state=_S.COMPLETED, now=now)


def _watch_other_orders(bookings: Sequence[_Booking], now: datetime) -> None:
    """Keep paid disbursements due that have other orders: one of those may be paid late."""
    again = [one for one in bookings if one.attempt.number > 1]
    if again:
        paid = [one.attempt.order_id for one in again]
        others = PaymentOrder.objects.filter(disbursement=OuterRef("pk")).exclude(pk__in=paid)
        rows = Disbursement.objects.filter(Exists(others), pk__in=[one.row.pk for one in again])
        rows.update(due_at=now + FIRST_WATCH_AFTER)


def _move_attempts(bookings: Sequence[_Booking], transaction_ids: Sequence[int], now: datetime) -> None:
    own_values = {
        one.attempt.pk: {
            "payment_transaction": transaction_id, "proof": one.proven.proof, "cost": _stated(one.proven),
            "evidence": one.proven.evidence,
        }
        for one, transaction_id in zip(bookings, transaction_ids, strict=True)
    }  # fmt: skip
    moved = update_each(
        attempts_allowed_to_become(AttemptState.SUCCEEDED), own_values, state=AttemptState.SUCCEEDED,
        closed_at=now, asked_at=now, outcome=PAID,
    )  # fmt: skip
    assert moved == len(bookings), "attempts change only under the lock of their disbursement"  # noqa: S101


def book_late(
    closed: Attempt, row: Disbursement, proven: Succeeded, *, now: datetime, outcome: str = PAID
) -> bool:
    """Book a payment of an order whose attempt had been closed as unpaid: a late send revived it.

    The payment is for this disbursement: it is booked under its live attempt of that order, or under a new one. If the
    disbursement has moved on (another order is under way, cancelled, paid otherwise), outgoing money is paused. The
    caller holds the locks of the disbursement and of the attempt.
    """
    live = Attempt.objects.select_for_update().filter(live_disbursement=row.pk).first()
    if live is not None and live.order_id == closed.order_id:
        live.order = closed.order
        is_open = live.state in OPEN_ATTEMPT_STATES
        if is_open:
            book_payment(live, row, proven, now=now, outcome=outcome)
        return is_open
    if live is None and row.state in (_S.PROCESSING, _S.FAILED, _S.NEEDS_REVIEW):
        (again,) = insert_attempts([Try(row, closed.order, _next_number(row), is_sent=False)], now=now)
        book_payment(again, row, proven, now=now, outcome=outcome)
        return True
    _record_paid_outside(closed, row, proven, beside=live, now=now)
    return False


def _record_paid_outside(
    closed: Attempt, row: Disbursement, proven: Succeeded, *, beside: Attempt | None, now: datetime
) -> None:
    """Record, once, a payment that the books have no place for, and pause outgoing money."""
    if closed.paid_outside_at is not None:
        return
    reason = f"order {closed.order.reference} of disbursement {row.pk} was paid although it had been closed"
    if beside is not None:
        reason += f"; order {beside.order.reference} is {beside.state}"
    Attempt.objects.filter(pk=closed.pk).update(paid_outside_at=now, proof=proven.proof, cost=_stated(proven))
    record(subject=subject_of(row.pk), action="paid_outside_books", actor=ENGINE, at=now, reason=reason)
    pause_outgoing(actor=ENGINE, reason=reason, now=now)


def _stated(proven: Succeeded) -> int | None:
    """Return what the provider states as the cost, if it does."""
    return proven.cost.amount if proven.cost is not None else None


def _next_number(row: Disbursement) -> int:
    return 1 + Attempt.objects.filter(disbursement=row).count()


def _payment_posting(
    booking: _Booking, fees: Mapping[int, FixedFee], rates: Mapping[int, Decimal], now: datetime
) -> Posting:
    row = booking.row
    lines = payment_lines(
        row, booking.attempt.order, fee=fees[row.assessment_id] if row.assessment_id else None,
        cost=booking.proven.cost, rate_xof_per_btc=rates.get(row.conversion_id or 0),
    )  # fmt: skip
    reference = f"{subject_of(row.pk)}:paid"
    return Posting(TransactionKind.PAYMENT, reference, tuple(lines), now, row.subject)
