"""Arithmetic of fees in whole numbers and exact decimals. Pure."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import lru_cache
from typing import Final

from fees.errors import FeeOverrideAboveCap, RatiosExceedOne
from fees.types import (
    Bracket,
    Cliff,
    Comparison,
    Discounts,
    FeeSplit,
    FeeTerms,
    Projection,
    ScheduleTerms,
)

PPM: Final = 1_000_000
# Payouts from small to large by which people judge a schedule.
EXAMPLE_PAYOUTS_SATS: Final = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# Each kind of customer: whether the group is verified, and whether the winner has a subscription.
CUSTOMERS: Final = {
    "standard": (False, False),
    "verified_group": (True, False),
    "recurring_user": (False, True),
    "verified_recurring": (True, True),
}
BPS: Final = 10_000
_RATE_DENOMINATOR: Final = PPM * BPS * BPS
# Enough digits for every rate; a result with more digits raises instead of being rounded.
_EXACT: Final = Context(prec=28, traps=[Inexact])


def fee_split(payout_sats: int, terms: FeeTerms) -> FeeSplit:
    """Compute a payout's fee, its three parts and the net.

    Rounding: the fee down, once, at the end; platform and community down, the partner keeps the remainder.
    A fee never exceeds the payout, so a net is never negative (it may be 0, which only a quote accepts).
    """
    if payout_sats < 0:
        raise ValueError(f"a payout is not negative: {payout_sats} sats")
    fee = min(_limited(_percentage_fee(payout_sats, terms), terms), payout_sats)
    platform = fee * terms.platform_share_bps // BPS
    community = fee * terms.community_share_bps // BPS
    return FeeSplit(
        fee_sats=fee,
        platform_sats=platform,
        community_sats=community,
        partner_sats=fee - platform - community,
        net_sats=payout_sats - fee,
    )


def _percentage_fee(payout_sats: int, terms: FeeTerms) -> int:
    return payout_sats * _rate_numerator(terms) // _RATE_DENOMINATOR


def _rate_numerator(terms: FeeTerms) -> int:
    return terms.base_rate_ppm * (BPS - terms.verified_bps) * (BPS - terms.recurring_bps)


def _limited(fee_sats: int, terms: FeeTerms) -> int:
    fee_sats = max(fee_sats, terms.minimum_fee_sats)
    if terms.maximum_fee_sats is None:
        return fee_sats
    return min(fee_sats, terms.maximum_fee_sats)


@lru_cache(maxsize=1024)
def fee_fraction(terms: FeeTerms) -> Decimal:
    """Return the fraction of a payout that is the fee, before minimum and maximum: 0.005 is half a percent."""
    return plain(_EXACT.divide(Decimal(_rate_numerator(terms)), Decimal(_RATE_DENOMINATOR)))


def plain(number: Decimal) -> Decimal:
    """Strip trailing zeros without exponent notation."""
    return Decimal(f"{number.normalize():f}")


def base_rate_ppm(schedule: ScheduleTerms, payout_sats: int) -> int:
    """Return the base rate of a payout's bracket, which applies to the whole payout."""
    return max((b for b in schedule.brackets if b.from_sats <= payout_sats), key=_start).base_rate_ppm


def _start(bracket: Bracket) -> int:
    return bracket.from_sats


def terms_for(schedule: ScheduleTerms, *, payout_sats: int, discounts: Discounts) -> FeeTerms:
    """Return the terms that a schedule sets for one payout."""
    return _terms(schedule, base_rate_ppm(schedule, payout_sats), discounts)


def overridden_terms(schedule: ScheduleTerms, *, override_ppm: int, discounts: Discounts) -> FeeTerms:
    """Return the terms with another base rate, to which discounts and limits apply as usual.

    Raises: FeeOverrideAboveCap.
    """
    if not 0 <= override_ppm <= schedule.override_cap_ppm:
        raise FeeOverrideAboveCap(override_ppm=override_ppm, cap_ppm=schedule.override_cap_ppm)
    return _terms(schedule, override_ppm, discounts)


def _terms(schedule: ScheduleTerms, rate_ppm: int, discounts: Discounts) -> FeeTerms:
    return FeeTerms(
        base_rate_ppm=rate_ppm,
        verified_bps=discounts.verified_bps,
        recurring_bps=discounts.recurring_bps,
        minimum_fee_sats=schedule.minimum_fee_sats,
        maximum_fee_sats=schedule.maximum_fee_sats,
        platform_share_bps=schedule.platform_share_bps,
        community_share_bps=schedule.community_share_bps,
    )


