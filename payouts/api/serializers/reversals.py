"""Bodies and answers of reversals."""

from typing import Any

from rest_framework import serializers

from payouts.api.serializers.answers import PayoutWithSplitAnswer
from sunusav.api.proposals import ProposalFields
from sunusav.api.serializers import (
    ChoiceOf,
    DayField,
    ReasonField,
    StrictIntegerField,
    StrictSerializer,
    TextField,
)
from transfers.enums import ReturnKind

BY_PEOPLE = (ReturnKind.BANK_LINE.value, ReturnKind.INBOUND_PAYMENT.value)
PROPOSING, APPROVING = ("kind", "reference", "reason"), ("proposal_id", "digest")


class ReverseBody(StrictSerializer):
    """To propose: what proves that the money came back, and why. To approve: the proposal and the digest shown.

    `returned_on` is the day in Dakar of a bank line, if known; an invoice has its own.
    """

    kind = ChoiceOf(BY_PEOPLE, required=False)
    reference = TextField(max_length=120, required=False)
    returned_on = DayField(required=False)
    reason = ReasonField(required=False)
    proposal_id = StrictIntegerField(required=False)
    digest = TextField(max_length=64, required=False)

    def validate(self, attrs: Any) -> dict[str, Any]:
        if "returned_on" in attrs and attrs.get("kind") != ReturnKind.BANK_LINE:
            raise serializers.ValidationError(
                f"Send returned_on only with kind {ReturnKind.BANK_LINE.value}."
            )
        if set(attrs) - {"returned_on"} not in ({*PROPOSING}, {*APPROVING}):
            raise serializers.ValidationError(
                f"Send {', '.join(PROPOSING)} to propose, or {' and '.join(APPROVING)} to approve."
            )
        return dict(attrs)


class ReverseAnswer(ProposalFields, PayoutWithSplitAnswer):
    """A payout, and the proposal to reverse it, which a second person approves by its id and digest."""

    digest = serializers.CharField(source="proposal.digest")
