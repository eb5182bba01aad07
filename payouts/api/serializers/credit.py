"""Answers about a member's credit."""

from rest_framework import serializers

from ledger.types import Movement
from sunusav.api.answers import AnswerSerializer, SatsFromMsatField
from sunusav.api.serializers import UtcDateTimeField


class MovementAnswer(AnswerSerializer):
    """One movement of a member's credit. Units: msat, which sum exactly; below zero, it was used."""

    transaction_id = serializers.IntegerField()
    kind = serializers.CharField()
    subject = serializers.CharField()
    amount_msat = serializers.SerializerMethodField("credited_msat")
    at = UtcDateTimeField()

    def credited_msat(self, movement: Movement) -> int:
        return -movement.amount


class CreditAnswer(AnswerSerializer):
    """A member's credit in whole sats, and a page of its movements, the newest first."""

    user_id = serializers.CharField()
    credit_sats = SatsFromMsatField(source="credit_msat")
    movements = MovementAnswer(many=True)
    next = serializers.URLField(allow_null=True)
