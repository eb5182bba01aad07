"""The flow of one claimed disbursement: prepare and send it, or query the provider about its open attempt."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from sunusav.core import switches
from sunusav.core.clock import Clock
from sunusav.core.errors import DomainError
from sunusav.core.transitions import StateChanged
from transfers.engine.answers import ReceivedAnswer, received_answer
from transfers.engine.breaker import (
    Sending,
    count_failures,
    count_outcome,
    count_successes,
    deferrals_by_breakers,
)
from transfers.engine.claims import Claim, begin_scheduled, fail, locked_processing_claim, may_send, release
from transfers.engine.deferring import defer
from transfers.engine.destinations import instruction_for, order_of, retry_destination
from transfers.engine.flow_runner import Flow, call_batched, call_provider
from transfers.engine.gates import deferral_while_unavailable
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.paid import Payment, close_all_as_paid, close_as_paid
from transfers.engine.policy import DEFER_FOR, LEASE, QUERY_AGAIN_AFTER, QUERY_REVIEWED_EVERY, query_delay
from transfers.engine.unpaid import close_as_failed, close_as_never_sent
from transfers.engine.unresolved import put_under_review, record_resend, record_unknown, release_with_answer
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    PAYEES_OWN,
    AnsweredCall,
    AttemptState,
    DisbursementState,
    ReviewCode,
)
from transfers.errors import ClaimLost, DestinationUnavailable, RailUnavailable
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import state_of, was_resolved
from transfers.rails import Rail, rail
from transfers.types import Deferral, FindOutcome, NotSeen, Order, Refused, Succeeded, Unknown

logger = logging.getLogger(__name__)
_R = ReviewCode


def payment_flow(claim: Claim, last: Attempt | None, *, clock: Clock) -> Flow[None]:
    """Take one claimed disbursement one step further; after a crash the next claim resumes it.

    `last` is the newest attempt for its subject, read under the claim. Raises: ClaimLost.
    """
    if claim.row.state == DisbursementState.SCHEDULED:
        started = begin_scheduled(claim, now=clock())
        if started is None:
            return
        claim = started
    is_ours = last is not None and last.disbursement_id == claim.disbursement_id
    if last is not None and is_ours and last.state in OPEN_ATTEMPT_STATES:
        yield from _query(claim, last, clock=clock)
    else:
        yield from _pay(claim, last, clock=clock)


def _pay(claim: Claim, last: Attempt | None, *, clock: Clock) -> Flow[None]:
    """Prepare an order, open an attempt for it, and send it."""
    row = claim.row
    if row.state != DisbursementState.PROCESSING:
        release(claim, due_at=None)
        return
    deferral = yield from call_batched(deferrals_by_breakers, Sending(row.rail, row.pk))
    if deferral is not None:
        defer(claim, deferral, now=clock())
        return
    paid_by = rail(row.rail)
    try:
        order = yield from call_provider(paid_by.prepare, instruction_for(row, last), now=clock())
        if last is not None and not (yield from _may_follow(claim, last, order, clock=clock)):
            return
        number = last.number + 1 if last is not None and last.disbursement_id == row.pk else 1
        opened = yield from call_batched(open_attempts, Opening(claim, order, number))
    except RailUnavailable as error:
        _defer_new(claim, error, clock=clock)
    except DestinationUnavailable as error:
        retry_destination(claim, error, now=clock())
    except ClaimLost:
        raise
    except DomainError as refusal:
        _fail(claim, refusal, clock=clock)
    else:
        if isinstance(opened, Deferral):
            defer(claim, opened, now=clock())
            return
        yield from _send(claim, opened, order, paid_by, clock=clock)


def _may_follow(claim: Claim, last: Attempt, order: Order, *, clock: Clock) -> Flow[bool]:
    """Return whether an attempt for an order may be opened after the last one for this subject.

    The same order may. A different one waits until no worker can still be sending the last one; then the provider
    must confirm that the last one was not paid, because a late send can revive an order that the node marked as failed.
    """
    if last.order.reference == order.reference:
        return True
    last_rail = rail(last.order.rail)
    wait_until = _send_ends_by(last, last_rail)
    if clock() < wait_until:
        release(claim, due_at=wait_until)
        return False
    return (yield from _is_still_unpaid(claim, last, last_rail, clock=clock))


def _is_still_unpaid(claim: Claim, last: Attempt, last_rail: Rail, *, clock: Clock) -> Flow[bool]:
    match (yield from call_provider(last_rail.find, order_of(last.order))):
        case Refused():
            return True
        case NotSeen() if last.state == AttemptState.VOID or was_resolved(last.pk):
            return True
        case NotSeen(source=last.order.source) if _is_refused_and_expired(last, now=clock()):
            return True
        case Succeeded() as proven if _proves(proven, last.order, last_rail):
            close_as_paid(last, proven, now=clock())
            if last.disbursement_id != claim.disbursement_id:
                facts = {"disbursement_id": last.disbursement_id}
                put_under_review(claim, code=_R.PAID_BEFORE, facts=facts, now=clock(), due_at=None)
        case Unknown(suspect=False):
            release(claim, due_at=clock() + QUERY_AGAIN_AFTER)
        case _:
            put_under_review(claim, code=_R.LAST_ORDER_IN_DOUBT, facts={}, now=clock(), due_at=None)
    return False


def _is_refused_and_expired(last: Attempt, *, now: datetime) -> bool:
    """Return whether an order was refused and has expired since.

    A node may be configured to delete failed payments; after the expiry a payment that it does not know is unpaid.
    """
    return last.state == AttemptState.FAILED and now > last.order.give_up_after


def _send(claim: Claim, attempt: Attempt, order: Order, paid_by: Rail, *, clock: Clock) -> Flow[None]:
    """Send a committed order. If the outcome stays unknown, the next claim queries the provider.

    A missing answer proves neither success nor failure.
    """
    if not (yield from call_batched(may_send, claim)):
        release(claim, due_at=clock() + QUERY_AGAIN_AFTER)
        return
    try:
        outcome = yield from call_provider(paid_by.send, order, now=clock())
    except RailUnavailable as error:
        _release_unavailable(claim, received_answer(attempt, error, AnsweredCall.SEND), clock=clock)
        count_failures(order.rail, disbursement_ids=[claim.disbursement_id], now=clock())
        return
    yield from _record_outcome(claim, attempt, outcome, paid_by, answered_call=AnsweredCall.SEND, clock=clock)


def _query(claim: Claim, attempt: Attempt, *, clock: Clock) -> Flow[None]:
    """Query the provider about an open attempt before anything else."""
    paid_by = rail(attempt.order.rail)
    try:
        found = yield from call_provider(paid_by.find, order_of(attempt.order))
    except RailUnavailable as error:
        _release_unavailable(claim, received_answer(attempt, error, AnsweredCall.ASK), clock=clock)
        return
    if isinstance(found, Refused) and _is_stale(attempt, found):
        found = NotSeen(source=attempt.order.source, evidence=found.evidence)
    yield from _record_outcome(claim, attempt, found, paid_by, answered_call=AnsweredCall.ASK, clock=clock)


def _is_stale(attempt: Attempt, refused: Refused) -> bool:
    """Return whether a refusal belongs to an earlier send of the same order: the latest may not have arrived yet."""
    earlier = Attempt.objects.filter(order_id=attempt.order_id, number__lt=attempt.number)
    return bool(refused.verdict) and earlier.filter(verdict=refused.verdict).exists()


def _record_outcome(
    claim: Claim,
    attempt: Attempt,
    outcome: FindOutcome,
    paid_by: Rail,
    *,
    answered_call: AnsweredCall,
    clock: Clock,
) -> Flow[None]:
    now = clock()
    match outcome:
        case Succeeded() if not _proves(outcome, attempt.order, paid_by):
            contradiction = Unknown(
                seen=True,
                reason="paid, but proof or amount is not ours",
                suspect=True,
                evidence=outcome.evidence,
            )
            _record_unknown(claim, attempt, contradiction, answered_call=answered_call, now=now)
            return
        case Succeeded():
            yield from _book(claim, attempt, outcome, clock=clock)
            yield from call_batched(count_successes, paid_by.name)
            return
        case Refused() if _may_be_paid_by_earlier_send(attempt, outcome):
            refusal = Unknown(
                seen=True, reason=outcome.reason, suspect=True, is_refusal=True, evidence=outcome.evidence
            )
            _record_unknown(claim, attempt, refusal, answered_call=answered_call, now=now)
            return
        case Refused():
            close_as_failed(claim, attempt, outcome, now=now)
        case Unknown():
            _record_unknown(claim, attempt, outcome, answered_call=answered_call, now=now)
        case NotSeen():
            yield from _decide_not_seen(claim, attempt, outcome, paid_by, clock=clock)
    count_outcome(paid_by.name, outcome, disbursement_id=claim.disbursement_id, now=now)


def _may_be_paid_by_earlier_send(attempt: Attempt, refused: Refused) -> bool:
    """Return whether people must decide: the payee refused an order that had been sent more than once.

    A wallet refuses what it was paid already: the first send may have arrived, and the provider lost its record.
    A later attempt for the same order cannot know more than this one.
    """
    if refused.failure not in PAYEES_OWN:
        return False
    return Attempt.objects.filter(order_id=attempt.order_id, sends__gt=1).exists()


def _book(claim: Claim, attempt: Attempt, proven: Succeeded, *, clock: Clock) -> Flow[None]:
    """Book a payment with others while the claim holds; alone if it was lost, since the payment is a fact."""
    try:
        yield from call_batched(close_all_as_paid, Payment(claim, attempt, proven))
    except StateChanged:
        close_as_paid(attempt, proven, now=clock())


def _decide_not_seen(
    claim: Claim, attempt: Attempt, not_seen: NotSeen, paid_by: Rail, *, clock: Clock
) -> Flow[None]:
    """Decide about an order that the provider does not know: only the very same order may be sent again."""
    now, order = clock(), order_of(attempt.order)
    answer = received_answer(attempt, not_seen, AnsweredCall.ASK)
    if attempt.state == AttemptState.IN_FLIGHT or not_seen.source != order.source:
        put_under_review(
            claim, code=_R.PAYMENT_VANISHED, facts={"source": not_seen.source}, now=now,
            due_at=now + QUERY_REVIEWED_EVERY, answer=answer,
        )  # fmt: skip
    elif now > max(order.give_up_after, _send_ends_by(attempt, paid_by)):
        close_as_never_sent(claim, attempt, now=now, answer=answer)
    elif now + timedelta(seconds=paid_by.send_deadline_seconds) < order.expires_at:
        yield from _send_again(claim, answer, order, paid_by, clock=clock)
    else:
        release_with_answer(claim, answer, due_at=order.give_up_after + QUERY_AGAIN_AFTER, now=now)


def _send_again(
    claim: Claim, answer: ReceivedAnswer, order: Order, paid_by: Rail, *, clock: Clock
) -> Flow[None]:
    now = clock()
    if not switches.outgoing().is_open:
        release_with_answer(claim, answer, due_at=now + DEFER_FOR, now=now)
        return
    if state_of(claim.disbursement_id) == DisbursementState.NEEDS_REVIEW:
        # A person was asked to decide, and may have paid in another way by now: query further, send nothing.
        release_with_answer(claim, answer, due_at=now + QUERY_REVIEWED_EVERY, now=now)
        return
    deferral = yield from call_batched(deferrals_by_breakers, Sending(order.rail, claim.disbursement_id))
    if deferral is not None:
        release_with_answer(claim, answer, due_at=deferral.until, now=now)
        return
    record_resend(claim, answer.attempt, now=now, answer=answer)
    yield from _send(claim, answer.attempt, order, paid_by, clock=clock)


def _record_unknown(
    claim: Claim, attempt: Attempt, unknown: Unknown, *, answered_call: AnsweredCall, now: datetime
) -> None:
    row = Disbursement.objects.only("asks", "state").get(pk=claim.disbursement_id)
    delay = QUERY_REVIEWED_EVERY if row.state == DisbursementState.NEEDS_REVIEW else query_delay(row.asks)
    record_unknown(claim, attempt, unknown, now=now, due_at=now + delay, answered_call=answered_call)
    if unknown.suspect:
        code = _R.REFUSED_WHEN_SENT_AGAIN if unknown.is_refusal else _R.ANSWER_CONTRADICTS_RECORDS
        due_at = now + QUERY_REVIEWED_EVERY
        put_under_review(claim, code=code, facts={"outcome": unknown.reason}, now=now, due_at=due_at)


def _defer_new(claim: Claim, error: RailUnavailable, *, clock: Clock) -> None:
    """Defer a payment whose rail is unavailable before an attempt was opened; its breaker counts that."""
    now = clock()
    logger.warning("rail %s is unavailable: %s", error.rail, error.detail)
    defer(claim, deferral_while_unavailable(error, until=now + QUERY_AGAIN_AFTER), now=now)
    count_failures(claim.row.rail, disbursement_ids=[claim.disbursement_id], now=now)


def _release_unavailable(claim: Claim, answer: ReceivedAnswer, *, clock: Clock) -> None:
    """Release a payment whose rail is unavailable while an attempt is open; its amount stays held."""
    logger.warning("rail %s is unavailable: %s", answer.attempt.order.rail, answer.evidence["detail"])
    release_with_answer(claim, answer, due_at=clock() + QUERY_AGAIN_AFTER, now=clock())


def _fail(claim: Claim, refusal: DomainError, *, clock: Clock) -> None:
    """Close as failed what cannot be paid as it is; nothing was sent and nothing is held."""
    with transaction.atomic(durable=True):
        fail(locked_processing_claim(claim), refusal, now=clock())


def _send_ends_by(attempt: Attempt, paid_by: Rail) -> datetime:
    """Return when no worker can still be sending an attempt."""
    last_sent_at = attempt.sent_at or attempt.opened_at
    return last_sent_at + LEASE + timedelta(seconds=paid_by.send_deadline_seconds)


def _proves(proven: Succeeded, order: PaymentOrder, paid_by: Rail) -> bool:
    return proven.amount_msat == order.amount_msat and paid_by.verify(order.reference, proven.proof)


def last_attempts(subjects: Iterable[str]) -> dict[str, Attempt]:
    """Return the newest attempt of each subject that has any, also of a disbursement that was cancelled since.

    Only the newest can be open: another is opened only after it is closed.
    """
    attempts = Attempt.objects.filter(disbursement__subject__in=list(subjects))
    rows = attempts.annotate(subject=F("disbursement__subject")).select_related("order").order_by("id")
    return {row.subject: row for row in rows}
