"""Answers about refunds of members' credit."""

from rest_framework import serializers

from payouts.api.serializers.answers import DestinationAnswer
from payouts.api.serializers.failures import FailureTextField
from sunusav.api.answers import AnswerSerializer, OptionalTextField
from sunusav.api.serializers import ChoiceOf, UtcDateTimeField
from transfers.enums import DisbursementState


class RefundAnswer(AnswerSerializer):
    """A refund of a member's credit; `amount_xof` is what a rail in francs pays, once it is fixed."""

    id = serializers.IntegerField()
    user_id = serializers.CharField()
    amount_sats = serializers.IntegerField()
    amount_xof = serializers.IntegerField(source="paid_xof", allow_null=True)
    reason = serializers.CharField()
    status = ChoiceOf(DisbursementState.values)
    destination = DestinationAnswer()
    reference = OptionalTextField()
    proof = OptionalTextField()
    attempts = serializers.IntegerField(source="attempts_made")
    error_code = OptionalTextField(source="failure.code")
    error_message = FailureTextField(source="failure")
    created_at = UtcDateTimeField(source="requested_at")
    completed_at = UtcDateTimeField(allow_null=True)
