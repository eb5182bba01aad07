"""Version 1 of the fee schedule: the seed's rules, in effect since ever, needing nobody's approval."""

from datetime import UTC, datetime
from typing import Any, Final

from django.apps import apps as installed_apps
from django.db import transaction

from fees.types import Bracket, ScheduleTerms

# The columns a published version shares with its draft.
RULES: Final = (
    "effective_at",
    "minimum_fee_sats",
    "maximum_fee_sats",
    "verified_discount_bps",
    "recurring_discount_bps",
    "platform_share_bps",
    "community_share_bps",
    "override_cap_ppm",
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Source: DOMAIN.md section 2. An override may lower the base rate, never raise it.
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


def ensure_default_schedule(apps: Any = installed_apps) -> None:
    """Insert version 1 unless it is there. A migration passes its own registry of models."""
    schedules = apps.get_model("fees", "FeeSchedule").objects
    if schedules.filter(version=1).exists():
        return
    with transaction.atomic():
        schedule = schedules.create(version=1, published_at=EPOCH, bracket_count=1, **rules_of(DEFAULT_TERMS))
        insert_brackets(apps, schedule, DEFAULT_TERMS.brackets)


def rules_of(schedule: Any) -> dict[str, Any]:
    """Return the rules besides brackets, of a published version, a draft or frozen terms."""
    return {name: getattr(schedule, name) for name in RULES}


def insert_brackets(apps: Any, schedule: Any, brackets: tuple[Bracket, ...]) -> None:
    """Insert a version's brackets, from the lowest start."""
    model = apps.get_model("fees", "FeeBracket")
    model.objects.bulk_create(
        [
            model(schedule=schedule, position=n, from_sats=b.from_sats, base_rate_ppm=b.base_rate_ppm)
            for n, b in enumerate(brackets)
        ]
    )
