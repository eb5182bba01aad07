"""Rates and conversions. What is shown here moves nothing, so the fallback rate serves too, with its mark."""

from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import (
    ManualRateBody,
    ManualRateShape,
    RateShape,
    SatsBody,
    SatsToXofShape,
    XofBody,
    XofToSatsShape,
    manual_rate_answer,
    rate_answer,
    sats_to_xof_answer,
    xof_to_sats_answer,
)
from ledger.errors import RateOutOfBounds
from ledger.queries import current_rate
from ledger.services import approve_manual_rate, propose_manual_rate, waiting_manual_rate
from sunusav.api.documentation import OneTimeCode, documented
from sunusav.api.permissions import AnyOf
from sunusav.api.views import ApiView
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalNotOpen,
)
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused

VIEW_RATE = "ledger.view_exchangerate"


class CurrentRate(ApiView):
    """The rate that holds now."""

    required_permissions = {"GET": VIEW_RATE}

    @documented("Read the current rate", answer=RateShape)
    def get(self, request: Request) -> Response:
        return Response(rate_answer(current_rate(self.now)))


class UpdateRate(ApiView):
    """Record a manual rate: one person proposes it, another approves it by the same call with the same rate."""

    required_permissions = {"POST": AnyOf(("ledger.propose_manual_rate", "ledger.approve_manual_rate"))}

    @documented(
        "Propose a manual rate, or approve the one another proposed",
        body=ManualRateBody,
        answer=ManualRateShape,
        statuses=(200, 202),
        problems=[
            RateOutOfBounds, ApproverIsProposer, NotAllowedToDecide, ProposalAlreadyOpen, ProposalFactsChanged,
            ProposalNotOpen, SecondFactorRefused, SecondFactorNotEnrolled,
        ],
        example={"rate": "8000000", "reason": "the sources are away"},
        parameters=[OneTimeCode],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        asked = self.body(ManualRateBody)
        waiting = waiting_manual_rate(asked["rate"])
        if waiting is None:
            proposal = propose_manual_rate(
                rate_xof_per_btc=asked["rate"], reason=asked["reason"], proposer=self.user, now=self.now
            )
            return Response(manual_rate_answer(proposal, None), status=202)
        self.require_second_factor()
        rate = approve_manual_rate(proposal=waiting, approver=self.user, now=self.now)
        return Response(manual_rate_answer(waiting, rate))


class SatsToXof(ApiView):
    """What sats are worth in francs."""

    required_permissions = {"POST": VIEW_RATE}

    @documented(
        "Convert sats to francs", body=SatsBody, answer=SatsToXofShape, example={"amount_sats": 10_000}
    )
    def post(self, request: Request) -> Response:
        return Response(sats_to_xof_answer(self.body(SatsBody)["amount_sats"], current_rate(self.now)))


class XofToSats(ApiView):
    """How many sats a price in francs is."""

    required_permissions = {"POST": VIEW_RATE}

    @documented("Convert francs to sats", body=XofBody, answer=XofToSatsShape, example={"amount_xof": 500})
    def post(self, request: Request) -> Response:
        return Response(xof_to_sats_answer(self.body(XofBody)["amount_xof"], current_rate(self.now)))
