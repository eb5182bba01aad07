"""Refusals of this app."""

from datetime import datetime

from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class NetNotPositive(Invalid):
    """The fee is the whole payout; nothing is booked."""

    payout_sats: int
    fee_sats: int


class FeeOverrideAboveCap(Invalid):
    override_ppm: int
    cap_ppm: int


class FeeOverrideNotAllowed(Forbidden):
    permission: str


class RatiosExceedOne(Invalid):
    verified_groups_ratio: str
    recurring_users_ratio: str


class FeeScheduleMissing(Missing):
    """No published version was in effect at that moment."""

    at: datetime


class FeeScheduleDraftMissing(Missing):
    draft_id: str


class FeeScheduleDraftClosed(Conflict):
    draft_id: str
    draft_state: str


class FeeScheduleDraftIncomplete(Invalid):
    """A schedule needs a bracket that starts at 0 sats."""

    draft_id: str


class FeeScheduleEffectiveTooSoon(Conflict):
    """The effective date is too soon: processes that cache schedules would apply the old version after it."""

    draft_id: str
    effective_at: datetime
    earliest_at: datetime


class DiscountHolderInvalid(Invalid):
    holder: str
    kind: str


class DiscountOutOfRange(Invalid):
    discount_bps: int


class DiscountPeriodEmpty(Invalid):
    starts_at: datetime
    ends_at: datetime


class DiscountAlreadyGranted(Conflict):
    holder: str
    kind: str
    grant_id: str


class DiscountNotGranted(Missing):
    holder: str
    kind: str


class FeeAssessmentMissing(Missing):
    assessment_id: str


class FeeRecordedForAnotherDisbursement(Conflict):
    """This fixed fee was already recorded, for another disbursement."""

    code = "fee-recorded-for-another"

    assessment_id: str
    disbursement_ref: str


class FeeRecordMissing(Missing):
    record_id: str


class FeeAlreadyReversed(Conflict):
    record_id: str
    reversal_id: str


class FeeReversalNotReversible(Conflict):
    """A reversal is not reversed: record a new fee instead."""

    record_id: str
