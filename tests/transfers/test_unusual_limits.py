"""When a change of a limit is out of the ordinary, and what today's payments come to by it."""

from decimal import Decimal

import pytest

from transfers.calculations import is_raised_much, per_cent_of, used_of_limit
from transfers.enums import LimitKind
from transfers.types import LimitRelation

TODAY = LimitRelation(sent_today=7, largest_msat=1, largest_payee_msat=2, last_hour_msat=3, waiting=4)


@pytest.mark.parametrize(
    ("before", "after", "is_much"),
    [(100, 1_000, False), (100, 1_001, True), (0, 0, False), (0, 1, True), (1_000, 10, False)],
)
def test_raise_to_more_than_ten_times_is_much(before: int, after: int, *, is_much: bool) -> None:
    assert is_raised_much(before, after) is is_much


def test_each_limit_has_its_own_measure() -> None:
    assert {kind: used_of_limit(kind, TODAY) for kind in LimitKind} == {
        LimitKind.PER_PAYOUT: 1, LimitKind.PER_PAYEE_DAY: 2, LimitKind.TOTAL_HOUR: 3,
        LimitKind.REPLACED_DESTINATION: 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, 3, "33.3"), (2, 3, "66.6"), (3, 2, "150.0"), (0, 5, "0.0"), (1, 0, None)]
)
def test_share_is_floored_to_tenths(part: int, whole: int, share: str | None) -> None:
    assert per_cent_of(part, whole) == (None if share is None else Decimal(share))
