"""Bodies and answers of settlements."""

from typing import Any

from rest_framework import serializers

from partners.enums import SettlementStatus
from sunusav.api.answers import AnswerSerializer
from sunusav.api.serializers import (
    ChoiceOf,
    IdentifierField,
    ReasonField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
    UtcDateTimeField,
)


class SettleBody(StrictSerializer):
    """Whose windows are closed and proposed."""

    partner_name = IdentifierField()


class SummaryQuery(StrictSerializer):
    partner_name = IdentifierField(required=False)


class SettlementsQuery(SummaryQuery):
    status = ChoiceOf(SettlementStatus.values, required=False)


class SeenBody(StrictSerializer):
    """The proposal that was shown, and its digest."""

    proposal_id = StrictIntegerField(min_value=1)
    digest = TextField(max_length=64)


class RejectBody(SeenBody):
    reason = ReasonField()


class SettleAnswer(AnswerSerializer):
    """That a task was queued which proposes the windows that are due."""

    task_id = serializers.CharField()
    partner = serializers.CharField()
    status = serializers.CharField()


class SettlementAnswer(AnswerSerializer):
    """A settlement: what accrued in its window and what is due. Its francs leave less than one over, exactly."""

    id = serializers.IntegerField()
    partner = serializers.CharField()
    period_start = UtcDateTimeField()
    period_end = UtcDateTimeField()
    amount_sats = serializers.IntegerField(help_text="The shares that accrued in the window.")
    amount_xof = serializers.IntegerField(
        help_text="Whole francs that are due, at the rates booked with the fees."
    )
    residue_xof = serializers.SerializerMethodField("residue", help_text="Opens the next window; exact.")
    status = ChoiceOf(SettlementStatus.values)
    created_at = UtcDateTimeField()
    executed_at = UtcDateTimeField(allow_null=True)
    proposal_id = serializers.IntegerField(allow_null=True)
    digest = serializers.CharField()

    def residue(self, row: Any) -> str:
        return format(row.residue_xof.normalize(), "f")


class TotalsAnswer(AnswerSerializer):
    """How many settlements, and what they come to."""

    count = serializers.IntegerField()
    amount_xof = serializers.IntegerField()
    amount_sats = serializers.IntegerField()


class TotalsByNameField(serializers.DictField):
    """Totals by state or by partner."""

    child = TotalsAnswer()


class SummaryAnswer(AnswerSerializer):
    """All settlements, or those of one partner."""

    total_settlements = serializers.IntegerField(source="total.count")
    total_amount_xof = serializers.IntegerField(source="total.amount_xof")
    total_amount_sats = serializers.IntegerField(source="total.amount_sats")
    by_status = TotalsByNameField()
    by_partner = TotalsByNameField()
