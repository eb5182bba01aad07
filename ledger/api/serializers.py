"""Bodies and answers of the rate and conversion endpoints."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sunusav.api.answers import AnswerSerializer, DecimalTextField, XofTextField
from sunusav.api.proposals import ProposalFields
from sunusav.api.serializers import (
    ChoiceOf,
    ReasonField,
    SatsField,
    StrictSerializer,
    UtcDateTimeField,
    XofField,
)

# A rate is stored with twelve digits before the point and eight after it.
_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")


@extend_schema_field({"type": "string", "format": "decimal", "example": "8000000"})
class RateField(serializers.Field[Decimal, Any, str, Any]):
    """Francs per bitcoin, exact, read from a decimal string or a JSON number."""

    default_error_messages = {
        "invalid": 'Francs per bitcoin such as "8000000" are required, at most 8 decimals.'
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            self.fail("invalid")
        text = format(data, "f") if isinstance(data, Decimal) else str(data)
        if not _RATE.fullmatch(text):
            self.fail("invalid")
        return Decimal(text)


class ManualRateBody(StrictSerializer):
    """A manual rate, and the reason for it."""

    rate = RateField()
    reason = ReasonField()


class SatsBody(StrictSerializer):
    """Sats to convert."""

    amount_sats = SatsField()


class XofBody(StrictSerializer):
    """Francs to convert."""

    amount_xof = XofField()


class RateAnswer(AnswerSerializer):
    """A rate, its source, and whether it is only the fallback."""

    btc_xof_rate = DecimalTextField(source="rate_xof_per_btc")
    source = serializers.CharField()  # type: ignore[assignment]  # the API's name, also DRF's
    observed_at = UtcDateTimeField()
    is_fallback = serializers.BooleanField()


class ManualRateAnswer(ProposalFields, RateAnswer):
    """A manual rate; its observation is null until as many people as needed have approved it."""

    observed_at = UtcDateTimeField(allow_null=True)
    digest = serializers.CharField(source="proposal.digest")
    state = ChoiceOf(("open", "approved"))


class SatsToXofAnswer(RateAnswer):
    """The value of sats in francs, to 0.01, and the rate it was computed at."""

    amount_sats = serializers.IntegerField()
    amount_xof = XofTextField()


class XofToSatsAnswer(RateAnswer):
    """How many sats pay a price in francs, rounded down, and the rate it was computed at."""

    amount_xof = serializers.IntegerField()
    amount_sats = serializers.IntegerField()


@dataclass(frozen=True)
class ProposedRate:
    """A manual rate that nobody has approved yet; it reads like a `Rate`."""

    rate_xof_per_btc: Decimal
    source: str = "manual"
    observed_at: None = None
    is_fallback: bool = False
