"""The raw statement of fixed fees returns what its ORM twin returns, on every engine."""

from operator import attrgetter

import pytest

from fees import sql
from fees.enums import DiscountKind
from fees.services import reverse_fee
from tests.fees.builders import ACTOR, NOW, draft, fixed, granted, published, recorded

pytestmark = pytest.mark.django_db


def _columns(assessed: sql.Assessed) -> dict[str, object]:
    return {
        field.attname: getattr(assessed.row, field.attname) for field in assessed.row._meta.concrete_fields
    }


def test_assessments_are_those_of_the_orm(rate, finance, approver):
    granted("group:g-1", DiscountKind.VERIFIED_GROUP)
    published(draft(finance, effective_at=NOW.replace(year=2027)), finance, approver)
    untaken, taken, taken_back = fixed(), fixed(payout_sats=999), fixed(subject="cycle:C-1 ")
    recorded(taken, ref="disbursement:1")
    record_id = recorded(taken_back, ref="disbursement:2")
    reverse_fee(record_id=record_id, actor=ACTOR, reason="paid back", now=NOW)
    ids = [taken_back.assessment_id, untaken.assessment_id, taken.assessment_id, 10**9]

    raw = sorted(sql.assessments(ids), key=attrgetter("row.pk"))

    assert raw == sorted(sql.assessments_by_orm(ids), key=attrgetter("row.pk"))
    assert [_columns(one) for one in raw] == [
        _columns(one) for one in sorted(sql.assessments_by_orm(ids), key=attrgetter("row.pk"))
    ]
    assert [one.recorded_for for one in raw] == [None, "disbursement:1", "disbursement:2"]
    assert raw[2].record_id == record_id


def test_no_assessments_are_those_of_the_orm(db):
    assert sql.assessments([]) == sql.assessments_by_orm([]) == []
