"""Lines of a statement that a partner contests: finance records each with its evidence, and answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.timezone import localdate

from fees.accrual_queries import is_accrued_in
from partners.models import ContestedLine, LineAnswer, Settlement
from partners.settlements.errors import (
    ContestDateInFuture,
    ContestedLineAnswered,
    ContestedLineMissing,
    LineContestedAlready,
    LineNotOfSettlement,
)
from partners.settlements.queries import CONTESTED_LINE, settlement_row, span_of
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.attachments import add_attachment
from sunusav.core.calendar import DAKAR
from sunusav.core.models import User
from sunusav.core.transactions import retried_on_deadlock


@dataclass(frozen=True)
class Contest:
    """What a partner contests: a fee record of a statement, when it wrote, why, and its letter."""

    fee_record_id: int
    contested_on: date
    reason: str
    document: UploadedFile[Any]


@retried_on_deadlock
def record_contested_line(
    *, settlement_id: int, contest: Contest, recorder: User, now: datetime
) -> ContestedLine:
    """Record that a partner contests a line of a settlement's statement; nothing is booked.

    Raises: SettlementMissing, LineNotOfSettlement, LineContestedAlready, ContestDateInFuture; and as `add_attachment`.
    """
    row = settlement_row(str(settlement_id))
    _require_line(row, contest, now)
    actor = Actor.of(recorder)
    try:
        with transaction.atomic():
            found = ContestedLine.objects.create(
                settlement=row, fee_record_id=contest.fee_record_id, contested_on=contest.contested_on,
                reason=contest.reason.strip(), recorder=recorder, recorded_at=now,
            )  # fmt: skip
            document = add_attachment(
                subject=f"{CONTESTED_LINE}:{found.pk}", upload=contest.document, actor=actor, now=now
            )
            trail.record(
                subject=f"{CONTESTED_LINE}:{found.pk}", action="contest_line", actor=actor, at=now, reason=found.reason,
                facts={**_facts_of(found), "sha256": document.sha256},
            )  # fmt: skip
    except IntegrityError:
        # Another person recorded it meanwhile; what else the database refuses is raised.
        if not ContestedLine.objects.filter(settlement=row, fee_record=contest.fee_record_id).exists():
            raise
        raise LineContestedAlready(settlement_id=str(row.pk), fee_record_id=contest.fee_record_id) from None
    return found


def answer_contested_line(
    *, line_id: int, is_upheld: bool, answer: str, user: User, now: datetime
) -> LineAnswer:
    """Answer a contested line, once. Raises: ContestedLineMissing, ContestedLineAnswered."""
    with transaction.atomic():
        line = ContestedLine.objects.select_for_update().filter(pk=line_id).first()
        if line is None:
            raise ContestedLineMissing(contested_line_id=line_id)
        if LineAnswer.objects.filter(line=line).exists():
            raise ContestedLineAnswered(contested_line_id=line_id)
        found = LineAnswer.objects.create(
            line=line, is_upheld=is_upheld, answer=answer.strip(), answered_by=user, answered_at=now
        )
        trail.record(
            subject=f"{CONTESTED_LINE}:{line.pk}", action="answer_line", actor=Actor.of(user), at=now,
            reason=found.answer, facts={**_facts_of(line), "is_upheld": is_upheld},
        )  # fmt: skip
    return found


def _require_line(row: Settlement, contest: Contest, now: datetime) -> None:
    facts = {"settlement_id": str(row.pk), "fee_record_id": contest.fee_record_id}
    if not is_accrued_in(row.partner, span_of(row), contest.fee_record_id):
        raise LineNotOfSettlement(**facts)
    if row.contested_lines.filter(fee_record=contest.fee_record_id).exists():
        raise LineContestedAlready(**facts)
    today = localdate(now, DAKAR)
    if contest.contested_on > today:
        raise ContestDateInFuture(contested_on=contest.contested_on, latest=today)


def _facts_of(line: ContestedLine) -> dict[str, Any]:
    return {"settlement_id": line.settlement_id, "fee_record_id": line.fee_record_id}
