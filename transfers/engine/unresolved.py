"""Record what leaves an outcome open: an unclear answer, one more send, a review. The amount stays held."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from sunusav.core.trail import record_all
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake
from transfers.engine.answers import received_answer, store_answer, store_doubt
from transfers.engine.attempts import attempt_entry, move_attempt
from transfers.engine.claims import Claim, locked_claim, locked_processing_claim, move_disbursement, release
from transfers.engine.meanings import Meaning, meaning_of
from transfers.engine.policy import LEASE
from transfers.engine.situation import Answered, Unavailable
from transfers.engine.steps import Keep
from transfers.enums import OPEN_ATTEMPT_STATES, AnsweredCall, AttemptState, DisbursementState
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import RUN_DUE_TASK, record_outcome
from transfers.types import Refused, Succeeded, TooLate, Unknown

# What is due sooner than the next periodic run has a wake-up of its own.
SOON: Final = timedelta(seconds=10)


@retried_on_deadlock
def keep_open(claim: Claim, attempt: Attempt, decision: Keep, *, now: datetime) -> None:
    """Store an answer that leaves an attempt open; its provider is queried again at `due_at`. Raises: ClaimLost."""
    answered = decision.answered
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return
        store_answer(received_answer(attempt, answered), now=now)
        if _certainly_did_not_leave(answered):
            _count_no_send(fresh)
        if _is_seen(answered) and fresh.state == AttemptState.PREPARED:
            move_attempt(fresh, AttemptState.IN_FLIGHT, action="see_attempt", now=now, seen_at=now)
        asks = row.asks + 1 if isinstance(answered.answer, Unknown | TooLate) else row.asks
        if decision.review is None or row.state == DisbursementState.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=decision.due_at, claimed_by="", asks=asks)
            _wake_soon(decision.due_at, now)
            return
        move_disbursement(
            row, DisbursementState.NEEDS_REVIEW, action="review", now=now, code=decision.review,
            facts=dict(decision.facts), due_at=decision.due_at, claimed_by="", asks=asks,
        )  # fmt: skip
        record_outcome(row, now=now)


@retried_on_deadlock
def record_unsent(claim: Claim, attempt: Attempt, *, due_at: datetime) -> None:
    """Release a claim whose committed order was not sent, since a switch was closed. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        locked_claim(claim)
        _count_no_send(attempt)
        release(claim, due_at=due_at)


def _count_no_send(attempt: Attempt) -> None:
    """Take back the count of a send that certainly did not leave."""
    Attempt.objects.filter(pk=attempt.pk, sends__gt=0).update(sends=F("sends") - 1)


@retried_on_deadlock
def record_doubt(claim: Claim, attempt: Attempt, answered: Answered, *, now: datetime) -> None:
    """Store an answer by which a closed order may be paid; `now` is when its provider was asked. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        locked_claim(claim)
        store_doubt(received_answer(attempt, answered), now=now)


def _is_seen(answered: Answered) -> bool:
    """Return whether the provider knows the order; a refusal of an earlier send does not show that."""
    match answered.answer:
        case Unknown(seen=seen):
            return seen
        case Succeeded() | Refused():
            return meaning_of(answered) != Meaning.NOT_SEEN
        case _:
            return False


def _certainly_did_not_leave(answered: Answered) -> bool:
    """Return whether a send was no send: a payee who refuses the next one was not paid by it."""
    return answered.call == AnsweredCall.SEND and isinstance(answered.answer, TooLate | Unavailable)


def _wake_soon(due_at: datetime, now: datetime) -> None:
    if due_at - now <= SOON:
        wake(RUN_DUE_TASK, in_seconds=(due_at - now).total_seconds())


@retried_on_deadlock
def record_resend(claim: Claim, attempt: Attempt, answered: Answered, *, now: datetime) -> None:
    """Commit one more send of the same order, which its provider has not seen, and its latest moment.

    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        locked_processing_claim(claim)
        store_answer(received_answer(attempt, answered), now=now)
        # No transition: only an attempt that is still prepared may be sent again, and it stays prepared.
        counted = Attempt.objects.filter(pk=attempt.pk, state=AttemptState.PREPARED).update(
            sends=attempt.sends + 1, sent_at=now, send_not_after=now + LEASE
        )
        if counted != 1:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
        Disbursement.objects.filter(pk=claim.disbursement_id).update(due_at=now + LEASE)
        record_all([attempt_entry(attempt, "send_again", attempt.state, now)])
    attempt.sends, attempt.sent_at, attempt.send_not_after = attempt.sends + 1, now, now + LEASE


@retried_on_deadlock
def put_under_review(
    claim: Claim, *, code: str, facts: dict[str, Any], now: datetime, due_at: datetime | None
) -> None:
    """Put a disbursement without an open attempt under review. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        if row.state == DisbursementState.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="")
            return
        move_disbursement(
            row, DisbursementState.NEEDS_REVIEW, action="review", now=now, code=code, facts=facts, due_at=due_at,
            claimed_by="",
        )  # fmt: skip
        record_outcome(row, now=now)
