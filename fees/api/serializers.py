"""Bodies and answers of the fee endpoints. The API's own names are used here and in no lower layer."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from fees.calculations import PPM
from sunusav.api.answers import AnswerSerializer, DecimalTextField
from sunusav.api.serializers import (
    FractionField,
    SatsField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
)


class PartsPerMillionField(FractionField):
    """A fraction of at most six decimals, read as whole parts per million."""

    default_error_messages = {"precision": "At most six decimals are accepted."}

    def to_internal_value(self, data: Any) -> Any:
        parts = super().to_internal_value(data) * PPM
        if parts != int(parts):
            self.fail("precision")
        return int(parts)


class QuoteBody(StrictSerializer):
    """A payout, and the discounts that the client claims for it."""

    payout_sats = SatsField()
    group_verified = StrictBooleanField(default=False)
    user_recurring = StrictBooleanField(default=False)
    fee_percent_override = PartsPerMillionField(default=None, allow_null=True)


class QuoteAnswer(AnswerSerializer):
    """The fee of a payout, its parts, and what the winner gets."""

    sats_fee = serializers.IntegerField(source="split.fee_sats")
    platform_share = serializers.IntegerField(source="split.platform_sats")
    community_share = serializers.IntegerField(source="split.community_sats")
    partner_reserved = serializers.IntegerField(source="split.partner_sats")
    net_payout = serializers.IntegerField(source="split.net_sats")
    fee_percentage = DecimalTextField(source="fee_fraction")
    schedule_version = serializers.IntegerField()


class TierAnswer(AnswerSerializer):
    """What one kind of customer pays."""

    base_fee_percent = DecimalTextField(source="fee_fraction")
    description = serializers.CharField()


class TiersAnswer(AnswerSerializer):
    """What each kind of customer pays."""

    standard = TierAnswer()
    verified_group = TierAnswer()
    recurring_user = TierAnswer()
    verified_recurring = TierAnswer()


class ProjectionBody(StrictSerializer):
    """The assumptions of a projection."""

    groups_count = StrictIntegerField(max_value=10**7)
    weeks_per_year = StrictIntegerField(max_value=53, default=52)
    avg_payout_sats = SatsField(default=100_000)
    verified_groups_ratio = FractionField(default=Decimal("0.3"))
    recurring_users_ratio = FractionField(default=Decimal("0.2"))


class ProjectionAnswer(AnswerSerializer):
    """The expected revenue of a year."""

    total_platform_revenue = serializers.IntegerField(source="platform_sats")
    total_community_fund = serializers.IntegerField(source="community_sats")
    total_partner_payouts = serializers.IntegerField(source="partner_sats")
    total_fees_collected = serializers.IntegerField(source="fees_sats")
    cycles_processed = serializers.IntegerField()
    groups_count = serializers.IntegerField()
