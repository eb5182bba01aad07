"""One disbursement in hand: prepare and send it, or ask what became of it. The order of a payment's life."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from sunusav.core import switches
from sunusav.core.clock import Clock
from sunusav.core.errors import DomainError
from sunusav.core.transitions import StateChanged
from transfers.engine import closing
from transfers.engine.answers import ReceivedAnswer, received_answer
from transfers.engine.breaker import (
    Sending,
    deferrals_by_breakers,
    note_failures,
    note_outcome,
    note_successes,
)
from transfers.engine.claims import Claim, begin_scheduled, fail, locked_claim, may_send, release
from transfers.engine.deferring import defer
from transfers.engine.destinations import instruction_for, order_of, wait_for_destination
from transfers.engine.flow_runner import Flow, batched, outside
from transfers.engine.gates import rail_unavailable
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.policy import ASK_AGAIN_AFTER, ASK_REVIEWED_EVERY, HOLD_FOR, LEASE, ask_delay
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    PAYEES_OWN,
    AnsweredCall,
    AttemptState,
    DisbursementState,
)
from transfers.errors import ClaimLost, DestinationUnavailable, RailUnavailable
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import state_of, was_resolved
from transfers.rails import Rail, rail
from transfers.types import Deferral, FindOutcome, NotSeen, Order, Refused, Succeeded, Unknown

logger = logging.getLogger(__name__)


def flow_of(claim: Claim, last: Attempt | None, *, clock: Clock) -> Flow[None]:
    """Bring one claimed disbursement one step further; whatever this loses, the next claim finds again.

    `last` is the newest attempt for its subject, looked at under the claim. Raises: ClaimLost.
    """
    if claim.row.state == DisbursementState.SCHEDULED:
        begun = begin_scheduled(claim, now=clock())
        if begun is None:
            return
        claim = begun
    is_ours = last is not None and last.disbursement_id == claim.disbursement_id
    if last is not None and is_ours and last.state in OPEN_ATTEMPT_STATES:
        yield from _recover(claim, last, clock=clock)
    else:
        yield from _begin(claim, last, clock=clock)


def _begin(claim: Claim, last: Attempt | None, *, clock: Clock) -> Flow[None]:
    row = claim.row
    if row.state != DisbursementState.PROCESSING:
        release(claim, due_at=None)
        return
    stopped = yield from batched(deferrals_by_breakers, Sending(row.rail, row.pk))
    if stopped is not None:
        defer(claim, stopped, now=clock())
        return
    paying = rail(row.rail)
    try:
        order = yield from outside(paying.prepare, instruction_for(row, last), now=clock())
        if last is not None and not (yield from _may_follow(claim, last, order, clock=clock)):
            return
        number = last.number + 1 if last is not None and last.disbursement_id == row.pk else 1
        opened = yield from batched(open_attempts, Opening(claim, order, number))
    except RailUnavailable as away:
        _hold_new(claim, away, clock=clock)
    except DestinationUnavailable as away:
        wait_for_destination(claim, away, now=clock())
    except ClaimLost:
        raise
    except DomainError as refusal:
        _refuse(claim, refusal, clock=clock)
    else:
        if isinstance(opened, Deferral):
            defer(claim, opened, now=clock())
            return
        yield from _send(claim, opened, order, paying, clock=clock)


def _may_follow(claim: Claim, last: Attempt, order: Order, *, clock: Clock) -> Flow[bool]:
    """Say whether an order may be opened after the last one for this subject.

    The same order may. A different one waits until no worker can still be sending the last, and then only if the
    outside still says that the last was not paid: a hash the node has marked failed can be revived by a late send.
    """
    if last.order.reference == order.reference:
        return True
    paid_by = rail(last.order.rail)
    wait_until = _send_over_by(last, paid_by)
    if clock() < wait_until:
        release(claim, due_at=wait_until)
        return False
    return (yield from _is_still_unpaid(claim, last, paid_by, clock=clock))


def _is_still_unpaid(claim: Claim, last: Attempt, paid_by: Rail, *, clock: Clock) -> Flow[bool]:
    match (yield from outside(paid_by.find, order_of(last.order))):
        case Refused():
            return True
        case NotSeen() if last.state == AttemptState.VOID or was_resolved(last.pk):
            return True
        case NotSeen(source=last.order.source) if _is_refused_and_over(last, now=clock()):
            return True
        case Succeeded() as paid if _proves(paid, last.order, paid_by):
            closing.close_as_paid(last, paid, now=clock())
            if last.disbursement_id != claim.disbursement_id:
                told = (
                    f"an order of disbursement {last.disbursement_id} for the same subject was paid after all"
                )
                closing.put_under_review(claim, code="paid-before", message=told, now=clock(), due_at=None)
        case Unknown(suspect=False):
            release(claim, due_at=clock() + ASK_AGAIN_AFTER)
        case _:
            told = "the outside says of the last order neither that it was paid nor that it was refused"
            closing.put_under_review(
                claim, code="last-order-in-doubt", message=told, now=clock(), due_at=None
            )
    return False


def _is_refused_and_over(last: Attempt, *, now: datetime) -> bool:
    """Say whether an order was refused and can be revived no more: nodes are told to forget what failed."""
    return last.state == AttemptState.FAILED and now > last.order.give_up_after


def _send(claim: Claim, attempt: Attempt, order: Order, paying: Rail, *, clock: Clock) -> Flow[None]:
    """Send a committed order. What it does not learn is asked by the next claim; nothing is concluded from silence."""
    if not (yield from batched(may_send, claim)):
        release(claim, due_at=clock() + ASK_AGAIN_AFTER)
        return
    try:
        outcome = yield from outside(paying.send, order, now=clock())
    except RailUnavailable as away:
        _hold_asked(claim, received_answer(attempt, away, AnsweredCall.SEND), clock=clock)
        note_failures(order.rail, disbursement_ids=[claim.disbursement_id], now=clock())
        return
    yield from _settle(claim, attempt, outcome, paying, answered_call=AnsweredCall.SEND, clock=clock)


def _recover(claim: Claim, attempt: Attempt, *, clock: Clock) -> Flow[None]:
    """Ask the outside about an open attempt before anything else."""
    paying = rail(attempt.order.rail)
    try:
        found = yield from outside(paying.find, order_of(attempt.order))
    except RailUnavailable as away:
        _hold_asked(claim, received_answer(attempt, away, AnsweredCall.ASK), clock=clock)
        return
    if isinstance(found, Refused) and _is_old_news(attempt, found):
        found = NotSeen(source=attempt.order.source, evidence=found.evidence)
    yield from _settle(claim, attempt, found, paying, answered_call=AnsweredCall.ASK, clock=clock)


def _is_old_news(attempt: Attempt, refused: Refused) -> bool:
    """Say whether a refusal is about an earlier sending of the same order: this one has not arrived yet."""
    earlier = Attempt.objects.filter(order_id=attempt.order_id, number__lt=attempt.number)
    return bool(refused.verdict) and earlier.filter(verdict=refused.verdict).exists()


def _settle(
    claim: Claim,
    attempt: Attempt,
    outcome: FindOutcome,
    paying: Rail,
    *,
    answered_call: AnsweredCall,
    clock: Clock,
) -> Flow[None]:
    now = clock()
    match outcome:
        case Succeeded() if not _proves(outcome, attempt.order, paying):
            contradiction = Unknown(
                seen=True,
                reason="paid, but proof or amount is not ours",
                suspect=True,
                evidence=outcome.evidence,
            )
            _note_unknown(claim, attempt, contradiction, answered_call=answered_call, now=now)
            return
        case Succeeded():
            yield from _book(claim, attempt, outcome, clock=clock)
        case Refused() if _may_have_arrived_before(attempt, outcome):
            refusal = Unknown(
                seen=True, reason=outcome.reason, suspect=True, is_refusal=True, evidence=outcome.evidence
            )
            _note_unknown(claim, attempt, refusal, answered_call=answered_call, now=now)
            return
        case Refused():
            closing.close_as_failed(claim, attempt, outcome, now=now)
        case Unknown():
            _note_unknown(claim, attempt, outcome, answered_call=answered_call, now=now)
        case NotSeen():
            yield from _settle_not_seen(claim, attempt, outcome, paying, clock=clock)
    if isinstance(outcome, Succeeded):
        yield from batched(note_successes, paying.name)
    else:
        note_outcome(paying.name, outcome, disbursement_id=claim.disbursement_id, now=now)


def _may_have_arrived_before(attempt: Attempt, refused: Refused) -> bool:
    """Say whether people must decide about what a payee refused when it was sent again.

    A wallet refuses what it was paid already: the first sending may have arrived, and the outside lost its trace.
    Of that a later attempt by the same order knows no more than this one.
    """
    if refused.failure not in PAYEES_OWN:
        return False
    return Attempt.objects.filter(order_id=attempt.order_id, sends__gt=1).exists()


def _book(claim: Claim, attempt: Attempt, paid: Succeeded, *, clock: Clock) -> Flow[None]:
    """Book a payment with others, as long as this worker holds it; alone if it lost it: a fact is a fact."""
    try:
        yield from batched(closing.close_all_as_paid, closing.Payment(claim, attempt, paid))
    except StateChanged:
        closing.close_as_paid(attempt, paid, now=clock())


def _settle_not_seen(
    claim: Claim, attempt: Attempt, answer: NotSeen, paying: Rail, *, clock: Clock
) -> Flow[None]:
    """Decide about an order the outside does not know: only the very same order may go out again."""
    now, order, said = clock(), order_of(attempt.order), received_answer(attempt, answer, AnsweredCall.ASK)
    if attempt.state == AttemptState.IN_FLIGHT or answer.source != order.source:
        told = f"the outside no longer knows a payment it had, or another node answered ({answer.source})"
        closing.put_under_review(
            claim, code="payment-vanished", message=told, now=now, due_at=now + ASK_REVIEWED_EVERY, told=said
        )
    elif now > max(order.give_up_after, _send_over_by(attempt, paying)):
        closing.close_as_never_sent(claim, attempt, now=now, told=said)
    elif now + timedelta(seconds=paying.send_deadline_seconds) < order.expires_at:
        yield from _send_again(claim, said, order, paying, clock=clock)
    else:
        closing.release_with_answer(claim, said, due_at=order.give_up_after + ASK_AGAIN_AFTER, now=now)


def _send_again(
    claim: Claim, said: ReceivedAnswer, order: Order, paying: Rail, *, clock: Clock
) -> Flow[None]:
    now = clock()
    if not switches.outgoing().is_open:
        closing.release_with_answer(claim, said, due_at=now + HOLD_FOR, now=now)
        return
    if state_of(claim.disbursement_id) == DisbursementState.NEEDS_REVIEW:
        # A person was asked to decide, and may have paid in another way by now: ask on, send nothing.
        closing.release_with_answer(claim, said, due_at=now + ASK_REVIEWED_EVERY, now=now)
        return
    stopped = yield from batched(deferrals_by_breakers, Sending(order.rail, claim.disbursement_id))
    if stopped is not None:
        closing.release_with_answer(claim, said, due_at=stopped.until, now=now)
        return
    closing.note_resend(claim, said.attempt, now=now, told=said)
    yield from _send(claim, said.attempt, order, paying, clock=clock)


def _note_unknown(
    claim: Claim, attempt: Attempt, unknown: Unknown, *, answered_call: AnsweredCall, now: datetime
) -> None:
    row = Disbursement.objects.only("asks", "state").get(pk=claim.disbursement_id)
    delay = ASK_REVIEWED_EVERY if row.state == DisbursementState.NEEDS_REVIEW else ask_delay(row.asks)
    closing.note_unknown(claim, attempt, unknown, now=now, due_at=now + delay, answered_call=answered_call)
    if unknown.suspect:
        code = "refused-when-sent-again" if unknown.is_refusal else "answer-contradicts-records"
        closing.put_under_review(
            claim, code=code, message=unknown.reason, now=now,
            due_at=now + ASK_REVIEWED_EVERY,
        )  # fmt: skip


def _hold_new(claim: Claim, away: RailUnavailable, *, clock: Clock) -> None:
    """Wait for a rail that would not take a payment: its breaker counts that."""
    now = clock()
    logger.warning("rail %s is away: %s", away.rail, away.detail)
    defer(claim, rail_unavailable(away, until=now + ASK_AGAIN_AFTER), now=now)
    note_failures(claim.row.rail, disbursement_ids=[claim.disbursement_id], now=now)


def _hold_asked(claim: Claim, said: ReceivedAnswer, *, clock: Clock) -> None:
    """Wait for a rail that is away with an attempt open: money stays held."""
    logger.warning("rail %s is away: %s", said.attempt.order.rail, said.evidence["detail"])
    closing.release_with_answer(claim, said, due_at=clock() + ASK_AGAIN_AFTER, now=clock())


def _refuse(claim: Claim, refusal: DomainError, *, clock: Clock) -> None:
    """Close as failed what cannot be paid as it stands; nothing was sent and nothing is held."""
    with transaction.atomic(durable=True):
        fail(locked_claim(claim), refusal, now=clock())


def _send_over_by(attempt: Attempt, paying: Rail) -> datetime:
    return (attempt.sent_at or attempt.opened_at) + LEASE + timedelta(seconds=paying.send_deadline_seconds)


def _proves(paid: Succeeded, order: PaymentOrder, paying: Rail) -> bool:
    return paid.amount_msat == order.amount_msat and paying.verify(order.reference, paid.proof)


def last_attempts(subjects: Iterable[str]) -> dict[str, Attempt]:
    """Return the newest attempt of each subject that has any, also of a disbursement that was cancelled since.

    Only the newest can be open: no other is opened before it is closed.
    """
    attempts = Attempt.objects.filter(disbursement__subject__in=list(subjects))
    rows = attempts.annotate(subject=F("disbursement__subject")).select_related("order").order_by("id")
    return {row.subject: row for row in rows}
