"""Answers of a provider that leave it open whether an attempt was paid; each that differs is a row of its own.

The newest about an open attempt is on the attempt itself; one that was closed keeps the answer that closed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from transfers.engine.meanings import GIVEN_BACK_IN_PART, NOT_OURS, Meaning, meaning_of
from transfers.engine.situation import Answered, Unavailable
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    UNPAID_ATTEMPT_STATES,
    AnsweredCall,
    AnswerKind,
    FailureCode,
    ReviewCode,
)
from transfers.models import Attempt, ProviderAnswer
from transfers.types import NotSeen, Refused, Reversed, Succeeded, TooLate, Unknown


@dataclass(frozen=True)
class ReceivedAnswer:
    """One answer about an attempt that leaves its outcome open, or in doubt after it was closed."""

    attempt: Attempt
    answered_call: AnsweredCall
    kind: AnswerKind
    outcome: str
    evidence: dict[str, Any]


def received_answer(attempt: Attempt, answered: Answered) -> ReceivedAnswer:
    """Return an answer as it is stored: its kind, its outcome as a code, and its evidence."""
    kind, outcome, evidence = _stored(answered, attempt.order.source)
    return ReceivedAnswer(attempt, answered.call, kind, outcome[:120], evidence)


def _stored(answered: Answered, source_of_order: str) -> tuple[AnswerKind, str, dict[str, Any]]:
    answer = answered.answer
    match answer:
        case NotSeen(source=source, evidence=evidence):
            outcome = "not-seen" if source == source_of_order else "not-seen-by-another-source"
            return AnswerKind.NOT_SEEN, outcome, {**evidence, "source": source}
        case Succeeded(evidence=evidence) if meaning_of(answered) == Meaning.PAID_EARLIER:
            return AnswerKind.PAID_EARLIER, ReviewCode.PAID_BEFORE_ORDERED, evidence
        case Succeeded(evidence=evidence):
            return AnswerKind.CONTRADICTS, NOT_OURS, evidence
        case Refused(reason=reason, evidence=evidence) if meaning_of(answered) == Meaning.NOT_SEEN:
            # A refusal of an earlier send says nothing about the latest.
            return AnswerKind.NOT_SEEN, "not-seen", {**evidence, "source": source_of_order}
        case Refused(reason=reason, evidence=evidence):
            return AnswerKind.REFUSED, reason, evidence
        case Unknown(reason=reason, evidence=evidence):
            return _kind(answer), reason, evidence
        case Reversed(evidence=evidence) if meaning_of(answered) == Meaning.CONTRADICTS:
            return AnswerKind.CONTRADICTS, GIVEN_BACK_IN_PART, evidence
        case Reversed(reference=reference, evidence=evidence):
            return AnswerKind.REFUSED, FailureCode.GIVEN_BACK, {**evidence, "reversal": reference}
        case TooLate(evidence=evidence):
            return AnswerKind.TOO_LATE, "too-late", evidence
        case Unavailable(detail=detail):
            return AnswerKind.UNAVAILABLE, "rail-away", {"detail": detail}


def store_answer(answer: ReceivedAnswer, *, now: datetime) -> None:
    """Store an answer about an open attempt, in the caller's transaction; nothing if it was closed meanwhile."""
    still_open = Attempt.objects.filter(pk=answer.attempt.pk, state__in=OPEN_ATTEMPT_STATES)
    if still_open.update(asked_at=now, outcome=answer.outcome, evidence=answer.evidence):
        _store_if_new(answer, now)


def store_doubt(answer: ReceivedAnswer, *, now: datetime) -> None:
    """Store an answer by which a closed attempt may be paid, in the caller's transaction."""
    closed = Attempt.objects.filter(pk=answer.attempt.pk, state__in=UNPAID_ATTEMPT_STATES)
    if closed.update(asked_at=now):
        _store_if_new(answer, now)


def _store_if_new(answer: ReceivedAnswer, now: datetime) -> None:
    """Add a row only when the answer differs from the last one: days of the same answer add nothing."""
    last = ProviderAnswer.objects.filter(attempt_id=answer.attempt.pk).order_by("-pk").first()
    if last is None or not _is_same(last, answer):
        ProviderAnswer.objects.create(
            attempt_id=answer.attempt.pk, at=now, answered_call=answer.answered_call, kind=answer.kind,
            outcome=answer.outcome, evidence=answer.evidence,
        )  # fmt: skip


def _kind(unknown: Unknown) -> AnswerKind:
    if unknown.is_refusal:
        return AnswerKind.REFUSED
    if unknown.suspect:
        return AnswerKind.CONTRADICTS
    if unknown.is_stuck:
        return AnswerKind.STUCK
    return AnswerKind.IN_FLIGHT if unknown.seen else AnswerKind.UNCLEAR


def _is_same(last: ProviderAnswer, answer: ReceivedAnswer) -> bool:
    if (last.kind, last.outcome) != (answer.kind, answer.outcome):
        return False
    # The error text of a failed connection varies; that it failed is the fact.
    return answer.kind == AnswerKind.UNAVAILABLE or last.evidence == answer.evidence
