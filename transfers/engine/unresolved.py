"""Record what leaves an outcome open: an unclear answer, one more send, a review. The amount stays held."""

from datetime import datetime
from typing import Any

from django.db import transaction

from sunusav.core.trail import record_all
from transfers.engine.answers import ReceivedAnswer, received_answer, store_answer
from transfers.engine.attempts import attempt_entry, move_attempt
from transfers.engine.claims import Claim, locked_claim, locked_processing_claim, move_disbursement
from transfers.engine.policy import LEASE
from transfers.enums import OPEN_ATTEMPT_STATES, AnsweredCall, AttemptState, DisbursementState
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import record_outcome
from transfers.types import Unknown


def release_with_answer(
    claim: Claim, answer: ReceivedAnswer, *, due_at: datetime | None, now: datetime
) -> None:
    """Store an answer about an open attempt and release its disbursement until `due_at`. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        store_answer(answer, now=now)
        Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="")


def record_unknown(
    claim: Claim,
    attempt: Attempt,
    unknown: Unknown,
    *,
    now: datetime,
    due_at: datetime,
    answered_call: AnsweredCall = AnsweredCall.ASK,
) -> None:
    """Store an answer that leaves the outcome unknown; the provider is queried again at `due_at`. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return
        store_answer(received_answer(attempt, unknown, answered_call), now=now)
        if unknown.seen and fresh.state == AttemptState.PREPARED:
            move_attempt(fresh, AttemptState.IN_FLIGHT, action="see_attempt", now=now, seen_at=now)
        Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="", asks=row.asks + 1)


def record_resend(
    claim: Claim, attempt: Attempt, *, now: datetime, answer: ReceivedAnswer | None = None
) -> None:
    """Count one more send of the same order before it leaves: the provider had not seen it. Raises: ClaimLost."""
    with transaction.atomic(durable=True):
        locked_processing_claim(claim)
        if answer is not None:
            store_answer(answer, now=now)
        # No transition: only an attempt that is still prepared may be sent again, and it stays prepared.
        counted = Attempt.objects.filter(pk=attempt.pk, state=AttemptState.PREPARED).update(
            sends=attempt.sends + 1, sent_at=now
        )
        if counted != 1:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
        Disbursement.objects.filter(pk=claim.disbursement_id).update(due_at=now + LEASE)
        record_all([attempt_entry(attempt, "send_again", attempt.state, now)])


def put_under_review(
    claim: Claim,
    *,
    code: str,
    facts: dict[str, Any],
    now: datetime,
    due_at: datetime | None,
    answer: ReceivedAnswer | None = None,
) -> None:
    """Put a disbursement under review, with the answer that caused it, if one did. Raises: ClaimLost.

    If it has an open attempt, the provider is queried about it again at `due_at`.
    """
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        if answer is not None:
            store_answer(answer, now=now)
        if row.state == DisbursementState.NEEDS_REVIEW:
            Disbursement.objects.filter(pk=row.pk).update(due_at=due_at, claimed_by="")
            return
        move_disbursement(
            row, DisbursementState.NEEDS_REVIEW, action="review", now=now, code=code, facts=facts, due_at=due_at,
            claimed_by="",
        )  # fmt: skip
        record_outcome(row, now=now)
