"""Shapes of the fee endpoints. The API's names live here and no deeper."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from fees.calculations import PPM
from fees.types import Projection, Quote, Tier
from sunusav.api.serializers import (
    FractionField,
    SatsField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
)


class PartsPerMillionField(FractionField):
    """A fraction of at most six decimals, taken as whole parts per million."""

    default_error_messages = {"precision": "At most six decimals are accepted."}

    def to_internal_value(self, data: Any) -> Any:
        parts = super().to_internal_value(data) * PPM
        if parts != int(parts):
            self.fail("precision")
        return int(parts)


class QuoteBody(StrictSerializer):
    """What a quote is asked for: a payout and what is claimed about it."""

    payout_sats = SatsField()
    group_verified = StrictBooleanField(default=False)
    user_recurring = StrictBooleanField(default=False)
    fee_percent_override = PartsPerMillionField(default=None, allow_null=True)


class QuoteShape(serializers.Serializer[Any]):
    """What a payout would cost."""

    sats_fee = serializers.IntegerField()
    platform_share = serializers.IntegerField()
    community_share = serializers.IntegerField()
    partner_reserved = serializers.IntegerField()
    net_payout = serializers.IntegerField()
    fee_percentage = serializers.CharField()
    schedule_version = serializers.IntegerField()


def quote_answer(quote: Quote) -> dict[str, Any]:
    """Write a quote by hand: an output serializer costs a fifth of the whole request."""
    split = quote.split
    return {
        "sats_fee": split.fee_sats,
        "platform_share": split.platform_sats,
        "community_share": split.community_sats,
        "partner_reserved": split.partner_sats,
        "net_payout": split.net_sats,
        "fee_percentage": str(quote.fee_fraction),
        "schedule_version": quote.schedule_version,
    }


class TierShape(serializers.Serializer[Any]):
    """What one kind of customer pays."""

    base_fee_percent = serializers.CharField()
    description = serializers.CharField()


class TiersShape(serializers.Serializer[Any]):
    """What each kind of customer pays."""

    standard = TierShape()
    verified_group = TierShape()
    recurring_user = TierShape()
    verified_recurring = TierShape()


def tiers_answer(tiers: dict[str, Tier]) -> dict[str, Any]:
    """Write the tiers."""
    return {
        name: {"base_fee_percent": str(tier.fee_fraction), "description": tier.description}
        for name, tier in tiers.items()
    }


class ProjectionBody(StrictSerializer):
    """The assumptions of a projection."""

    groups_count = StrictIntegerField(max_value=10**7)
    weeks_per_year = StrictIntegerField(max_value=53, default=52)
    avg_payout_sats = SatsField(default=100_000)
    verified_groups_ratio = FractionField(default=Decimal("0.3"))
    recurring_users_ratio = FractionField(default=Decimal("0.2"))


class ProjectionShape(serializers.Serializer[Any]):
    """Revenue to expect of a year."""

    total_platform_revenue = serializers.IntegerField()
    total_community_fund = serializers.IntegerField()
    total_partner_payouts = serializers.IntegerField()
    total_fees_collected = serializers.IntegerField()
    cycles_processed = serializers.IntegerField()
    groups_count = serializers.IntegerField()


def projection_answer(year: Projection) -> dict[str, int]:
    """Write a projection."""
    return {
        "total_platform_revenue": year.platform_sats,
        "total_community_fund": year.community_sats,
        "total_partner_payouts": year.partner_sats,
        "total_fees_collected": year.fees_sats,
        "cycles_processed": year.cycles_processed,
        "groups_count": year.groups_count,
    }
