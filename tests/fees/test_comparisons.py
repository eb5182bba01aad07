"""Schedules beside each other: worked examples, steep rises and cliffs, with numbers worked by hand."""

from dataclasses import replace

import pytest

from fees.calculations import EXAMPLE_PAYOUTS_SATS, cliffs, compared, split_for, steepest_rise
from fees.types import Bracket, Cliff
from tests.fees.test_calculations import DEFAULT


def test_examples_are_five_payouts_for_four_kinds_of_customers() -> None:
    found = compared(DEFAULT, DEFAULT)

    assert EXAMPLE_PAYOUTS_SATS == (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    assert [(one.payout_sats, one.tier) for one in found[8:12]] == [
        (100_000, "standard"), (100_000, "verified_group"), (100_000, "recurring_user"),
        (100_000, "verified_recurring"),
    ]  # fmt: skip
    assert [one.before.fee_sats for one in found[8:12]] == [1_000, 500, 750, 375]
    assert len(found) == 20


@pytest.mark.parametrize(
    ("tier", "fee", "parts", "net"),
    [
        ("standard", 123, (61, 24, 38), 12_222),
        ("verified_group", 61, (30, 12, 19), 12_284),
        ("recurring_user", 92, (46, 18, 28), 12_253),
        ("verified_recurring", 46, (23, 9, 14), 12_299),
    ],
)
def test_split_of_12345_sats_by_kind_of_customer(
    tier: str, fee: int, parts: tuple[int, int, int], net: int
) -> None:
    split = split_for(DEFAULT, payout_sats=12_345, tier=tier)

    assert (split.fee_sats, split.net_sats) == (fee, net)
    assert (split.platform_sats, split.community_sats, split.partner_sats) == parts


@pytest.mark.parametrize(("rate_ppm", "is_steep"), [(10_000, False), (15_000, False), (15_001, True)])
def test_rise_is_steep_above_a_half(rate_ppm: int, *, is_steep: bool) -> None:
    after = replace(DEFAULT, brackets=(Bracket(0, rate_ppm),))

    found = steepest_rise(compared(DEFAULT, after))

    assert (found is not None) is is_steep
    if found is not None:
        # 10,000,000 sats at 1.5001 %, and no smaller payout: there the rise is within a sat of a half.
        assert (found.payout_sats, found.after.fee_sats) == (10_000_000, 150_010)


def test_rise_from_nothing_is_steep() -> None:
    free = replace(DEFAULT, brackets=(Bracket(0, 0),), minimum_fee_sats=0)

    found = steepest_rise(compared(free, DEFAULT))

    assert found is not None
    assert (found.payout_sats, found.tier, found.after.fee_sats) == (10_000_000, "standard", 100_000)


def test_dearer_bracket_is_a_cliff_and_a_cheaper_one_is_none() -> None:
    dearer = replace(DEFAULT, brackets=(Bracket(0, 10_000), Bracket(100_000, 20_000)))
    cheaper = replace(DEFAULT, brackets=(Bracket(0, 10_000), Bracket(1_000_000, 5_000)))

    # 99,999 - 999 = 99,000 and 100,000 - 2,000 = 98,000.
    assert cliffs(dearer) == [Cliff(100_000, net_below_sats=99_000, net_at_sats=98_000)]
    assert cliffs(cheaper) == []


def test_maximum_fee_levels_a_cliff() -> None:
    capped = replace(DEFAULT, brackets=(Bracket(0, 10_000), Bracket(100_000, 20_000)), maximum_fee_sats=999)

    # Both sides pay 999: one sat more leaves one sat more.
    assert cliffs(capped) == []
