"""Closing attempts: what the outside said of them, in one durable transaction each time, with its books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet

from fees.services import record_fees
from fees.types import FixedFee
from ledger.services import post_all, reverse
from ledger.types import Posting
from sunusav.core.bulk import update_each
from sunusav.core.money import msat_from_sats
from sunusav.core.switches import pause_outgoing
from sunusav.core.trail import TrailFact, record, record_all
from sunusav.core.transitions import move, move_all
from transfers.booking import paid_lines
from transfers.engine.answers import ReceivedAnswer, note, received_answer
from transfers.engine.claims import ENGINE, Claim, all_held, locked_claim
from transfers.engine.opening import Hold, attempt_line, hold_all, record_attempt
from transfers.engine.policy import LEASE, NextStep, after_failure
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    OPEN_ATTEMPT_STATES,
    AnsweredCall,
    AttemptState,
    DisbursementState,
    FailureClass,
    TransactionKind,
)
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement
from transfers.rails import rail
from transfers.services.disbursements import locked, record_outcome, record_outcomes, subject_of
from transfers.types import Refused, Succeeded, Unknown

PAID: Final = "paid"
_S = DisbursementState


@dataclass(frozen=True)
class Payment:
    """An open attempt of a claimed disbursement, and the proof that it was paid."""

    claim: Claim
    attempt: Attempt
    paid: Succeeded


def close_all_as_paid(payments: Sequence[Payment], /, *, now: datetime) -> list[None]:
    """Book payments whose claims still hold, together: the ordinary case of `close_as_paid`, without its reads.

    A claim that holds says that disbursement and attempt are as this worker knows them.
    Raises: StateChanged if some claim was lost, or its disbursement is not in process; nothing is booked then.
    """
    with transaction.atomic(durable=True):
        among = all_held([payment.claim for payment in payments])
        _book_all([_Booking(one.attempt, one.claim.row, one.paid) for one in payments], among=among, now=now)
    return [None] * len(payments)


def close_as_paid(attempt: Attempt, paid: Succeeded, *, now: datetime) -> bool:
    """Book a payment that certainly happened, whoever learned of it; false if it was booked before.

    The claim does not matter here: a fact is a fact. The attempt's state does, by compare-and-set.
    """
    with transaction.atomic(durable=True):
        row = locked(attempt.disbursement_id)
        fresh = _locked_attempt(attempt)
        if fresh.state == AttemptState.SUCCEEDED:
            return False
        if fresh.state in OPEN_ATTEMPT_STATES:
            _book(fresh, row, paid, now)
            return True
        return _book_late(fresh, row, paid, now)


@dataclass(frozen=True)
class _Booking:
    attempt: Attempt
    row: Disbursement
    paid: Succeeded


def _book(attempt: Attempt, row: Disbursement, paid: Succeeded, now: datetime) -> None:
    """Book a payment under the lock of its row."""
    _book_all([_Booking(attempt, row, paid)], among=Disbursement.objects.filter(pk=row.pk), now=now)


def _book_all(bookings: Sequence[_Booking], *, among: QuerySet[Disbursement], now: datetime) -> None:
    """Complete disbursements of one state: first the rows, which locks them, then fees, books and attempts."""
    rows = [booking.row for booking in bookings]
    closed = [
        attempt_line(one.attempt, "close_attempt", AttemptState.SUCCEEDED, now, outcome=PAID)
        for one in bookings
    ]
    move_all(
        rows, _S.COMPLETED, among=among, allowed=DISBURSEMENT_TRANSITIONS, subject_of=subject_of, action="complete",
        actor=ENGINE, at=now, along=closed, due_at=None, completed_at=now, claimed_by="",
        claim_version=F("claim_version") + 1, failure_code="", failure_message="",
    )  # fmt: skip
    fees = record_fees(
        {row.assessment_id: subject_of(row.pk) for row in rows if row.assessment_id}, completed_at=now
    )
    posted = post_all([_payment(booking, fees, now) for booking in bookings])
    _close_as_succeeded(bookings, posted, now)
    record_outcomes(rows, state=_S.COMPLETED, now=now)


def _close_as_succeeded(bookings: Sequence[_Booking], posted: Sequence[int], now: datetime) -> None:
    proofs = {
        one.attempt.pk: {
            "close_transaction": transaction_id, "proof": one.paid.proof, "cost_msat": one.paid.cost_msat,
            "evidence": one.paid.evidence,
        }
        for one, transaction_id in zip(bookings, posted, strict=True)
    }  # fmt: skip
    still_open = Attempt.objects.filter(state__in=OPEN_ATTEMPT_STATES)
    closed = update_each(
        still_open, proofs, state=AttemptState.SUCCEEDED, closed_at=now, asked_at=now, outcome=PAID
    )
    assert closed == len(bookings), "attempts change only under the lock of their disbursement"  # noqa: S101


def _book_late(closed: Attempt, row: Disbursement, paid: Succeeded, now: datetime) -> bool:
    """Book a payment of an order that had been closed as unpaid: a late send revived it.

    It paid this disbursement all the same, under its live attempt of that order or a new one. If the disbursement has
    moved on (another order under way, cancelled, paid by another), people must look: outgoing money is paused.
    """
    live = Attempt.objects.select_for_update().filter(live_disbursement=row.pk).first()
    if live is not None and live.order_id == closed.order_id:
        live.order = closed.order
        if live.state in OPEN_ATTEMPT_STATES:
            _book(live, row, paid, now)
        return live.state in OPEN_ATTEMPT_STATES
    if live is None and row.state in (_S.PROCESSING, _S.FAILED, _S.NEEDS_REVIEW):
        (again,) = hold_all([Hold(row, closed.order, _next_number(row))], now=now)
        _book(again, row, paid, now)
        return True
    told = f"order {closed.order.reference} of disbursement {row.pk} was paid although it had been closed"
    record(subject=subject_of(row.pk), action="paid_outside_books", actor=ENGINE, at=now, reason=told)
    pause_outgoing(actor=ENGINE, reason=told, now=now)
    return False


def _next_number(row: Disbursement) -> int:
    return 1 + Attempt.objects.filter(disbursement=row).count()


def _payment(booking: _Booking, fees: Mapping[int, FixedFee], now: datetime) -> Posting:
    row, paying = booking.row, rail(booking.attempt.order.rail)
    assert row.net_sats is not None, "an attempt exists only for a fixed net"  # noqa: S101  (a programmer's mistake)
    lines = paid_lines(
        payout_msat=msat_from_sats(row.payout_sats),
        net_msat=msat_from_sats(row.net_sats),
        fee=fees[row.assessment_id] if row.assessment_id else None,
        cost_msat=booking.paid.cost_msat,
        paid_from=paying.account,
        cost=paying.cost_account,
    )
    reference = f"{subject_of(row.pk)}:paid"
    return Posting(TransactionKind.PAYMENT, reference, tuple(lines), now, row.subject)


def close_as_failed(claim: Claim, attempt: Attempt, refused: Refused, *, now: datetime) -> bool:
    """Undo the hold of an attempt the outside certainly refused, and decide what comes next.

    Fenced: a worker that lost its claim closes nothing, since the same order may be on its way again.
    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        fresh = _locked_attempt(attempt)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return False
        _void_hold(fresh, row, AttemptState.FAILED, refused, now)
        if row.state == _S.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=None, claimed_by="")
            return True
        step = after_failure(refused.failure, retries=row.retries, now=now)
        _apply(row, step, refused, now)
    return True


