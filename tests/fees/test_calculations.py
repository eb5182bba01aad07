"""The fee rule, with numbers worked by hand and against an independent computation in fractions."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fees.calculations import (
    base_rate_ppm,
    claimed_discounts,
    fee_fraction,
    fee_split,
    overridden_terms,
    project_annual_revenue,
    terms_for,
)
from fees.errors import FeeOverrideAboveCap, RatiosExceedOne
from fees.types import Bracket, Discounts, FeeSplit, FeeTerms, ScheduleTerms

DEFAULT = ScheduleTerms(
    schedule_id=1,
    version=1,
    effective_at=datetime(1970, 1, 1, tzinfo=UTC),
    brackets=(Bracket(0, 10_000),),
    minimum_fee_sats=1,
    maximum_fee_sats=None,
    verified_discount_bps=5_000,
    recurring_discount_bps=2_500,
    platform_share_bps=5_000,
    community_share_bps=2_000,
    override_cap_ppm=10_000,
)
TERMS = FeeTerms(
    base_rate_ppm=10_000,
    verified_bps=0,
    recurring_bps=0,
    minimum_fee_sats=1,
    maximum_fee_sats=None,
    platform_share_bps=5_000,
    community_share_bps=2_000,
)
NONE, VERIFIED, RECURRING, BOTH = (0, 0), (5_000, 0), (0, 2_500), (5_000, 2_500)
ENTERPRISE, ENTERPRISE_VERIFIED = (0, 5_000), (5_000, 5_000)
KINDS = {NONE: "1", VERIFIED: "0.5", RECURRING: "0.75", BOTH: "0.375"}


def terms(discounts: tuple[int, int]) -> FeeTerms:
    return replace(TERMS, verified_bps=discounts[0], recurring_bps=discounts[1])


@pytest.mark.parametrize(
    ("payout", "discounts", "parts"),
    [
        (100_000, NONE, (1_000, 500, 200, 300)),
        (100_000, VERIFIED, (500, 250, 100, 150)),
        (100_000, RECURRING, (750, 375, 150, 225)),
        (100_000, BOTH, (375, 187, 75, 113)),
        (100_000, ENTERPRISE, (500, 250, 100, 150)),
        (100_000, ENTERPRISE_VERIFIED, (250, 125, 50, 75)),
        (12_345, NONE, (123, 61, 24, 38)),
        (12_345, VERIFIED, (61, 30, 12, 19)),
        (12_345, RECURRING, (92, 46, 18, 28)),
        (12_345, BOTH, (46, 23, 9, 14)),
        (12_345, ENTERPRISE_VERIFIED, (30, 15, 6, 9)),
        (1, NONE, (1, 0, 0, 1)),
        (2, BOTH, (1, 0, 0, 1)),
        (199, NONE, (1, 0, 0, 1)),
        (200, NONE, (2, 1, 0, 1)),
        (500, NONE, (5, 2, 1, 2)),
    ],
)
def test_split_fee_of_worked_example_gives_its_parts(payout, discounts, parts):
    split = fee_split(payout, terms(discounts))

    assert (split.fee_sats, split.platform_sats, split.community_sats, split.partner_sats) == parts
    assert split.net_sats == payout - parts[0]


@cache
def independent_parts(fee: int) -> tuple[int, int, int]:
    platform, community = floor(fee * Fraction(1, 2)), floor(fee * Fraction(1, 5))
    return platform, community, fee - platform - community


def independent_split(payout: int, rate: Fraction) -> FeeSplit:
    fee = max(1, floor(payout * rate))
    return FeeSplit(fee, *independent_parts(fee), payout - fee)


@pytest.mark.parametrize("discounts", KINDS)
def test_split_fee_of_every_payout_to_200000_equals_the_rule_in_fractions(discounts):
    kind, rate = terms(discounts), Fraction(KINDS[discounts]) / 100

    for payout in range(1, 200_001):
        assert fee_split(payout, kind) == independent_split(payout, rate)


def test_split_every_fee_to_1000_conserves_each_sat():
    everything = replace(TERMS, base_rate_ppm=1_000_000)

    for fee in range(1_001):
        split = fee_split(fee, replace(everything, minimum_fee_sats=0))
        assert split.fee_sats == fee
        assert split.platform_sats + split.community_sats + split.partner_sats == fee
        assert split.partner_sats >= split.community_sats


any_terms = st.builds(
    FeeTerms,
    base_rate_ppm=st.integers(0, 1_000_000),
    verified_bps=st.integers(0, 10_000),
    recurring_bps=st.integers(0, 10_000),
    minimum_fee_sats=st.integers(0, 1_000),
    maximum_fee_sats=st.none() | st.integers(1_000, 10**9),
    platform_share_bps=st.integers(0, 5_000),
    community_share_bps=st.integers(0, 5_000),
)
payouts = st.integers(0, 21 * 10**14)


@given(payouts, any_terms)
def test_split_fee_of_any_terms_conserves_the_payout(payout, any_terms):
    split = fee_split(payout, any_terms)

    assert split.platform_sats + split.community_sats + split.partner_sats == split.fee_sats
    assert split.net_sats + split.fee_sats == payout
    parts = (split.platform_sats, split.community_sats, split.partner_sats, split.fee_sats, split.net_sats)
    assert min(parts) >= 0


@given(payouts, st.integers(0, 10**6), any_terms)
def test_split_fee_of_a_larger_payout_is_never_smaller(payout, more, any_terms):
    assert fee_split(payout + more, any_terms).fee_sats >= fee_split(payout, any_terms).fee_sats


@given(payouts, any_terms)
def test_split_fee_with_limits_stays_between_them(payout, any_terms):
    fee = fee_split(payout, any_terms).fee_sats

    assert fee >= min(any_terms.minimum_fee_sats, payout)
    assert any_terms.maximum_fee_sats is None or fee <= any_terms.maximum_fee_sats


@given(payouts, any_terms, st.integers(0, 10_000))
def test_split_fee_with_more_discount_is_never_larger(payout, any_terms, discount):
    less = replace(any_terms, verified_bps=max(any_terms.verified_bps, discount))

    assert fee_split(payout, less).fee_sats <= fee_split(payout, any_terms).fee_sats


def test_split_fee_below_minimum_takes_at_most_the_payout():
    assert fee_split(5, replace(TERMS, minimum_fee_sats=10)) == FeeSplit(5, 2, 1, 2, 0)


def test_split_fee_above_maximum_takes_the_maximum():
    assert fee_split(1_000_000, replace(TERMS, maximum_fee_sats=7_500)).fee_sats == 7_500


def test_split_fee_of_negative_payout_raises():
    with pytest.raises(ValueError, match="not negative"):
        fee_split(-1, TERMS)


def test_split_fee_floors_once_and_not_per_discount():
    # 1,199 * 0.01 = 11.99, * 0.5 = 5.995, * 0.75 = 4.49625 -> 4; stepwise 11 -> 5 -> 3.
    assert fee_split(1_199, terms(BOTH)).fee_sats == 4


@pytest.mark.parametrize(
    ("discounts", "fraction"),
    [
        (NONE, "0.01"),
        (VERIFIED, "0.005"),
        (RECURRING, "0.0075"),
        (BOTH, "0.00375"),
        (ENTERPRISE_VERIFIED, "0.0025"),
    ],
)
def test_fee_fraction_of_each_kind_is_a_plain_decimal(discounts, fraction):
    assert str(fee_fraction(terms(discounts))) == fraction


@pytest.mark.parametrize(("ppm", "fraction"), [(0, "0"), (1, "0.000001"), (1_000_000, "1")])
def test_fee_fraction_at_the_edges_has_no_exponent(ppm, fraction):
    assert str(fee_fraction(replace(TERMS, base_rate_ppm=ppm))) == fraction


@given(any_terms)
def test_fee_fraction_of_any_terms_is_exact(any_terms):
    expected = (
        Fraction(any_terms.base_rate_ppm, 10**6)
        * (1 - Fraction(any_terms.verified_bps, 10**4))
        * (1 - Fraction(any_terms.recurring_bps, 10**4))
    )

    assert Fraction(fee_fraction(any_terms)) == expected


BRACKETED = replace(
    DEFAULT, brackets=(Bracket(0, 10_000), Bracket(1_000_000, 7_500), Bracket(5_000_000, 5_000))
)


@pytest.mark.parametrize(
    ("payout", "rate"),
    [
        (0, 10_000),
        (999_999, 10_000),
        (1_000_000, 7_500),
        (4_999_999, 7_500),
        (5_000_000, 5_000),
        (10**12, 5_000),
    ],
)
def test_base_rate_of_payout_is_its_brackets(payout, rate):
    assert base_rate_ppm(BRACKETED, payout) == rate


def test_terms_of_bracketed_schedule_price_the_whole_payout_at_one_rate():
    terms_at_two_million = terms_for(BRACKETED, payout_sats=2_000_000, discounts=Discounts())

    assert fee_split(2_000_000, terms_at_two_million).fee_sats == 15_000


def test_overridden_terms_replace_the_base_rate_and_keep_discounts_and_limits():
    discounts = claimed_discounts(DEFAULT, group_verified=True, user_recurring=False)

    half_percent = overridden_terms(DEFAULT, override_ppm=5_000, discounts=discounts)

    assert fee_split(100_000, half_percent).fee_sats == 250
    assert fee_split(100_000, overridden_terms(DEFAULT, override_ppm=0, discounts=discounts)).fee_sats == 1


@pytest.mark.parametrize("override_ppm", [-1, 10_001])
def test_overridden_terms_outside_the_cap_are_refused(override_ppm):
    with pytest.raises(FeeOverrideAboveCap) as refusal:
        overridden_terms(DEFAULT, override_ppm=override_ppm, discounts=Discounts())

    assert refusal.value.facts == {"override_ppm": override_ppm, "cap_ppm": 10_000}


def test_project_ten_groups_with_defaults_gives_the_worked_year():
    # 520 cycles: 156 verified at 500, 104 recurring at 750, 260 standard at 1,000: 78,000 + 78,000 + 260,000.
    year = project_annual_revenue(DEFAULT, groups_count=10)

    assert year.fees_sats == 416_000
    assert (year.platform_sats, year.community_sats, year.partner_sats) == (208_000, 83_200, 124_800)
    assert (year.cycles_processed, year.groups_count) == (520, 10)


def test_project_with_ratios_truncates_each_kind_and_leaves_the_rest_standard():
    # 7 cycles: floor(2.31) = 2 verified, 2 recurring, 3 standard: 2 x 500 + 2 x 750 + 3 x 1,000.
    year = project_annual_revenue(
        DEFAULT, groups_count=7, weeks_per_year=1,
        verified_groups_ratio=Decimal("0.33"), recurring_users_ratio=Decimal("0.33"),
    )  # fmt: skip

    assert (year.cycles_processed, year.fees_sats) == (7, 5_500)


def test_project_without_groups_gives_nothing():
    year = project_annual_revenue(DEFAULT, groups_count=0)

    assert (year.cycles_processed, year.fees_sats) == (0, 0)


def test_project_with_ratios_above_one_is_refused():
    with pytest.raises(RatiosExceedOne):
        project_annual_revenue(
            DEFAULT,
            groups_count=10,
            verified_groups_ratio=Decimal("0.6"),
            recurring_users_ratio=Decimal("0.41"),
        )
