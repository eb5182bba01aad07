"""Answers of the outside about open attempts: the newest on the attempt, each new one as a line of its story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from transfers.enums import OPEN_ATTEMPT_STATES, AnsweredCall, AnswerKind
from transfers.errors import RailUnavailable
from transfers.models import Attempt, ProviderAnswer
from transfers.types import NotSeen, Unknown


@dataclass(frozen=True)
class ReceivedAnswer:
    """One answer about an open attempt that leaves its outcome open."""

    attempt: Attempt
    answered_call: AnsweredCall
    kind: AnswerKind
    outcome: str
    evidence: dict[str, Any]


def received_answer(
    attempt: Attempt, answer: Unknown | NotSeen | RailUnavailable, answered_call: AnsweredCall
) -> ReceivedAnswer:
    """Read an answer for people: what it says of the money, in a word and with its evidence."""
    match answer:
        case NotSeen(source=source, evidence=evidence):
            known = source == attempt.order.source
            outcome = "not-seen" if known else "not-seen-by-another-source"
            return ReceivedAnswer(
                attempt, answered_call, AnswerKind.NOT_SEEN, outcome, {**evidence, "source": source}
            )
        case Unknown(reason=reason, evidence=evidence):
            return ReceivedAnswer(attempt, answered_call, _kind(answer), reason[:120], evidence)
        case _:
            return ReceivedAnswer(
                attempt, answered_call, AnswerKind.AWAY, "rail-away", {"detail": answer.detail}
            )


def note(told: ReceivedAnswer, *, now: datetime) -> None:
    """Keep an answer, in the caller's transaction; of an attempt that was closed meanwhile nothing is kept.

    A line is written only when the answer differs from the last one: asking for days adds nothing by itself.
    """
    still_open = Attempt.objects.filter(pk=told.attempt.pk, state__in=OPEN_ATTEMPT_STATES)
    if not still_open.update(asked_at=now, outcome=told.outcome, evidence=told.evidence):
        return
    last = ProviderAnswer.objects.filter(attempt_id=told.attempt.pk).order_by("-pk").first()
    if last is None or not _says_the_same(last, told):
        ProviderAnswer.objects.create(
            attempt_id=told.attempt.pk, at=now, answered_call=told.answered_call, kind=told.kind, outcome=told.outcome,
            evidence=told.evidence,
        )  # fmt: skip


def _kind(unknown: Unknown) -> AnswerKind:
    if unknown.is_refusal:
        return AnswerKind.REFUSED
    if unknown.suspect:
        return AnswerKind.CONTRADICTS
    return AnswerKind.IN_FLIGHT if unknown.seen else AnswerKind.UNCLEAR


def _says_the_same(last: ProviderAnswer, told: ReceivedAnswer) -> bool:
    if (last.kind, last.outcome) != (told.kind, told.outcome):
        return False
    # The words in which a connection fails change; that it fails is the fact.
    return told.kind == AnswerKind.AWAY or last.evidence == told.evidence
