"""Opening and closing attempts: one durable transaction each, with its books."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from fees.services import take_fee
from fees.types import FixedFee
from ledger.services import post, reverse
from sunusav.core.money import msat_from_sats
from sunusav.core.switches import pause_outgoing
from sunusav.core.trail import TrailFact, record, record_all
from sunusav.core.transitions import move
from transfers.booking import hold_lines, paid_lines
from transfers.engine.answers import Heard, heard, note
from transfers.engine.claims import ENGINE, Claim, locked_claim, require_claim
from transfers.engine.policy import LEASE, NextStep, after_failure
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    OPEN_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    FailureClass,
    ToldBy,
    TransactionKind,
)
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import debit_account, destination_of
from transfers.rails import rail
from transfers.services.disbursements import locked, require_reference_free, subject_of, tell_outcome
from transfers.services.limits import require_admitted
from transfers.types import Order, Refused, Succeeded, Unknown

_S = DisbursementState


def open_attempt(claim: Claim, order: Order, *, number: int, now: datetime) -> Attempt:
    """Commit the intent: the order, the hold in the books and the attempt, before the first byte leaves.

    `number` follows the newest attempt's: whoever holds the claim is the only one to open another.
    Raises: ClaimLost, PaymentReferenceUsed; NotAdmitted, of what may not go now: then nothing of it is there.
    """
    try:
        return _open_attempt(claim, order, number=number, now=now)
    except IntegrityError:
        # Somebody else's order of the same reference was committed meanwhile; all of ours is undone.
        require_reference_free(order.reference, disbursement_id=claim.disbursement_id)
        raise


def _open_attempt(claim: Claim, order: Order, *, number: int, now: datetime) -> Attempt:
    row = claim.row
    with transaction.atomic(durable=True):
        require_claim(claim, now=now)
        stored = _store_order(row, order, now)
        attempt = _hold_for(row, stored, number=number, now=now)
        # Last: the limits' lock is everybody's, and is held until the commit.
        require_admitted([row], now=now)
        return attempt


def _hold_for(row: Disbursement, order: PaymentOrder, *, number: int, now: datetime) -> Attempt:
    hold = post(
        kind=TransactionKind.HOLD,
        reference=f"{subject_of(row.pk)}:hold:{number}",
        lines=hold_lines(debit=debit_account(row), amount_msat=msat_from_sats(row.payout_sats)),
        at=now,
        subject=row.subject,
    )
    attempt = Attempt(
        disbursement=row,
        order=order,
        number=number,
        hold_transaction_id=hold,
        opened_at=now,
        sent_at=now,
        sends=1,
    )
    attempt.save(force_insert=True)
    _tell_attempt(attempt, "open_attempt", AttemptState.PREPARED, now, reference=order.reference)
    return attempt


def _store_order(row: Disbursement, order: Order, now: datetime) -> PaymentOrder:
    known = PaymentOrder.objects.filter(reference=order.reference).first()
    if known is not None and known.disbursement_id == row.pk and known.payload == order.payload:
        return known
    if known is not None:
        require_reference_free(order.reference, disbursement_id=row.pk)
    stored = PaymentOrder(
        disbursement=row, rail=order.rail, reference=order.reference, payload=order.payload,
        amount_msat=order.amount_msat, fee_limit_msat=order.fee_limit_msat, payee=order.payee, source=order.source,
        expires_at=order.expires_at, give_up_after=order.give_up_after, prepared_at=now,
        destination_digest=destination_of(row).digest, is_renewable=order.is_renewable,
    )  # fmt: skip
    stored.save(force_insert=True)
    return stored


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


def _book(attempt: Attempt, row: Disbursement, paid: Succeeded, now: datetime) -> None:
    fee = _take_fee(row, now)
    closed = _close_attempt(
        attempt, AttemptState.SUCCEEDED, now=now, close_transaction_id=_post_payment(attempt, row, paid, fee, now),
        proof=paid.proof, cost_msat=paid.cost_msat, outcome="paid", evidence=paid.evidence,
    )  # fmt: skip
    _move(row, _S.COMPLETED, "complete", now=now, along=[closed], due_at=None, completed_at=now, claimed_by="",
          claim_version=row.claim_version + 1, failure_code="", failure_message="")  # fmt: skip
    tell_outcome(row, now=now)


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
        _book(_hold_for(row, closed.order, number=_next_number(row), now=now), row, paid, now)
        return True
    told = f"order {closed.order.reference} of disbursement {row.pk} was paid although it had been closed"
    record(subject=subject_of(row.pk), action="paid_outside_books", actor=ENGINE, at=now, reason=told)
    pause_outgoing(actor=ENGINE, reason=told, now=now)
    return False


def _next_number(row: Disbursement) -> int:
    return 1 + Attempt.objects.filter(disbursement=row).count()


def _take_fee(row: Disbursement, now: datetime) -> FixedFee | None:
    if row.assessment_id is None:
        return None
    return take_fee(assessment_id=row.assessment_id, disbursement_ref=subject_of(row.pk), completed_at=now)


def _post_payment(
    attempt: Attempt, row: Disbursement, paid: Succeeded, fee: FixedFee | None, now: datetime
) -> int:
    paying = rail(attempt.order.rail)
    assert row.net_sats is not None, "an attempt exists only for a fixed net"  # noqa: S101  (a programmer's mistake)
    lines = paid_lines(
        payout_msat=msat_from_sats(row.payout_sats),
        net_msat=msat_from_sats(row.net_sats),
        fee=fee,
        cost_msat=paid.cost_msat,
        paid_from=paying.account,
        cost=paying.cost_account,
    )
    reference = f"{subject_of(row.pk)}:paid"
    return post(kind=TransactionKind.PAYMENT, reference=reference, lines=lines, at=now, subject=row.subject)


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


def close_as_never_sent(claim: Claim, attempt: Attempt, *, now: datetime, told: Heard | None = None) -> bool:
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
    tell_outcome(row, now=now)


def release_heard(claim: Claim, told: Heard, *, due_at: datetime | None, now: datetime) -> None:
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
    told_by: ToldBy = ToldBy.ASK,
) -> None:
    """Keep what an unfinished answer says; money stays held and the outside is asked again at `due_at`."""
    with transaction.atomic(durable=True):
        row = _locked_for_outcome(claim)
        fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return
        note(heard(attempt, unknown, told_by), now=now)
        if unknown.seen and fresh.state == AttemptState.PREPARED:
            Attempt.objects.filter(pk=fresh.pk).update(state=AttemptState.IN_FLIGHT, seen_at=now)
            _tell_attempt(fresh, "see_attempt", AttemptState.IN_FLIGHT, now)
        Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="", asks=row.asks + 1)


def put_under_review(
    claim: Claim,
    *,
    code: str,
    message: str,
    now: datetime,
    due_at: datetime | None,
    told: Heard | None = None,
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
        tell_outcome(row, now=now)


def note_resend(claim: Claim, attempt: Attempt, *, now: datetime, told: Heard | None = None) -> None:
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
        _tell_attempt(attempt, "send_again", attempt.state, now)


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
    return _line(attempt, "close_attempt", state, now, outcome=fields["outcome"])


def _tell_attempt(attempt: Attempt, action: str, state: str, now: datetime, **facts: str) -> None:
    record_all([_line(attempt, action, state, now, **facts)])


def _line(attempt: Attempt, action: str, state: str, now: datetime, **facts: str) -> TrailFact:
    """Return what the trail is told of an attempt; opening one comes from no state."""
    subject = subject_of(attempt.disbursement_id)
    before = "" if action == "open_attempt" else attempt.state
    told = {"attempt": attempt.number, **facts}
    return TrailFact(subject, action, ENGINE, now, before, state, facts=told)


def _apply(row: Disbursement, step: NextStep, refused: Refused, now: datetime) -> None:
    told = {"failure_code": refused.reason[:80], "failure_message": refused.reason[:500], "claimed_by": ""}
    if step.state == _S.PROCESSING:
        retries = row.retries + (1 if step.burns_retry else 0)
        Disbursement.objects.filter(pk=row.pk).update(due_at=step.due_at, retries=retries, **told)
        return
    action = "fail" if step.state == _S.FAILED else "review"
    _move(row, step.state, action, now=now, reason=refused.reason, due_at=step.due_at, **told)
    tell_outcome(row, now=now)


def _move(
    row: Disbursement, state: str, action: str, *, now: datetime, reason: str = "", **fields: Any
) -> None:
    move(
        row, state, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action=action, actor=ENGINE,
        at=now, reason=reason, **fields,
    )  # fmt: skip
