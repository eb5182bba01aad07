"""Lines of a statement that a partner contests: recorded with evidence, shown to finance until they are answered."""

from datetime import timedelta
from typing import Any

import pytest

from fees.models import FeeRecord
from partners.models import ContestedLine, LineAnswer, Settlement
from partners.settlements.errors import (
    ContestDateInFuture,
    ContestedLineAnswered,
    ContestedLineMissing,
    LineContestedAlready,
    LineNotOfSettlement,
)
from partners.settlements.services.contests import Contest, answer_contested_line, record_contested_line
from sunusav.backoffice.inbox import Notice, inbox_of
from sunusav.core.attachments import attachments_of
from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import Role
from sunusav.core.uploads import AttachmentTypeUnknown
from tests.factories.attachments import HTML, upload
from tests.factories.settlements import IN_OCTOBER, ON_THE_FIRST, accrue, closed, rate_of, worked_example
from tests.factories.users import make_user
from tests.transfers.unchanged import unchanged

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(finance: User) -> Settlement:
    rate_of("8000000")
    worked_example()
    return closed(proposer=finance)


def contest(**changes: Any) -> Contest:
    facts: dict[str, Any] = {
        "fee_record_id": FeeRecord.objects.get(partner_sats=38).pk, "contested_on": ON_THE_FIRST.date(),
        "reason": " they have 37 ", "document": upload(),
    }  # fmt: skip
    return Contest(**{**facts, **changes})


def record(row: Settlement, user: User, **changes: Any) -> ContestedLine:
    return record_contested_line(
        settlement_id=row.pk, contest=contest(**changes), recorder=user, now=ON_THE_FIRST
    )


def waiting(user: User) -> Notice | None:
    found = inbox_of(user, now=ON_THE_FIRST)
    notices = (one for one in found.to_do if str(one.title) == "Contested lines to answer")
    return next(notices, None)


def test_contested_line_keeps_reason_evidence_and_trail(row: Settlement, finance: User) -> None:
    line = record(row, finance)

    assert (line.reason, line.contested_on, line.recorder) == ("they have 37", ON_THE_FIRST.date(), finance)
    (document,) = attachments_of(f"contested_line:{line.pk}")
    entry = TrailEntry.objects.get(subject=f"contested_line:{line.pk}", action="contest_line")
    assert (entry.reason, entry.actor_label) == ("they have 37", "fatou")
    assert entry.facts == {
        "settlement_id": row.pk, "fee_record_id": line.fee_record_id, "sha256": document.sha256,
    }  # fmt: skip


def test_contested_line_waits_for_finance_until_it_is_answered(row: Settlement, finance: User) -> None:
    assert waiting(finance) is None
    line = record(row, finance)
    found = waiting(finance)
    assert found is not None
    assert (found.waiting.count if found.waiting else 0, found.rows[0].why) == (1, "they have 37")
    assert waiting(make_user(Role.APPROVER)) is None, "they are informed"

    later = ON_THE_FIRST + timedelta(days=1)
    answer_contested_line(
        line_id=line.pk, is_upheld=False, answer="38 = floor(123 × 31 %)", user=finance, now=later
    )

    answer = LineAnswer.objects.get()
    assert (answer.line, answer.is_upheld, answer.answered_at) == (line, False, later)
    assert waiting(finance) is None
    entry = TrailEntry.objects.get(action="answer_line")
    assert (entry.reason, entry.facts["is_upheld"]) == ("38 = floor(123 × 31 %)", False)


def test_record_of_another_window_is_no_line(row: Settlement, finance: User) -> None:
    late = accrue(1_000_000, at=IN_OCTOBER + timedelta(days=1))
    for fee_record_id in (late, 10**9):
        with unchanged(), pytest.raises(LineNotOfSettlement) as refused:
            record(row, finance, fee_record_id=fee_record_id)
        assert refused.value.facts == {"settlement_id": str(row.pk), "fee_record_id": fee_record_id}


def test_line_is_contested_once(row: Settlement, finance: User) -> None:
    record(row, finance)
    with unchanged(), pytest.raises(LineContestedAlready):
        record(row, finance)


def test_partner_cannot_have_written_tomorrow(row: Settlement, finance: User) -> None:
    tomorrow = ON_THE_FIRST.date() + timedelta(days=1)
    with unchanged(), pytest.raises(ContestDateInFuture) as refused:
        record(row, finance, contested_on=tomorrow)
    assert (refused.value.contested_on, refused.value.latest) == (tomorrow, ON_THE_FIRST.date())


def test_letter_of_another_type_is_refused(row: Settlement, finance: User) -> None:
    with unchanged(), pytest.raises(AttachmentTypeUnknown):
        record(row, finance, document=upload(content=HTML))


def test_line_is_answered_once(row: Settlement, finance: User) -> None:
    line = record(row, finance)
    answer_contested_line(line_id=line.pk, is_upheld=True, answer="yes", user=finance, now=ON_THE_FIRST)
    with unchanged(), pytest.raises(ContestedLineAnswered):
        answer_contested_line(line_id=line.pk, is_upheld=False, answer="no", user=finance, now=ON_THE_FIRST)
    with unchanged(), pytest.raises(ContestedLineMissing):
        answer_contested_line(line_id=10**9, is_upheld=True, answer="yes", user=finance, now=ON_THE_FIRST)
