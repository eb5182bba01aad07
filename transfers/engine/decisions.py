"""What happens next to a payment: one pure function, read as a table. `flows` performs what it decides.

`decide` is called after a claim and again after every outcome, until it ends the flow. Where an order is named, it is
the newest attempt for that order. An attempt is open until its outcome is known; an order that was closed as unpaid is
*settled* once the provider said so after the last moment at which a send of it could still have been accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from transfers.engine.meanings import GIVEN_BACK_IN_PART, NOT_OURS, Meaning, meaning_of
from transfers.engine.policy import (
    DEFER_FOR,
    FIRST_QUERY_AFTER,
    QUERY_AGAIN_AFTER,
    QUERY_REVIEWED_EVERY,
    NextStep,
    after_failure,
    after_unreachable_destination,
    query_delay,
    watch_delay,
)
from transfers.engine.situation import (
    Answer,
    Answered,
    Doubt,
    NotAdmitted,
    NotPrepared,
    NotSentAgain,
    OrderFacts,
    Outcome,
    Paused,
    PaymentFacts,
    Prepared,
    Short,
    Unavailable,
    Unreachable,
)
from transfers.engine.steps import (
    Begin,
    Book,
    BookLate,
    Close,
    Decision,
    Defer,
    FixAmount,
    Keep,
    LeaveInDoubt,
    OpenAndSend,
    Prepare,
    Query,
    RefuseDestination,
    Review,
    SendAgain,
    Settle,
    Stop,
    Wait,
)
from transfers.enums import (
    AttemptState,
    DeferralCode,
    DisbursementState,
    FailureClass,
    FailureCode,
    ReviewCode,
)
from transfers.types import Deferral, NotSeen, Refused, Reversed, Succeeded, Unknown

_S = DisbursementState


# A late payment can still be booked for a payment in these states.
BOOKABLE_STATES: Final = (_S.PROCESSING, _S.FAILED, _S.NEEDS_REVIEW)


def decide(
    payment: PaymentFacts, orders: Sequence[OrderFacts], outcome: Outcome | None, now: datetime
) -> Decision:
    """Return what happens next.

    `orders`: every order of the subject; `outcome`: None after the claim, and after what only changed their facts.
    """
    match outcome:
        case None:
            return _next(payment, orders, now)
        case Answered(order=order) if order.is_open:
            return _about_open(payment, orders, outcome, now)
        case Answered():
            return _about_closed(payment, outcome, now)
        case Prepared(order=order):
            return OpenAndSend(order)
        case NotPrepared(code=code) if payment.has_other_choice:
            return RefuseDestination(code)
        case NotPrepared(code=code, facts=facts):
            return Stop(code, facts, NextStep(_S.FAILED, watch_from(orders, now)))
        case Unreachable(code=code, facts=facts):
            step = after_unreachable_destination(retries=payment.retries, now=now)
            return Stop(code, facts, _watched(step, orders, now))
        case Short(rail=rail):
            return Defer(Deferral(DeferralCode.LIQUIDITY_SHORT, {"rail": rail}, now + DEFER_FOR))
        case Unavailable(facts=facts):
            return Defer(Deferral(DeferralCode.RAIL_UNAVAILABLE, facts, now + QUERY_AGAIN_AFTER))
        case NotAdmitted(deferral=deferral):
            return Defer(deferral)
        case NotSentAgain(answered=answered, until=until):
            return Keep(answered, max(until or now + DEFER_FOR, now + FIRST_QUERY_AFTER))
        case Paused():
            return Wait(now + DEFER_FOR)


def _next(payment: PaymentFacts, orders: Sequence[OrderFacts], now: datetime) -> Decision:
    if payment.state == _S.SCHEDULED:
        return Begin()
    ours = [order for order in orders if order.is_ours]
    if first := next((order for order in ours if order.is_open), None):
        return Query(first)
    if paid := next((order for order in ours if _may_be_booked_now(payment, order)), None):
        return Query(paid)
    if payment.state == _S.PROCESSING:
        return _before_another(payment, orders, now)
    return _watch(orders, now)


def _may_be_booked_now(payment: PaymentFacts, order: OrderFacts) -> bool:
    """Return whether an order that was paid beside another may have become this payment's own: the other failed."""
    return order.was_paid_elsewhere and not order.was_queried and payment.state in BOOKABLE_STATES


