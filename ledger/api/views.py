"""Rates and conversions. They only inform, so the fallback rate serves here too, marked as such."""

from decimal import Decimal

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import (
    ManualRateAnswer,
    ManualRateBody,
    ProposedRate,
    RateAnswer,
    SatsBody,
    SatsToXofAnswer,
    XofBody,
    XofToSatsAnswer,
)
from ledger.calculations import sats_from_xof, shown_xof_from_sats
from ledger.errors import RateOutOfBounds
from ledger.queries import current_rate
from ledger.services import approve_manual_rate, propose_manual_rate, waiting_manual_rate
from sunusav.api.documentation import OneTimeCode
from sunusav.api.endpoints import Endpoint
from sunusav.api.permissions import AnyOf
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalNotOpen,
    RoleNeededToDecide,
    progress_of,
)
from sunusav.core.models import Proposal
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes

VIEW_RATE = "ledger.view_exchangerate"
PROPOSE_OR_APPROVE_RATE = AnyOf(("ledger.propose_manual_rate", "ledger.approve_manual_rate"))


class RateViewSet(ApiViewSet):
    """The exchange rate."""

    @Endpoint(
        "Read the current rate", operation_id="current_rate_get", permission=VIEW_RATE, answer=RateAnswer
    )
    @action(detail=False)
    def current(self, request: Request) -> Response:
        return self.answer(current_rate(self.now))

    @Endpoint(
        "Propose a manual rate, or approve the one another proposed",
        operation_id="update_rate_post",
        permission=PROPOSE_OR_APPROVE_RATE,
        body=ManualRateBody,
        answer=ManualRateAnswer,
        statuses=(200, 202),
        problems=[
            RateOutOfBounds, ApproverIsProposer, NotAllowedToDecide, RoleNeededToDecide, ProposalAlreadyOpen,
            ProposalFactsChanged, ProposalNotOpen, SecondFactorRefused, SecondFactorNotEnrolled, TooManyWrongCodes,
        ],
        example={"rate": "8000000", "reason": "the sources are unavailable"},
        parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=False, methods=["post"], url_path="update")
    def propose_or_approve(self, request: Request) -> Response:
        """Record a manual rate: one person proposes it, another approves it by the same call with the same rate."""
        body = self.body()
        waiting = waiting_manual_rate(body["rate"])
        if waiting is None:
            proposal = propose_manual_rate(
                rate_xof_per_btc=body["rate"], reason=body["reason"], proposer=self.user, now=self.now
            )
            return self._answer_open(proposal)
        self.require_second_factor()
        rate = approve_manual_rate(proposal=waiting, approver=self.user, now=self.now)
        if rate is None:
            return self._answer_open(waiting)
        count = progress_of(waiting, now=self.now)
        return self.answer(rate, proposal=waiting, progress=count, state="approved")

    def _answer_open(self, proposal: Proposal) -> Response:
        proposed = ProposedRate(Decimal(proposal.facts["rate_xof_per_btc"]))
        count = progress_of(proposal, now=self.now)
        return self.answer(proposed, proposal=proposal, progress=count, state="open", status=202)


class ConversionViewSet(ApiViewSet):
    """Conversions at the current rate."""

    @Endpoint(
        "Convert sats to francs",
        operation_id="sats_to_xof_post",
        permission=VIEW_RATE,
        body=SatsBody,
        answer=SatsToXofAnswer,
        example={"amount_sats": 10_000},
    )
    @action(detail=False, methods=["post"], url_path="sats-to-xof")
    def sats_to_xof(self, request: Request) -> Response:
        amount_sats, rate = self.body()["amount_sats"], current_rate(self.now)
        amount_xof = shown_xof_from_sats(amount_sats, rate_xof_per_btc=rate.rate_xof_per_btc)
        return self.answer(rate, amount_sats=amount_sats, amount_xof=amount_xof)

    @Endpoint(
        "Convert francs to sats",
        operation_id="xof_to_sats_post",
        permission=VIEW_RATE,
        body=XofBody,
        answer=XofToSatsAnswer,
        example={"amount_xof": 500},
    )
    @action(detail=False, methods=["post"], url_path="xof-to-sats")
    def xof_to_sats(self, request: Request) -> Response:
        amount_xof, rate = self.body()["amount_xof"], current_rate(self.now)
        amount_sats = sats_from_xof(amount_xof, rate_xof_per_btc=rate.rate_xof_per_btc)
        return self.answer(rate, amount_xof=amount_xof, amount_sats=amount_sats)
