"""Windows and what they come to: numbers worked by hand, and properties."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fees.types import Accrued
from partners.settlements.calculations import (
    NOTHING_CARRIED,
    close,
    francs_of,
    month_of,
    window_after,
)
from partners.settlements.types import Carried, Closing

RATE = 8_000_000
UNIT = 10**16


def at(rate_xof_per_btc: str, sats: int) -> Accrued:
    """Return shares of so many sats, all at one rate."""
    return Accrued(1, sats, sats * int(Decimal(rate_xof_per_btc).scaleb(8)))


def test_worked_example_at_eight_million_pays_247_and_carries_92_hundredths() -> None:
    closing = close(at("8000000", 38 + 19 + 28 + 14 + 3_000), NOTHING_CARRIED)

    assert closing.accrued_xof == Decimal("247.92")
    assert (closing.due_xof, closing.residue_xof) == (247, Decimal("0.92"))
    # 0.92 francs are 11.5 sats; the other 3,087.5 sats are worth 247 francs.
    assert (closing.settled_msat, closing.residue_msat) == (3_087_500, 11_500)


def test_worked_example_at_9123457_pays_282() -> None:
    closing = close(at("9123457", 3_099), NOTHING_CARRIED)

    assert closing.accrued_xof == Decimal("282.73593243")
    assert (closing.due_xof, closing.residue_xof) == (282, Decimal("0.73593243"))
    # 3,099,000 msat × 282 ⁄ 282.73593243 = 3,090,933.548…
    assert (closing.settled_msat, closing.residue_msat) == (3_090_933, 8_067)


def test_residue_of_a_window_opens_the_next_one() -> None:
    first = close(at("8000000", 3_099), NOTHING_CARRIED)
    # 1 sat is 0.08 francs: with 0.92 it is a whole franc.
    second = close(at("8000000", 1), Carried(first.residue_msat, first.residue_xof))

    assert (second.due_xof, second.settled_msat) == (1, 12_500)
    assert (second.residue_xof, second.residue_msat) == (Decimal(0), 0)


def test_shares_at_different_rates_are_summed_exactly_and_floored_once() -> None:
    # 7 sats at 9,123,457 are 0.63864199 francs, 5 sats at 8,000,000 are 0.4: together 1.03864199.
    accrued = Accrued(2, 12, 7 * 9_123_457 * 10**8 + 5 * RATE * 10**8)

    closing = close(accrued, NOTHING_CARRIED)

    assert (closing.due_xof, closing.residue_xof) == (1, Decimal("0.03864199"))
    # 12,000 msat ⁄ 1.03864199 = 11,553.54…
    assert closing.settled_msat == 11_553


@pytest.mark.parametrize("sats", [0, 1, 12])
def test_less_than_a_franc_is_carried_on(sats: int) -> None:
    closing = close(at("8000000", sats), NOTHING_CARRIED)

    assert (closing.due_xof, closing.settled_msat) == (0, 0)
    assert (closing.residue_xof, closing.residue_msat) == (Decimal(sats) * Decimal("0.08"), sats * 1_000)


def test_reversals_that_weigh_more_than_shares_are_carried_on_and_paid_off() -> None:
    first = close(at("8000000", -1_000), NOTHING_CARRIED)
    assert (first.due_xof, first.residue_xof, first.residue_msat) == (0, Decimal(-80), -1_000_000)

    second = close(at("8000000", 1_500), Carried(first.residue_msat, first.residue_xof))
    assert (second.due_xof, second.settled_msat, second.residue_msat) == (40, 500_000, 0)


def test_francs_without_sats_are_not_due() -> None:
    """1,000 sats accrued at 9,000,000, and 1,000 that had accrued at 8,000,000 were reversed: 10 francs, no sat."""
    closing = close(Accrued(2, 0, 1_000 * 10**8 * 1_000_000), NOTHING_CARRIED)

    assert (closing.due_xof, closing.settled_msat) == (0, 0)
    assert (closing.residue_xof, closing.residue_msat) == (Decimal(10), 0)


shares = st.lists(
    st.tuples(st.integers(-(10**12), 10**12), st.integers(65_595_700_000_000, 655_957_000_000_000_000)),
    max_size=6,
)


def accrued_of(found: list[tuple[int, int]]) -> Accrued:
    return Accrued(len(found), sum(sats for sats, _ in found), sum(sats * rate for sats, rate in found))


def closings(windows: list[list[tuple[int, int]]]) -> list[Closing]:
    carried, found = NOTHING_CARRIED, []
    for window in windows:
        found.append(close(accrued_of(window), carried))
        carried = Carried(found[-1].residue_msat, found[-1].residue_xof)
    return found


@given(st.lists(shares, max_size=5))
def test_nothing_is_lost_or_paid_twice_over_any_windows(windows: list[list[tuple[int, int]]]) -> None:
    found = closings(windows)
    worth = sum(Fraction(sats * rate, UNIT) for window in windows for sats, rate in window)
    msat = sum(sats * 1_000 for window in windows for sats, _ in window)

    residue_xof, residue_msat = (found[-1].residue_xof, found[-1].residue_msat) if found else (Decimal(0), 0)
    assert sum(one.due_xof for one in found) + Fraction(residue_xof) == worth
    assert sum(one.settled_msat for one in found) + residue_msat == msat


@given(st.lists(shares, max_size=5))
def test_a_window_pays_whole_francs_and_keeps_less_than_one(windows: list[list[tuple[int, int]]]) -> None:
    for one in closings(windows):
        assert (one.due_xof == 0) == (one.settled_msat == 0)
        assert one.due_xof >= 0
        assert one.settled_msat >= 0
        if one.due_xof:
            assert 0 <= one.residue_xof < 1
            assert one.residue_msat >= 0


def test_francs_are_exact_however_large() -> None:
    assert francs_of(123_456_789_012_345_678_901_234_567_890_123) == Decimal(
        "12345678901234567.8901234567890123"
    )


def test_window_is_the_calendar_month_in_dakar() -> None:
    window = month_of(datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), sequence=3)

    assert (window.start, window.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    following = window_after(window)
    assert (following.sequence, following.start, following.end) == (
        4,
        window.end,
        datetime(2027, 2, 1, tzinfo=UTC),
    )


@given(
    st.integers(0, 15 * 365 * 24).map(lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
)
def test_windows_follow_each_other_without_gap_or_overlap(moment: datetime) -> None:
    window = month_of(moment, sequence=1)
    following = window_after(window)

    assert window.start <= moment < window.end == following.start
    assert 28 <= (window.end - window.start).days <= 31