def claimed_discounts(schedule: ScheduleTerms, *, group_verified: bool, user_recurring: bool) -> Discounts:
    """Return the schedule's discounts for what a request claims."""
    return Discounts(
        verified_bps=schedule.verified_discount_bps if group_verified else 0,
        recurring_bps=schedule.recurring_discount_bps if user_recurring else 0,
    )


def project_annual_revenue(
    schedule: ScheduleTerms,
    *,
    groups_count: int,
    weeks_per_year: int = 52,
    avg_payout_sats: int = 100_000,
    verified_groups_ratio: Decimal = Decimal("0.3"),
    recurring_users_ratio: Decimal = Decimal("0.2"),
) -> Projection:
    """Project the revenue of a year in which every group pays out once a week.

    The two ratios are disjoint parts of all cycles; the rest pays the standard fee.
    Rounding: the number of cycles of each kind down. The fee of a kind is multiplied by its cycles.
    Raises: RatiosExceedOne.
    """
    if verified_groups_ratio + recurring_users_ratio > 1:
        raise RatiosExceedOne(
            verified_groups_ratio=str(verified_groups_ratio), recurring_users_ratio=str(recurring_users_ratio)
        )
    cycles = groups_count * weeks_per_year
    verified, recurring = int(cycles * verified_groups_ratio), int(cycles * recurring_users_ratio)
    kinds = [
        (verified, claimed_discounts(schedule, group_verified=True, user_recurring=False)),
        (recurring, claimed_discounts(schedule, group_verified=False, user_recurring=True)),
        (cycles - verified - recurring, Discounts()),
    ]
    splits = [
        (count, fee_split(avg_payout_sats, terms_for(schedule, payout_sats=avg_payout_sats, discounts=given)))
        for count, given in kinds
    ]
    return Projection(
        groups_count=groups_count,
        cycles_processed=cycles,
        fees_sats=sum(count * split.fee_sats for count, split in splits),
        platform_sats=sum(count * split.platform_sats for count, split in splits),
        community_sats=sum(count * split.community_sats for count, split in splits),
        partner_sats=sum(count * split.partner_sats for count, split in splits),
    )


def split_for(schedule: ScheduleTerms, *, payout_sats: int, tier: str) -> FeeSplit:
    """Compute the fee of a payout for one of `CUSTOMERS` under a schedule."""
    is_verified, is_recurring = CUSTOMERS[tier]
    discounts = claimed_discounts(schedule, group_verified=is_verified, user_recurring=is_recurring)
    return fee_split(payout_sats, terms_for(schedule, payout_sats=payout_sats, discounts=discounts))


def compared(before: ScheduleTerms, after: ScheduleTerms) -> list[Comparison]:
    """Compare two schedules on the example payouts, for each kind of customer."""
    return [
        Comparison(
            payout_sats, tier, split_for(before, payout_sats=payout_sats, tier=tier),
            split_for(after, payout_sats=payout_sats, tier=tier),
        )
        for payout_sats in EXAMPLE_PAYOUTS_SATS
        for tier in CUSTOMERS
    ]  # fmt: skip


def steepest_rise(comparisons: Iterable[Comparison]) -> Comparison | None:
    """Return the example whose fee rises most in proportion, of those that rise by more than half; else None.

    A fee is rounded down to whole sats: a rise that this alone may explain does not count.
    """
    risen = [one for one in comparisons if 2 * one.after.fee_sats > 3 * (one.before.fee_sats + 1)]
    return max(risen, key=_rise, default=None)


def _rise(one: Comparison) -> tuple[Fraction, int]:
    return Fraction(one.after.fee_sats, max(one.before.fee_sats, 1)), one.payout_sats


def cliffs(schedule: ScheduleTerms) -> list[Cliff]:
    """Return the borders of brackets where a payout that is one sat larger leaves less, without discounts."""
    found = []
    for start_sats in sorted(bracket.from_sats for bracket in schedule.brackets if bracket.from_sats > 0):
        below = split_for(schedule, payout_sats=start_sats - 1, tier="standard").net_sats
        at = split_for(schedule, payout_sats=start_sats, tier="standard").net_sats
        if at < below:
            found.append(Cliff(start_sats, below, at))
    return found
