"""Answers of withdrawal links."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from payouts.api.serializers.failures import FailureTextField
from sunusav.api.answers import AnswerSerializer, OptionalTextField, SatsFromMsatField
from sunusav.api.serializers import ChoiceOf, UtcDateTimeField
from sunusav.core.qr import qr_svg
from transfers.enums import WithdrawalState


@extend_schema_field({"type": "string", "description": "An SVG image."})
class LightningQrField(serializers.Field[str, str, str, str]):
    """A text for Lightning wallets as a QR code."""

    def to_representation(self, value: str) -> str:
        return qr_svg(f"lightning:{value}", ignores_case=True)


class OpenedWithdrawalLinkAnswer(AnswerSerializer):
    """A link that was just opened, shown only in this answer.

    Anyone who has `lnurl`, `url` or `qr_svg` can take the money.
    """

    cycle_id = serializers.CharField()
    lnurl = serializers.CharField(source="withdrawal_code.text")
    url = serializers.CharField(source="withdrawal_code.link")
    amount_sats = SatsFromMsatField(source="amount_msat")
    expires_at = UtcDateTimeField()
    qr_svg = LightningQrField(source="withdrawal_code.text")


class WithdrawalLinkAnswer(AnswerSerializer):
    """The status of a link. `taken` means that its payout was requested."""

    cycle_id = serializers.CharField()
    status = ChoiceOf(WithdrawalState.values, source="present_state")
    amount_sats = SatsFromMsatField(source="amount_msat")
    opened_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    redeemed_at = UtcDateTimeField(allow_null=True)
    payout_id = serializers.IntegerField(source="disbursement_id", allow_null=True)
    error_code = OptionalTextField(source="failure.code")
    error_message = FailureTextField(source="failure")