def _before_another(payment: PaymentFacts, orders: Sequence[OrderFacts], now: datetime) -> Decision:
    """Prepare nothing until no earlier order of the subject can be paid any more, and each was asked about after that.

    One that was paid beside the books makes the payment wait for a person.
    """
    if any(order.was_paid_elsewhere for order in orders):
        return Review(ReviewCode.PAID_BEFORE, _look_again(orders, now))
    earlier = [order for order in orders if order.is_unpaid]
    latest = max((order.may_leave_until for order in earlier), default=now)
    if latest > now:
        return Wait(latest)
    for order in earlier:
        if not order.was_queried:
            return Query(order)
    doubts = [order.doubt for order in earlier if order.doubt is not None]
    if any(doubt.needs_person for doubt in doubts):
        return Review(ReviewCode.LAST_ORDER_IN_DOUBT, watch_from(orders, now))
    if doubts:
        return Wait(min(doubt.look_at for doubt in doubts))
    if payment.not_before is not None and payment.not_before > now:
        return Wait(payment.not_before)
    return Prepare() if payment.is_amount_fixed else FixAmount()


def _watch(orders: Sequence[OrderFacts], now: datetime) -> Decision:
    """Ask about closed orders of a payment that sends nothing more, for as long as they can be paid."""
    watched = [order for order in orders if order.is_ours and order.is_unpaid]
    for order in watched:
        if order.may_leave_until <= now and not order.was_queried and _is_watched(order, now):
            return Query(order)
    return Wait(_look_again(orders, now))


def _look_again(orders: Sequence[OrderFacts], now: datetime) -> datetime | None:
    """Return when this payment's orders are to be asked about next: closed ones, and any left in doubt just now."""
    doubts = [order.doubt.look_at for order in orders if order.is_ours and order.doubt is not None]
    looks = [watch_from(orders, now), *doubts]
    return min((moment for moment in looks if moment is not None), default=None)


def watch_from(orders: Sequence[OrderFacts], now: datetime) -> datetime | None:
    """Return when closed orders of a payment are to be asked about next; None when none can be paid any more."""
    watched = [one for one in orders if one.is_ours and one.is_unpaid and _is_watched(one, now)]
    return min((_next_look(order, now) for order in watched), default=None)


def _is_watched(order: OrderFacts, now: datetime) -> bool:
    """Return whether an order may still be paid, or was not confirmed as unpaid after it could have been."""
    if not order.is_settled:
        return True
    assert order.unpaid_at is not None, "it is settled"  # noqa: S101  (a programmer's mistake)
    return order.unpaid_at <= order.give_up_after


def _next_look(order: OrderFacts, now: datetime) -> datetime:
    if order.may_leave_until > now:
        return order.may_leave_until
    look = now + watch_delay(now - order.may_leave_until)
    # The last look comes as soon as it can be paid no more.
    return order.give_up_after + QUERY_AGAIN_AFTER if now < order.give_up_after < look else look


