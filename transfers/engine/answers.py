"""Answers of a provider about open attempts: the newest on the attempt, each that differs as a row of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from transfers.engine.decisions import NOT_OURS, Meaning, meaning_of
from transfers.engine.situation import Answered, Unavailable
from transfers.enums import OPEN_ATTEMPT_STATES, AnsweredCall, AnswerKind, ReviewCode
from transfers.models import Attempt, ProviderAnswer
from transfers.types import NotSeen, Refused, Succeeded, TooLate, Unknown


@dataclass(frozen=True)
class ReceivedAnswer:
    """One answer about an open attempt that leaves its outcome open."""

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
        case TooLate(evidence=evidence):
            return AnswerKind.TOO_LATE, "too-late", evidence
        case Unavailable(detail=detail):
            return AnswerKind.UNAVAILABLE, "rail-away", {"detail": detail}


def store_answer(answer: ReceivedAnswer, *, now: datetime) -> None:
    """Store an answer, in the caller's transaction; nothing about an attempt that was closed meanwhile.

    A row is added only when the answer differs from the last one: days of the same answer add nothing.
    """
    still_open = Attempt.objects.filter(pk=answer.attempt.pk, state__in=OPEN_ATTEMPT_STATES)
    if not still_open.update(asked_at=now, outcome=answer.outcome, evidence=answer.evidence):
        return
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
    return AnswerKind.IN_FLIGHT if unknown.seen else AnswerKind.UNCLEAR


def _is_same(last: ProviderAnswer, answer: ReceivedAnswer) -> bool:
    if (last.kind, last.outcome) != (answer.kind, answer.outcome):
        return False
    # The error text of a failed connection varies; that it failed is the fact.
    return answer.kind == AnswerKind.UNAVAILABLE or last.evidence == answer.evidence
