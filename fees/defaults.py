"""Version 1 of the fee schedule, as the migrations insert it: in effect from the start, without approval."""

from datetime import UTC, datetime
from typing import Final

from fees.types import Bracket, ScheduleTerms

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The platform's published fee terms. An override may lower the base rate, never raise it.
DEFAULT_TERMS: Final = ScheduleTerms(
    schedule_id=0,
    version=1,
    effective_at=EPOCH,
    brackets=(Bracket(from_sats=0, base_rate_ppm=10_000),),
    minimum_fee_sats=1,
    maximum_fee_sats=None,
    verified_discount_bps=5_000,
    recurring_discount_bps=2_500,
    platform_share_bps=5_000,
    community_share_bps=2_000,
    override_cap_ppm=10_000,
)
