"""Shapes of the rate and conversion endpoints."""

import re
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger.calculations import sats_from_xof, shown_xof_from_sats
from ledger.types import Rate
from sunusav.api.serializers import ReasonField, SatsField, StrictSerializer, XofField, utc_text
from sunusav.core.models import Proposal

# As many digits as a rate is stored with: twelve before the point, eight after it.
_RATE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")


@extend_schema_field({"type": "string", "format": "decimal", "example": "8000000"})
class RateField(serializers.Field[Decimal, Any, str, Any]):
    """Francs per bitcoin, exact: read from a decimal string or a JSON number, written as a string."""

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

    def to_representation(self, value: Any) -> str:
        return rate_text(value)


class ManualRateBody(StrictSerializer):
    """A rate that somebody vouches for, and why."""

    rate = RateField()
    reason = ReasonField()


class SatsBody(StrictSerializer):
    """Sats to convert."""

    amount_sats = SatsField()


class XofBody(StrictSerializer):
    """Francs to convert."""

    amount_xof = XofField()


class RateShape(serializers.Serializer[Any]):
    """A rate, where it comes from, and whether it is only the fallback."""

    btc_xof_rate = RateField()
    source = serializers.CharField()  # type: ignore[assignment]  # the contract's name, also DRF's
    observed_at = serializers.DateTimeField()
    is_fallback = serializers.BooleanField()


class ManualRateShape(RateShape):
    """A manual rate; its observation is null until the second person has recorded it."""

    observed_at = serializers.DateTimeField(allow_null=True)
    proposal_id = serializers.CharField()
    digest = serializers.CharField()
    state = serializers.ChoiceField(choices=["open", "approved"])
    proposed_by = serializers.CharField()


class SatsToXofShape(RateShape):
    """What sats are worth in francs, to 0.01, and the rate that says so."""

    amount_sats = serializers.IntegerField()
    amount_xof = serializers.CharField()


class XofToSatsShape(RateShape):
    """How many sats pay a price in francs, rounded down, and the rate that says so."""

    amount_xof = serializers.IntegerField()
    amount_sats = serializers.IntegerField()


def rate_text(rate_xof_per_btc: Decimal) -> str:
    """Write a rate without trailing zeros and without an exponent."""
    return format(rate_xof_per_btc.normalize(), "f")


def rate_answer(rate: Rate) -> dict[str, Any]:
    return {
        "btc_xof_rate": rate_text(rate.rate_xof_per_btc),
        "source": rate.source,
        "observed_at": utc_text(rate.observed_at),
        "is_fallback": rate.is_fallback,
    }


def manual_rate_answer(proposal: Proposal, rate: Rate | None) -> dict[str, Any]:
    proposed = {
        "btc_xof_rate": rate_text(Decimal(proposal.facts["rate_xof_per_btc"])),
        "source": "manual",
        "observed_at": None,
        "is_fallback": False,
    }
    return {
        **(rate_answer(rate) if rate else proposed),
        "proposal_id": str(proposal.pk),
        "digest": proposal.digest,
        "state": "approved" if rate else "open",
        "proposed_by": proposal.proposer.get_username(),
    }


def sats_to_xof_answer(amount_sats: int, rate: Rate) -> dict[str, Any]:
    shown = shown_xof_from_sats(amount_sats, rate_xof_per_btc=rate.rate_xof_per_btc)
    return {"amount_sats": amount_sats, "amount_xof": str(shown), **rate_answer(rate)}


def xof_to_sats_answer(amount_xof: int, rate: Rate) -> dict[str, Any]:
    sats = sats_from_xof(amount_xof, rate_xof_per_btc=rate.rate_xof_per_btc)
    return {"amount_xof": amount_xof, "amount_sats": sats, **rate_answer(rate)}