def _about_open(
    payment: PaymentFacts, orders: Sequence[OrderFacts], answered: Answered, now: datetime
) -> Decision:
    order, reviewed_at = answered.order, now + QUERY_REVIEWED_EVERY
    is_reviewed = payment.state == _S.NEEDS_REVIEW
    match meaning_of(answered):
        case Meaning.PAID:
            assert isinstance(answered.answer, Succeeded)  # noqa: S101  (what the meaning says)
            return Book(order, answered.answer)
        case Meaning.PAID_EARLIER:
            return Keep(answered, reviewed_at, ReviewCode.PAID_BEFORE_ORDERED)
        case Meaning.CONTRADICTS:
            facts = (("outcome", _reason(answered.answer)),)
            return Keep(answered, reviewed_at, ReviewCode.ANSWER_CONTRADICTS_RECORDS, facts)
        case Meaning.MAY_BE_PAID_BY_EARLIER_SEND:
            facts = (("outcome", _reason(answered.answer)),)
            return Keep(answered, reviewed_at, ReviewCode.REFUSED_WHEN_SENT_AGAIN, facts)
        case Meaning.REFUSED:
            assert isinstance(answered.answer, Refused)  # noqa: S101  (what the meaning says)
            return _close(payment, orders, order, _state_after(order, answered.answer), answered.answer, now)
        case Meaning.VANISHED if _is_not_shown_yet(answered, now):
            return Keep(answered, now + query_delay(payment.queries))
        case Meaning.VANISHED:
            source = answered.answer.source if isinstance(answered.answer, NotSeen) else order.source
            return Keep(answered, reviewed_at, ReviewCode.PAYMENT_VANISHED, (("source", source),))
        case Meaning.NOT_SEEN:
            return _about_not_seen(payment, orders, answered, now)
        case Meaning.NOT_FOUND if now > order.found_by:
            return Keep(answered, reviewed_at, ReviewCode.NEVER_FOUND)
        case Meaning.NOT_FOUND:
            return Keep(answered, min(now + query_delay(payment.queries), order.found_by + QUERY_AGAIN_AFTER))
        case Meaning.REVERSED:
            # It was paid, and the money came back: people look into it before anything else is sent.
            given_back = Refused(FailureCode.GIVEN_BACK.value, FailureClass.REVIEW, answered.answer.evidence)
            return _close(payment, orders, order, AttemptState.FAILED, given_back, now)
        case Meaning.STUCK if now >= order.left_in_flight_from:
            return Keep(answered, reviewed_at, ReviewCode.LEFT_IN_FLIGHT)
        case Meaning.UNKNOWN | Meaning.STUCK | Meaning.TOO_LATE:
            return Keep(answered, reviewed_at if is_reviewed else now + query_delay(payment.queries))
        case Meaning.UNAVAILABLE:
            return Keep(answered, now + QUERY_AGAIN_AFTER)


def _about_not_seen(
    payment: PaymentFacts, orders: Sequence[OrderFacts], answered: Answered, now: datetime
) -> Decision:
    """Decide about an open order that the provider does not know: only the very same order may be sent again."""
    order = answered.order
    if order.is_over(now):
        failure = FailureClass.RENEW if order.is_renewable else FailureClass.FINAL
        unsent = Refused(FailureCode.NEVER_SENT.value, failure, answered.answer.evidence)
        return _close(payment, orders, order, AttemptState.VOID, unsent, now)
    if now + order.send_deadline >= order.expires_at:
        return Keep(answered, max(order.give_up_after, order.may_leave_until) + QUERY_AGAIN_AFTER)
    if payment.state == _S.NEEDS_REVIEW:
        # A person was asked to decide, and may have paid in another way by now: query further, send nothing.
        return Keep(answered, now + QUERY_REVIEWED_EVERY)
    return SendAgain(answered)


def _is_not_shown_yet(answered: Answered, now: datetime) -> bool:
    """Return whether a provider that acknowledged an order may still need a while to show it."""
    order, answer = answered.order, answered.answer
    is_same_source = isinstance(answer, NotSeen) and answer.source == order.source
    return is_same_source and bool(order.search_window) and now <= order.found_by


def _state_after(order: OrderFacts, refused: Refused) -> AttemptState:
    """Return the state of an attempt that was refused: void if the provider never had its order.

    One that was sent before may be there by its first send, whatever became of the last.
    """
    is_first_send = order.state == AttemptState.PREPARED and not order.was_sent_again
    was_never_known = is_first_send and not refused.is_recorded
    return AttemptState.VOID if was_never_known else AttemptState.FAILED