def close_as_never_sent(
    claim: Claim, attempt: Attempt, *, now: datetime, told: ReceivedAnswer | None = None
) -> bool:
    """Close an attempt whose order the outside never saw and can never accept any more. Raises: ClaimLost."""
    evidence = told.evidence if told else {}
    failure = FailureClass.RENEW if attempt.order.is_renewable else FailureClass.FINAL
    gone = Refused("never sent, and the order has expired", failure, evidence)
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        fresh = _locked_attempt(attempt)
        if fresh.state != AttemptState.PREPARED:
            return False
        _void_hold(fresh, row, AttemptState.VOID, gone, now)
        if row.state == _S.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=None, claimed_by="")
            return True
        _apply(row, after_failure(gone.failure, retries=row.retries, now=now), gone, now)
    return True


def resolve_as_paid(row: Disbursement, attempt: Attempt, paid: Succeeded, *, now: datetime) -> None:
    """Book a payment that two people found made, in their transaction, exactly as one the outside told of.

    The caller holds the locks of the disbursement and of its open attempt.
    """
    _book(attempt, row, paid, now)


def resolve_as_not_paid(row: Disbursement, attempt: Attempt, unpaid: Refused, *, now: datetime) -> None:
    """Undo the hold of an order that two people found unpaid, in their transaction; the disbursement has failed.

    The caller holds the locks of the disbursement and of its open attempt.
    """
    _void_hold(attempt, row, AttemptState.FAILED, unpaid, now)
    _move(row, _S.FAILED, "fail", now=now, reason=unpaid.reason, due_at=None, claimed_by="",
          claim_version=row.claim_version + 1, failure_code=unpaid.reason,
          failure_message="two people found that it was not paid")  # fmt: skip
    record_outcome(row, now=now)


