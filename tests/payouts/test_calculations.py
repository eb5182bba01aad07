"""Working days of Senegal, and names of subjects. 2026-03-04 is a Wednesday; 4 April is Independence Day."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from payouts.calculations import cycle_subject, is_working_day, on_working_day, pot_of
from sunusav.core.subjects import key_of


@pytest.mark.parametrize(
    ("moment", "moved"),
    [
        (datetime(2026, 3, 4, 10, 0, tzinfo=UTC), datetime(2026, 3, 4, 10, 0, tzinfo=UTC)),
        # Friday 23:59 is still a working day; Saturday goes to Monday, at the same time.
        (datetime(2026, 3, 6, 23, 59, tzinfo=UTC), datetime(2026, 3, 6, 23, 59, tzinfo=UTC)),
        (datetime(2026, 3, 7, 0, 0, tzinfo=UTC), datetime(2026, 3, 9, 0, 0, tzinfo=UTC)),
        (datetime(2026, 3, 8, 10, 0, tzinfo=UTC), datetime(2026, 3, 9, 10, 0, tzinfo=UTC)),
        # Saturday 4 April (Independence Day), Sunday, Easter Monday 6 April: Tuesday.
        (datetime(2026, 4, 4, 8, 30, tzinfo=UTC), datetime(2026, 4, 7, 8, 30, tzinfo=UTC)),
        # Labour Day is a Friday.
        (datetime(2026, 5, 1, 9, 0, tzinfo=UTC), datetime(2026, 5, 4, 9, 0, tzinfo=UTC)),
        # Christmas 2026 is a Friday; so is New Year's Day 2027.
        (datetime(2026, 12, 25, 9, 0, tzinfo=UTC), datetime(2026, 12, 28, 9, 0, tzinfo=UTC)),
        (datetime(2027, 1, 1, 9, 0, tzinfo=UTC), datetime(2027, 1, 4, 9, 0, tzinfo=UTC)),
    ],
)
def test_on_working_day_moves_to_the_same_time_of_the_next_one(moment: datetime, moved: datetime) -> None:
    assert on_working_day(moment) == moved


def test_on_working_day_judges_the_day_in_dakar() -> None:
    # Saturday 01:00 in Paris (+1) is Friday midnight in Dakar.
    paris = timezone(timedelta(hours=1))
    moment = datetime(2026, 3, 7, 0, 30, tzinfo=paris)

    assert on_working_day(moment) == moment
    assert on_working_day(moment).tzinfo is paris


@given(days=st.integers(0, 2_500), seconds=st.integers(0, 86_399))
def test_on_working_day_is_the_first_one_and_keeps_the_time(days: int, seconds: int) -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days, seconds=seconds)
    moved = on_working_day(moment)

    assert moved.time() == moment.time()
    assert is_working_day(moved.date())
    skipped = [moment.date() + timedelta(days=n) for n in range((moved.date() - moment.date()).days)]
    assert not any(is_working_day(day) for day in skipped)
    assert on_working_day(moved) == moved


def test_tabaski_is_a_holiday() -> None:
    assert not is_working_day(date(2026, 5, 27))


def test_subjects_keep_identifiers_with_colons() -> None:
    assert key_of(cycle_subject("a:b")) == "a:b"
    assert pot_of("c-1") == AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c-1")
