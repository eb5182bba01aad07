"""What a partner holds for us, as the worker that may pay last saw it: the web process calls no partner."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from partners.errors import PartnerBalanceUnknown, PartnerNotInUse
from partners.queries import live_balance
from sunusav.api.answers import AnswerSerializer
from sunusav.api.endpoints import Endpoint
from sunusav.api.serializers import UtcDateTimeField
from sunusav.api.views import ApiView


class PartnerBalanceAnswer(AnswerSerializer):
    """The float at a partner, and what it has accrued and was not paid, at the rates booked with the fees."""

    partner = serializers.CharField()
    balance = serializers.IntegerField(
        help_text="What the partner holds for us, in whole units of `currency`."
    )
    currency = serializers.CharField()
    timestamp = UtcDateTimeField(help_text="When the partner reported it, at most a minute ago.")
    accrued_xof = serializers.IntegerField(help_text="Rounded down once, to whole francs.")


class PartnerBalance(ApiView):
    """Our money at one partner."""

    http_method_names = ["get"]

    @Endpoint(
        "Read the float at a partner",
        operation_id="partner_balance_get",
        permission="partners.view_partner_balance",
        answer=PartnerBalanceAnswer,
        problems=[PartnerNotInUse, PartnerBalanceUnknown],
    )
    def get(self, request: Request, partner: str) -> Response:
        """Return what a partner held for us at most a minute ago, and what accrued to it since it was last paid."""
        return self.answer(live_balance(partner, now=self.now), partner=partner)
