"""Frozen values that other apps see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class PricedFor:
    """The group, winner and partner that a fee is computed for; the caller passes them."""

    group_ref: str
    winner_ref: str
    settlement_partner: str


@dataclass(frozen=True)
class Bracket:
    """The base rate of payouts from this amount on; it applies to the whole payout."""

    from_sats: int
    base_rate_ppm: int


@dataclass(frozen=True)
class ScheduleTerms:
    """The rules of one published version, or of a draft (version 0)."""

    schedule_id: int
    version: int
    effective_at: datetime
    brackets: tuple[Bracket, ...]
    minimum_fee_sats: int
    maximum_fee_sats: int | None
    verified_discount_bps: int
    recurring_discount_bps: int
    platform_share_bps: int
    community_share_bps: int
    override_cap_ppm: int


@dataclass(frozen=True)
class Discounts:
    """The discounts that apply to one payout, and the grants they come from."""

    verified_bps: int = 0
    recurring_bps: int = 0
    verified_grant_id: int | None = None
    recurring_grant_id: int | None = None


@dataclass(frozen=True)
class FeeTerms:
    """Everything that a fee is computed from, besides the payout."""

    base_rate_ppm: int
    verified_bps: int
    recurring_bps: int
    minimum_fee_sats: int
    maximum_fee_sats: int | None
    platform_share_bps: int
    community_share_bps: int


@dataclass(frozen=True)
class FeeSplit:
    """A fee, its three shares (they sum to it), and what the winner receives."""

    fee_sats: int
    platform_sats: int
    community_sats: int
    partner_sats: int
    net_sats: int


@dataclass(frozen=True)
class Quote:
    """What a payout would cost."""

    split: FeeSplit
    fee_fraction: Decimal
    schedule_version: int


@dataclass(frozen=True)
class FixedFee:
    """A fixed fee: later changes of schedules and discounts do not affect it."""

    assessment_id: int
    subject: str
    payout_sats: int
    split: FeeSplit
    discounts: Discounts
    schedule_id: int
    schedule_version: int
    priced_for: PricedFor
    rate_id: int
    rate_xof_per_btc: Decimal
    is_fallback_rate: bool
    fixed_at: datetime


@dataclass(frozen=True)
class RecordedFee:
    """A charged fee and its disbursement."""

    record_id: int
    assessment_id: int | None
    disbursement_ref: str


@dataclass(frozen=True)
class Accrued:
    """Partner shares of fees: how many records, their sats, and what these are worth at the booked rates.

    Units: `worth` in francs times 10^16, which is exact: a rate has eight places, and a bitcoin 10^8 sats.
    """

    records: int
    amount_sats: int
    worth: int


@dataclass(frozen=True)
class Accrual:
    """A partner's share of one fee, or of its reversal, below zero. Units: sats; `worth` as in `Accrued`."""

    record_id: int
    disbursement_ref: str
    is_reversal: bool
    booked_at: datetime
    payout_sats: int
    fee_sats: int
    partner_sats: int
    rate_xof_per_btc: Decimal
    worth: int


@dataclass(frozen=True)
class Span:
    """A stretch of fee records: booked in [start, end), up to the record `through_id`.

    With them are those booked before that were recorded after the record `after_id`: too late for their own stretch.
    """

    start: datetime
    end: datetime
    after_id: int
    through_id: int


@dataclass(frozen=True)
class Tier:
    """What a kind of customer pays, as a fraction of the payout."""

    fee_fraction: Decimal
    description: str


@dataclass(frozen=True)
class Projection:
    """The expected revenue of a year. Units: sats."""

    groups_count: int
    cycles_processed: int
    fees_sats: int
    platform_sats: int
    community_sats: int
    partner_sats: int


@dataclass(frozen=True)
class Cliff:
    """A border of brackets where one sat more leaves less: the net just below it, and at it."""

    from_sats: int
    net_below_sats: int
    net_at_sats: int


@dataclass(frozen=True)
class Comparison:
    """What a kind of customer pays on one payout under two schedules."""

    payout_sats: int
    tier: str
    before: FeeSplit
    after: FeeSplit