def release_with_answer(
    claim: Claim, told: ReceivedAnswer, *, due_at: datetime | None, now: datetime
) -> None:
    """Give a disbursement back until `due_at`, with what the outside said of its attempt. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        note(told, now=now)
        Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="")


def note_unknown(
    claim: Claim,
    attempt: Attempt,
    unknown: Unknown,
    *,
    now: datetime,
    due_at: datetime,
    answered_call: AnsweredCall = AnsweredCall.ASK,
) -> None:
    """Keep what an unfinished answer says; money stays held and the outside is asked again at `due_at`."""
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return
        note(received_answer(attempt, unknown, answered_call), now=now)
        if unknown.seen and fresh.state == AttemptState.PREPARED:
            Attempt.objects.filter(pk=fresh.pk).update(state=AttemptState.IN_FLIGHT, seen_at=now)
            record_attempt(fresh, "see_attempt", AttemptState.IN_FLIGHT, now)
        Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="", asks=row.asks + 1)


def put_under_review(
    claim: Claim,
    *,
    code: str,
    message: str,
    now: datetime,
    due_at: datetime | None,
    told: ReceivedAnswer | None = None,
) -> None:
    """Hand a disbursement to a person, with the answer that led to it, if one did. Raises: ClaimLost.

    Its open attempt, if any, goes on being asked about.
    """
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        if told is not None:
            note(told, now=now)
        if row.state == _S.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="")
            return
        _move(row, _S.NEEDS_REVIEW, "review", now=now, reason=message, due_at=due_at, claimed_by="",
              failure_code=code, failure_message=message[:500])  # fmt: skip
        record_outcome(row, now=now)


def note_resend(claim: Claim, attempt: Attempt, *, now: datetime, told: ReceivedAnswer | None = None) -> None:
    """Count one more sending of the same order, before it leaves: the outside had not seen it. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        locked_claim(claim)
        if told is not None:
            note(told, now=now)
        changed = Attempt.objects.filter(pk=attempt.pk, state=AttemptState.PREPARED).update(
            sends=attempt.sends + 1, sent_at=now
        )
        if changed != 1:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
        Disbursement.objects.filter(pk=claim.disbursement_id).update(due_at=now + LEASE)
        record_attempt(attempt, "send_again", attempt.state, now)


def _locked_attempt(attempt: Attempt) -> Attempt:
    """Return the attempt as it is now, under its lock; its order never changes."""
    fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
    fresh.order = attempt.order
    return fresh


def _locked_for_outcome(claim: Claim) -> Disbursement:
    row = locked(claim.disbursement_id)
    if row.claim_version != claim.version:
        raise ClaimLost(disbursement_id=row.pk)
    return row


def _void_hold(attempt: Attempt, row: Disbursement, state: str, refused: Refused, now: datetime) -> None:
    undone = reverse(
        transaction_id=attempt.hold_transaction_id,
        kind=TransactionKind.HOLD_VOID,
        reference=f"{subject_of(row.pk)}:void:{attempt.number}",
        at=now,
        subject=row.subject,
    )
    closed = _close_attempt(
        attempt, state, now=now, close_transaction_id=undone, outcome=refused.reason[:120],
        failure_class=refused.failure, verdict=refused.verdict, evidence=refused.evidence,
    )  # fmt: skip
    record_all([closed])


def _close_attempt(attempt: Attempt, state: str, *, now: datetime, **fields: Any) -> TrailFact:
    """Close a locked attempt; return the line that the caller appends to the trail."""
    changed = Attempt.objects.filter(pk=attempt.pk, state=attempt.state).update(
        state=state, closed_at=now, asked_at=now, **fields
    )
    assert changed == 1, "the attempt is locked by this transaction"  # noqa: S101  (a programmer's mistake)
    return attempt_line(attempt, "close_attempt", state, now, outcome=fields["outcome"])


def _apply(row: Disbursement, step: NextStep, refused: Refused, now: datetime) -> None:
    told = {"failure_code": refused.reason[:80], "failure_message": refused.reason[:500], "claimed_by": ""}
    if step.state == _S.PROCESSING:
        retries = row.retries + (1 if step.burns_retry else 0)
        Disbursement.objects.filter(pk=row.pk).update(due_at=step.due_at, retries=retries, **told)
        return
    action = "fail" if step.state == _S.FAILED else "review"
    _move(row, step.state, action, now=now, reason=refused.reason, due_at=step.due_at, **told)
    record_outcome(row, now=now)


def _move(
    row: Disbursement, state: str, action: str, *, now: datetime, reason: str = "", **fields: Any
) -> None:
    move(
        row, state, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action=action, actor=ENGINE,
        at=now, reason=reason, **fields,
    )  # fmt: skip
