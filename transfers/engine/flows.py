"""The flow of one claimed disbursement: performs what `decisions` decides, one step after the other."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from sunusav.core import switches
from sunusav.core.clock import Clock
from sunusav.core.deadlines import Deadline, boottime_ns
from sunusav.core.errors import DomainError
from sunusav.core.privacy import PersonErased
from sunusav.core.transitions import StateChanged
from transfers.engine.breaker import (
    Sending,
    count_refusal,
    count_successes,
    release_try,
)
from transfers.engine.choices import fix_francs, refuse_destination
from transfers.engine.claims import Claim, begin_scheduled, may_send, release
from transfers.engine.decisions import decide, watch_from
from transfers.engine.deferring import defer
from transfers.engine.destinations import instruction_for, orders_of
from transfers.engine.facts import order_facts, proves
from transfers.engine.flow_runner import Flow, call_batched, call_provider
from transfers.engine.opening import Opening, open_attempts
from transfers.engine.paid import Payment, close_all_as_paid, close_as_paid
from transfers.engine.policy import LEASE, QUERY_AGAIN_AFTER
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
from transfers.engine.stopping import stop
from transfers.engine.switching import (
    call_while_accepted,
    deferral_while_off,
    deferrals_by_rails,
    refusal_in,
    switch_off_refused,
)
from transfers.engine.unpaid import close_as_unpaid, settle
from transfers.engine.unresolved import (
    keep_open,
    put_under_review,
    record_doubt,
    record_resend,
    record_unsent,
)
from transfers.enums import AnsweredCall, DisbursementState, ReviewCode
from transfers.errors import (
    ClaimLost,
    DestinationUnavailable,
    RailCredentialsRefused,
    RailShort,
    RailUnavailable,
)
from transfers.models import Attempt
from transfers.queries import destinations_of
from transfers.rails import Rail, rail
from transfers.services.amounts import amount_by
from transfers.types import Deferral, Order, Reversed, Succeeded

logger = logging.getLogger(__name__)


class Ended(Enum):
    """The flow has nothing left to do."""

    ENDED = "ended"


ENDED: Final = Ended.ENDED


def payment_flow(claim: Claim, attempts: Sequence[Attempt], *, clock: Clock) -> Flow[None]:
    """Take one claimed disbursement as far as it goes now; after a crash the next claim resumes it.

    `attempts` are all attempts for its subject, oldest first, read under the claim. Raises: ClaimLost.
    """
    yield from _PaymentFlow(claim, attempts, clock).run()


class _PaymentFlow:
    """The claim of one payment, and what this flow has learnt about it."""

    def __init__(self, claim: Claim, attempts: Sequence[Attempt], clock: Clock) -> None:
        self._claim, self._clock = claim, clock
        self._attempts = list(attempts)
        self._queried: dict[int, datetime] = {}
        self._doubts: dict[int, Doubt] = {}

    def run(self) -> Flow[None]:
        outcome: Outcome | Ended | None = None
        while outcome is not ENDED:
            decision = decide(self._payment(), self._orders(), outcome, self._clock())
            outcome = yield from self._perform(decision)

    def _payment(self) -> PaymentFacts:
        row, choices = self._claim.row, destinations_of(self._claim.row)
        return PaymentFacts(
            DisbursementState(row.state), retries=row.retries, queries=row.asks, not_before=row.not_before,
            is_amount_fixed=amount_by(row, self._claim.destination.rail) is not None,
            has_other_choice=sum(one.refused_at is None for one in choices) > 1,
        )  # fmt: skip

    def _orders(self) -> list[OrderFacts]:
        return order_facts(
            self._attempts, disbursement_id=self._claim.disbursement_id, queried=self._queried,
            doubts=self._doubts,
        )  # fmt: skip

    def _perform(self, decision: Decision) -> Flow[Outcome | Ended | None]:  # noqa: PLR0911  (one case per decision)
        """Perform what has an outcome to decide about; anything else ends the flow."""
        match decision:
            case Begin():
                return self._begin()
            case Query(order=order):
                return (yield from self._query(order))
            case Settle() | LeaveInDoubt() | RefuseDestination():
                self._note(decision)
                return None
            case FixAmount():
                return fix_francs(self._claim, now=self._clock())
            case Prepare():
                return (yield from self._prepare())
            case OpenAndSend(order=order):
                return (yield from self._open_and_send(order))
            case SendAgain(answered=answered):
                return (yield from self._send_again(answered))
            case Book(order=order, proven=proven):
                return (yield from self._book(self._attempt_of(order), proven))
            case _:
                return self._end(decision)

    def _note(self, decision: Settle | LeaveInDoubt | RefuseDestination) -> None:
        """Take in what only changes the facts that are decided about next."""
        match decision:
            case Settle(order=order):
                self._settle(order)
            case LeaveInDoubt(answered=answered, doubt=doubt):
                self._leave_in_doubt(answered, doubt)
            case RefuseDestination(code=code):
                self._refuse_destination(code)

    def _end(self, decision: Decision) -> Ended:
        claim, now = self._claim, self._clock()
        match decision:
            case Close(order=order, refused=refused):
                attempt = self._attempt_of(order)
                close_as_unpaid(claim, attempt, decision, now=now)
                count_refusal(
                    attempt.order.rail, refused.failure, disbursement_id=claim.disbursement_id, now=now
                )
            case Keep(answered=answered):
                keep_open(claim, self._attempt_of(answered.order), decision, now=now)
            case BookLate(order=order, proven=proven):
                self._book_late(self._attempt_of(order), proven)
            case Review(code=code, due_at=due_at):
                put_under_review(claim, code=code, facts={}, now=now, due_at=due_at)
                release_try(claim.destination.rail, disbursement_id=claim.disbursement_id, why=code, now=now)
            case Defer(deferral=deferral):
                defer(claim, deferral, now=now, watch_at=watch_from(self._orders(), now))
                release_try(
                    claim.destination.rail, disbursement_id=claim.disbursement_id, why=deferral.code, now=now
                )
            case Stop():
                stop(claim, decision, now=now)
                release_try(
                    claim.destination.rail, disbursement_id=claim.disbursement_id, why=decision.code, now=now
                )
            case Wait(due_at=due_at):
                release(claim, due_at=due_at)
                release_try(claim.destination.rail, disbursement_id=claim.disbursement_id, why="", now=now)
        return ENDED

    def _begin(self) -> Ended | None:
        started = begin_scheduled(self._claim, now=self._clock())
        if started is None:
            return ENDED
        self._claim = started
        return None

    def _refuse_destination(self, code: str) -> None:
        given_up = self._claim.destination.rail
        refuse_destination(self._claim, code, now=self._clock())
        release_try(given_up, disbursement_id=self._claim.disbursement_id, why=code, now=self._clock())

    def _query(self, order: OrderFacts) -> Flow[Outcome]:
        attempt = self._attempt_of(order)
        paid_by = rail(attempt.order.rail)
        stored = yield from call_batched(orders_of, attempt.order)
        # When the answer is stored it may be old: what counts is when the provider was asked.
        self._queried[attempt.order_id] = self._clock()
        return (yield from self._answer(attempt, AnsweredCall.ASK, partial(paid_by.find, stored), paid_by))

    def _settle(self, order: OrderFacts) -> None:
        attempt = self._attempt_of(order)
        tries = [one for one in self._attempts if one.order_id == attempt.order_id]
        settle(self._claim, tries, now=self._queried[attempt.order_id])

    def _leave_in_doubt(self, answered: Answered, doubt: Doubt) -> None:
        attempt = self._attempt_of(answered.order)
        record_doubt(self._claim, attempt, answered, now=self._queried[attempt.order_id])
        self._doubts[attempt.order_id] = doubt

    def _prepare(self) -> Flow[Outcome]:  # noqa: PLR0911  (one case per refusal)
        """Have the rail prepare an order, if its switch and its breaker let the payment go."""
        chosen = self._claim.destination
        # While outgoing money is paused, only payments with earlier orders are claimed, to ask about those.
        if self._attempts and not switches.outgoing().is_open:
            return Paused()
        deferral = yield from call_batched(deferrals_by_rails, Sending(chosen.rail, chosen.disbursement_id))
        if deferral is not None:
            return NotAdmitted(deferral)
        asked_at = self._clock()
        try:
            instruction = instruction_for(chosen, self._claim.row, self._claim.keys, self._last_of_ours())
            prepare = partial(rail(chosen.rail).prepare, instruction, now=asked_at)
            order = yield from call_provider(call_while_accepted, chosen.rail, prepare)
        except RailCredentialsRefused as refusal:
            switch_off_refused(refusal, asked_at=asked_at, now=self._clock())
            return NotAdmitted(deferral_while_off(chosen.rail, now=self._clock()))
        except RailUnavailable as error:
            logger.warning("rail %s is unavailable: %s", error.rail, error.detail)
            return Unavailable(error.detail, error.stored_facts)
        except RailShort as error:
            return Short(error.rail)
        except DestinationUnavailable as error:
            return Unreachable(error.code, error.stored_facts)
        except DomainError as refusal:
            return NotPrepared(refusal.code, refusal.stored_facts)
        return Prepared(order)

    def _open_and_send(self, order: Order) -> Flow[Outcome | Ended]:
        last = self._last_of_ours()
        opening = Opening(self._claim, order, last.number + 1 if last is not None else 1)
        read_at_ns = boottime_ns()
        try:
            opened = yield from call_batched(open_attempts, opening)
        except ClaimLost:
            raise
        except DomainError as refusal:
            return NotPrepared(refusal.code, refusal.stored_facts)
        if isinstance(opened, Deferral):
            return NotAdmitted(opened)
        self._attempts.append(opened)
        return (yield from self._send(opened, order, read_at_ns=read_at_ns))

    def _send_again(self, answered: Answered) -> Flow[Outcome | Ended]:
        """Send the same order again: intent and latest moment are committed before, as for the first time."""
        attempt = self._attempt_of(answered.order)
        if not switches.outgoing().is_open:
            return NotSentAgain(answered, None)
        sending = Sending(attempt.order.rail, self._claim.disbursement_id)
        deferral = yield from call_batched(deferrals_by_rails, sending)
        if deferral is not None:
            # New payments come first: an order that never arrives must not keep every try of a stopped rail.
            until = deferral.until and deferral.until + QUERY_AGAIN_AFTER
            return NotSentAgain(answered, until)
        order = yield from call_batched(orders_of, attempt.order)
        if not order.payload:
            raise PersonErased(person_ref=self._claim.row.person_ref)
        read_at_ns = boottime_ns()
        record_resend(self._claim, attempt, answered, now=self._clock())
        return (yield from self._send(attempt, order, read_at_ns=read_at_ns))

    def _send(self, attempt: Attempt, order: Order, *, read_at_ns: int) -> Flow[Outcome | Ended]:
        """Send a committed order, not after its latest moment. A missing answer proves neither success nor failure."""
        if not (yield from call_batched(may_send, self._claim)):
            record_unsent(self._claim, attempt, due_at=self._clock() + QUERY_AGAIN_AFTER)
            return ENDED
        assert attempt.send_not_after is not None, "it was committed with the intent"  # noqa: S101
        deadline = Deadline.after(LEASE, at=attempt.send_not_after, read_at_ns=read_at_ns)
        paid_by = rail(order.rail)
        send = partial(paid_by.send, order, deadline=deadline)
        return (
            yield from self._answer(
                attempt, AnsweredCall.SEND, partial(call_while_accepted, order.rail, send), paid_by
            )
        )

    def _answer(
        self, attempt: Attempt, call: AnsweredCall, ask: Callable[[], Any], paid_by: Rail
    ) -> Flow[Answered]:
        answer: Answer
        asked_at = self._clock()
        try:
            answer = yield from call_provider(ask)
        except RailUnavailable as error:
            logger.warning("rail %s is unavailable: %s", error.rail, error.detail)
            answer = Unavailable(error.detail, error.stored_facts)
            if isinstance(error, RailCredentialsRefused):
                switch_off_refused(error, asked_at=asked_at, now=self._clock())
        self._switch_off_refused(attempt, answer)
        is_proven = isinstance(answer, Succeeded) and proves(answer, attempt.order, paid_by)
        is_proven |= isinstance(answer, Reversed) and answer.amount == attempt.order.money(
            attempt.order.amount
        )
        return Answered(self._facts_of(attempt), call, answer, is_proven)

    def _switch_off_refused(self, attempt: Attempt, answer: Answer) -> None:
        """Switch the rail off, before anything else, if an order was refused because our credentials are."""
        refusal = refusal_in(answer, attempt.order.rail)
        if refusal is not None:
            switch_off_refused(refusal, asked_at=attempt.sent_at or attempt.opened_at, now=self._clock())

    def _book(self, attempt: Attempt, proven: Succeeded) -> Flow[Ended]:
        """Book a payment with others while the claim holds; alone if it was lost, since the payment is a fact."""
        try:
            yield from call_batched(close_all_as_paid, Payment(self._claim, attempt, proven))
        except StateChanged:
            close_as_paid(attempt, proven, now=self._clock())
        yield from call_batched(count_successes, attempt.order.rail)
        return ENDED

    def _book_late(self, attempt: Attempt, proven: Succeeded) -> None:
        """Book an order that was paid after it had been closed; a payment that cannot follow it waits for a person."""
        now = self._clock()
        is_ours = attempt.disbursement_id == self._claim.disbursement_id
        if close_as_paid(attempt, proven, now=now) and is_ours:
            return
        if self._claim.row.state == DisbursementState.PROCESSING:
            facts = {"disbursement_id": attempt.disbursement_id}
            watch_at = watch_from(self._orders(), now)
            put_under_review(self._claim, code=ReviewCode.PAID_BEFORE, facts=facts, now=now, due_at=watch_at)
        else:
            release(self._claim, due_at=now + QUERY_AGAIN_AFTER)

    def _attempt_of(self, order: OrderFacts) -> Attempt:
        return next(one for one in self._attempts if one.pk == order.attempt_id)

    def _facts_of(self, attempt: Attempt) -> OrderFacts:
        return next(one for one in self._orders() if one.attempt_id == attempt.pk)

    def _last_of_ours(self) -> Attempt | None:
        ours = [one for one in self._attempts if one.disbursement_id == self._claim.disbursement_id]
        return ours[-1] if ours else None
