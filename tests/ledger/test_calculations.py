from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calculations import (
    MAXIMUM_XOF_PER_BTC,
    MINIMUM_XOF_PER_BTC,
    differences,
    exact_xof_from_msat,
    gap_per_cent,
    is_near,
    is_within_bounds,
    median_rate,
    msat_from_xof,
    residue_xof,
    sats_from_xof,
    shown_xof_from_sats,
    xof_charge_for_msat,
    xof_from_msat,
)
from sunusav.core.money import MAX_SATS, SATS_PER_BTC

EIGHT_MILLION = Decimal(8_000_000)
ODD = Decimal(9_123_457)
sats = st.integers(0, MAX_SATS)
francs = st.integers(0, 10**15)
rates = st.decimals(MINIMUM_XOF_PER_BTC, MAXIMUM_XOF_PER_BTC, places=8)


def exact(amount_sats: int, rate: Decimal) -> Fraction:
    return Fraction(amount_sats) * Fraction(rate) / SATS_PER_BTC


def test_conversion_at_eight_million_gives_hand_worked_amounts() -> None:
    assert sats_from_xof(500, rate_xof_per_btc=EIGHT_MILLION) == 6_250
    assert shown_xof_from_sats(1, rate_xof_per_btc=EIGHT_MILLION) == Decimal("0.08")
    assert xof_charge_for_msat(10_000_000, rate_xof_per_btc=ODD) == 913
    assert xof_from_msat(10_000_000, rate_xof_per_btc=ODD) == 912


def test_what_francs_leave_over_is_worth_hand_worked_msat() -> None:
    """12,299 sats are 983.92 francs at 8,000,000: 983 leave, and 0.92 francs are worth 11,500 msat."""
    assert xof_from_msat(12_299_000, rate_xof_per_btc=EIGHT_MILLION) == 983
    left = residue_xof(12_299_000, paid_xof=983, rate_xof_per_btc=EIGHT_MILLION)
    assert left == Decimal("0.92")
    assert msat_from_xof(left, rate_xof_per_btc=EIGHT_MILLION) == 11_500
    assert msat_from_xof(983, rate_xof_per_btc=EIGHT_MILLION) == 12_287_500


def test_francs_are_worth_whole_msat_rounded_down() -> None:
    """913 francs at 9,123,457 are 10,007,171.8 msat; 10,000 sats are 912.3457 francs."""
    assert msat_from_xof(913, rate_xof_per_btc=ODD) == 10_007_171
    assert residue_xof(10_000_000, paid_xof=913, rate_xof_per_btc=ODD) == Decimal("-0.6543")


@pytest.mark.parametrize(
    ("amount_sats", "shown"),
    # At 500,000,000 one sat is 5 francs; at 50,250,000 it is 0.5025: ties go to the even cent.
    [(1, "0.50"), (2, "1.00"), (3, "1.51"), (6, "3.02"), (10, "5.02"), (30, "15.08")],
)
def test_shown_francs_are_rounded_half_even(amount_sats: int, shown: str) -> None:
    assert str(shown_xof_from_sats(amount_sats, rate_xof_per_btc=Decimal(50_250_000))) == shown


@given(sats, rates)
def test_xof_from_sats_rounds_down_and_xof_charge_rounds_up(amount: int, rate: Decimal) -> None:
    truth = exact(amount, rate)

    assert xof_from_msat(1_000 * amount, rate_xof_per_btc=rate) == floor(truth)
    assert xof_charge_for_msat(1_000 * amount, rate_xof_per_btc=rate) == ceil(truth)


@given(st.integers(0, 1_000 * MAX_SATS), rates)
def test_francs_and_residue_are_the_whole_amount(amount_msat: int, rate: Decimal) -> None:
    paid_xof = xof_from_msat(amount_msat, rate_xof_per_btc=rate)
    left_xof = residue_xof(amount_msat, paid_xof=paid_xof, rate_xof_per_btc=rate)
    paid_msat = msat_from_xof(paid_xof, rate_xof_per_btc=rate)
    left_msat = msat_from_xof(left_xof, rate_xof_per_btc=rate)

    assert 0 <= left_xof < 1
    assert amount_msat - paid_msat - left_msat in (0, 1)


@given(sats, rates)
def test_shown_xof_is_the_nearest_cent(amount: int, rate: Decimal) -> None:
    shown = shown_xof_from_sats(amount, rate_xof_per_btc=rate)

    assert shown == round(exact(amount, rate), 2)
    assert shown.as_tuple().exponent == -2


@given(sats, rates)
def test_exact_xof_is_not_rounded(amount: int, rate: Decimal) -> None:
    assert Fraction(exact_xof_from_msat(amount * 1_000, rate_xof_per_btc=rate)) == exact(amount, rate)


@given(francs, rates)
def test_a_price_in_francs_is_rounded_down(amount_xof: int, rate: Decimal) -> None:
    truth = Fraction(amount_xof) * SATS_PER_BTC / Fraction(rate)

    assert sats_from_xof(amount_xof, rate_xof_per_btc=rate) == floor(truth)


@given(sats, rates)
def test_convert_to_francs_and_back_never_gains(amount: int, rate: Decimal) -> None:
    there = xof_from_msat(1_000 * amount, rate_xof_per_btc=rate)

    assert sats_from_xof(there, rate_xof_per_btc=rate) <= amount


@given(francs, rates)
def test_convert_to_sats_and_back_never_gains(amount_xof: int, rate: Decimal) -> None:
    there = sats_from_xof(amount_xof, rate_xof_per_btc=rate)

    assert xof_from_msat(1_000 * there, rate_xof_per_btc=rate) <= amount_xof


def test_differences_are_per_currency() -> None:
    assert differences([("msat", 5), ("XOF", 2), ("msat", -5), ("XOF", 1)]) == {"msat": 0, "XOF": 3}


@pytest.mark.parametrize(
    ("given_rates", "middle"),
    [(["3", "1", "2"], "2"), (["1", "2"], "1.5"), (["7"], "7"), (["0.00000001", "0.00000002"], "0.00000002")],
)
def test_median_takes_the_middle(given_rates: list[str], middle: str) -> None:
    assert median_rate(map(Decimal, given_rates)) == Decimal(middle)


@pytest.mark.parametrize(
    ("rate", "verdict"), [("655956.99", False), ("655957", True), ("6559570000", True), ("6559570001", False)]
)
def test_bounds_include_their_ends(rate: str, verdict: bool) -> None:
    assert is_within_bounds(Decimal(rate)) is verdict


@pytest.mark.parametrize(
    ("rate", "verdict"), [("80", True), ("79.99", False), ("120", True), ("120.01", False)]
)
def test_tolerance_is_a_fifth(rate: str, verdict: bool) -> None:
    assert is_near(Decimal(rate), Decimal(100)) is verdict


@pytest.mark.parametrize(
    ("rate", "reference", "gap"),
    [
        ("8000000", "8000000", "0.00"),
        ("9600000", "8000000", "20.00"),
        ("6400000", "8000000", "-20.00"),
        # 123,457 / 9,000,000 is 0.0137174…
        ("9123457", "9000000", "1.37"),
        # Half-even: 0.005 % and 0.015 %.
        ("20001", "20000", "0.00"),
        ("20003", "20000", "0.02"),
    ],
)
def test_gap_is_in_per_cent_of_the_reference(rate: str, reference: str, gap: str) -> None:
    assert gap_per_cent(Decimal(rate), Decimal(reference)) == Decimal(gap)
