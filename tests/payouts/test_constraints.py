"""The database refuses a row that violates a constraint of this app, and names the constraint."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError

from payouts.models import Contribution, Cycle, Group, Member
from tests.factories.payouts import NOW, MemberFactory, make_cycle, make_group

pytestmark = pytest.mark.django_db


def _refused(constraint: str) -> Any:
    # MariaDB and SQLite name a violated CHECK; for a UNIQUE, SQLite names the columns.
    return pytest.raises(IntegrityError, match=constraint)


def _cycle_fields(group: Group, **fields: Any) -> dict[str, Any]:
    return {
        "id": "c-x", "group": group, "cycle_index": 1, "contribution_sats": 1, "winner_user_id": "user-0",
        "members_count": 1, "created_at": NOW, **fields,
    }  # fmt: skip


def test_member_once_per_group() -> None:
    member = MemberFactory.create()
    with (
        _refused(r"member_once_per_group|payouts_member\.group_id, payouts_member\.user_id"),
        transaction.atomic(),
    ):
        MemberFactory.create(group=member.group, user_id=member.user_id)


def test_cycle_index_used_once_per_group() -> None:
    cycle = make_cycle(make_group(members=1))
    fields = _cycle_fields(cycle.group, cycle_index=cycle.cycle_index)
    with (
        _refused(r"cycle_index_used_once_per_group|payouts_cycle\.group_id, payouts_cycle\.cycle_index"),
        transaction.atomic(),
    ):
        Cycle.objects.create(**fields)


def test_contribution_once_per_member_and_cycle() -> None:
    cycle = make_cycle(make_group(members=1))
    with (
        _refused(
            r"contribution_once_per_member_and_cycle|payouts_contribution\.cycle_id, payouts_contribution\.user_id"
        ),
        transaction.atomic(),
    ):
        Contribution.objects.create(cycle=cycle, user_id="user-0", amount_sats=1)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("cycle_contribution_is_positive", {"contribution_sats": 0}),
        ("cycle_has_members", {"members_count": 0}),
        ("cycle_ready_has_moment", {"state": "ready"}),
        ("cycle_ready_has_moment", {"ready_at": datetime(2026, 1, 1).astimezone()}),
        ("cycle_ready_has_moment", {"state": "paid", "ready_at": datetime(2026, 1, 1).astimezone()}),
        (
            "cycle_destination_replaced_once_ready",
            {"destination_replaced_at": datetime(2026, 1, 1).astimezone()},
        ),
        ("cycle_destination_is_whole", {"destination_rail": "lightning"}),
        (
            "cycle_destination_is_whole",
            {"destination_rail": "lightning", "destination_kind": "bolt11", "destination_value": "x"},
        ),
    ],
)
def test_cycle_checks(constraint: str, fields: dict[str, Any]) -> None:
    group = make_group(members=1)
    with _refused(constraint), transaction.atomic():
        Cycle.objects.create(**_cycle_fields(group, **fields))


def test_contribution_amount_is_positive() -> None:
    cycle = make_cycle(make_group(members=1))
    with _refused("contribution_amount_is_positive"), transaction.atomic():
        Contribution.objects.filter(cycle=cycle).update(amount_sats=0)


def test_delete_a_row_that_is_referenced_is_refused() -> None:
    cycle = make_cycle(make_group(members=1))
    for row in (cycle, cycle.group):
        with pytest.raises(RestrictedError), transaction.atomic():
            row.delete()
    assert Member.objects.count() == 1