def _close(
    payment: PaymentFacts, orders: Sequence[OrderFacts], order: OrderFacts, state: AttemptState, refused: Refused,
    now: datetime,
) -> Close:  # fmt: skip
    """Close an attempt; one under review waits for a person all the same.

    The order is asked about again as soon as no send of it can leave any more, whatever follows; so are the others.
    """
    step, refuses_destination = _after_closing(payment, order, refused, now)
    looks = [watch_from(orders, now), None if order.is_over(now) else _next_look(order, now), step.due_at]
    due_at = min((moment for moment in looks if moment is not None), default=None)
    then = replace(step, due_at=due_at, not_before=step.due_at)
    return Close(order, state, refused, then, refuses_destination)


def _after_closing(
    payment: PaymentFacts, order: OrderFacts, refused: Refused, now: datetime
) -> tuple[NextStep, bool]:
    """Return what follows a refusal, and whether the destination is given up for the other one.

    The other one is paid when the first was finally refused, and every order of it was asked about once no send of it
    could leave any more.
    """
    if payment.state == _S.NEEDS_REVIEW:
        return NextStep(_S.NEEDS_REVIEW, None), False
    if refused.failure == FailureClass.FINAL and payment.has_other_choice:
        return NextStep(_S.PROCESSING, now), True
    return after_failure(refused.failure, retries=payment.retries, holds=order.holds, now=now), False


def _watched(step: NextStep, orders: Sequence[OrderFacts], now: datetime) -> NextStep:
    return step if step.due_at else NextStep(step.state, watch_from(orders, now), step.counts_as_retry)


def _about_closed(payment: PaymentFacts, answered: Answered, now: datetime) -> Decision:
    """Decide about an order that was closed as unpaid: a late send can revive one that the provider had refused.

    While the payment would send another, an answer that contradicts our records needs a person. One that two people
    found unpaid is settled while it is left in flight.
    """
    order, is_processing = answered.order, payment.state == _S.PROCESSING
    match meaning_of(answered):
        case Meaning.PAID:
            assert isinstance(answered.answer, Succeeded)  # noqa: S101  (what the meaning says)
            return BookLate(order, answered.answer)
        case Meaning.REFUSED | Meaning.PAID_EARLIER | Meaning.REVERSED:
            return Settle(order)
        case Meaning.NOT_SEEN | Meaning.NOT_FOUND | Meaning.VANISHED if _is_unpaid_though_unseen(
            answered, now
        ):
            return Settle(order)
        case Meaning.STUCK if order.was_resolved and now >= order.left_in_flight_from:
            return Settle(order)
        case Meaning.UNAVAILABLE:
            return LeaveInDoubt(answered, Doubt(now + QUERY_AGAIN_AFTER, needs_person=False))
        case Meaning.UNKNOWN | Meaning.TOO_LATE if is_processing:
            return LeaveInDoubt(answered, Doubt(now + QUERY_AGAIN_AFTER, needs_person=False))
        case Meaning.STUCK if is_processing and now < order.left_in_flight_from:
            return LeaveInDoubt(answered, Doubt(now + QUERY_AGAIN_AFTER, needs_person=False))
        case _:
            return LeaveInDoubt(answered, Doubt(_next_look(order, now), needs_person=is_processing))


def _is_unpaid_though_unseen(answered: Answered, now: datetime) -> bool:
    """Return whether a closed order that the provider does not know is unpaid.

    It is if it was never sent, or if two people found it unpaid. A node may be configured to delete failed payments:
    after its expiry, an order that its own node refused and does not know any more is unpaid. Another node cannot know
    that, unless the order was confirmed as unpaid before. Where absence proves nothing for a while, that must be over,
    unless the provider refused the only send of the order, or none left.
    """
    order = answered.order
    if now <= order.found_by and order.search_window:
        return order.was_refused_when_sent or not order.may_have_left
    if order.state == AttemptState.VOID or order.was_resolved:
        return True
    is_known_there = isinstance(answered.answer, NotSeen) and answered.answer.source == order.source
    return order.is_over(now) and (is_known_there or order.is_settled)


def _reason(answer: Answer) -> str:
    match answer:
        case Succeeded():
            return NOT_OURS
        case Unknown(reason=reason) | Refused(reason=reason):
            return reason
        case Reversed():
            return GIVEN_BACK_IN_PART
        case _:
            return ""
