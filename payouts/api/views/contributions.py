from functools import partial

from django.http import HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.errors import RateNotFresh
from payouts.api.serializers.answers import ContributionAnswer
from payouts.api.serializers.bodies import ContributionBody
from payouts.errors import (
    ContributionMissed,
    ContributionMissing,
    ContributionNotOfCycle,
    ContributionNotRequested,
    ContributionRequestedByOtherMethod,
    ContributionSettled,
    CycleMissing,
)
from payouts.queries import cycles as queries
from payouts.services import contributions as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.serializers import ReasonBody
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.qr import qr_svg
from transfers.errors import (
    CollectionAnsweredElsewhere,
    CollectionNotCancellable,
    CollectorCredentialsRefused,
    CollectorNeedsPhone,
    CollectorSwitchedOff,
    CollectorTakesNoPhone,
    CollectorUnavailable,
    CollectorUnknown,
)

VIEW, OPEN = "payouts.view_contribution", "payouts.open_contribution"
SVG = "image/svg+xml"


class ContributionViewSet(ApiViewSet):
    """The contributions to a cycle."""

    lookup_url_kwarg = "contribution_id"
    lookup_value_converter = "int"

    @Endpoint(
        "List a cycle's contributions", operation_id="cycle_contributions_get", permission=VIEW,
        answer=ContributionAnswer, paged=True, problems=[CycleMissing],
    )  # fmt: skip
    def list(self, request: Request, cycle_id: str) -> Response:
        fetch = partial(queries.contributions_page, cycle_id=cycle_id)
        return self.page(fetch, key=lambda contribution: (contribution.id,))

    @Endpoint(
        "Request a member's contribution", operation_id="cycle_contributions_post", permission=OPEN,
        body=ContributionBody, answer=ContributionAnswer, statuses=(201,),
        problems=[
            CycleMissing, ContributionMissing, ContributionSettled, ContributionMissed,
            ContributionRequestedByOtherMethod,
            CollectorUnknown, CollectorTakesNoPhone, CollectorNeedsPhone, RateNotFresh, CollectorUnavailable,
            CollectorSwitchedOff, CollectorCredentialsRefused,
        ],
        example={"user_id": "user-123", "method": "lightning"},
    )  # fmt: skip
    def create(self, request: Request, cycle_id: str) -> Response:
        body = self.body()
        requested = services.open_contribution(
            cycle_id=cycle_id,
            user_id=body["user_id"],
            method=body["method"],
            phone=body.get("phone", ""),
            use_credit=body["use_credit"],
            actor=self.actor,
            now=self.now,
        )
        return self.answer(requested)

    @Endpoint(
        "Cancel the request for a contribution, unless it was paid", operation_id="cancel_contribution_post",
        permission=OPEN, body=ReasonBody, answer=ContributionAnswer,
        problems=[
            CycleMissing, ContributionNotOfCycle, ContributionNotRequested, ContributionSettled,
            CollectionNotCancellable, CollectionAnsweredElsewhere, CollectorUnavailable,
            CollectorCredentialsRefused,
        ],
        example={"reason": "the member pays by another method"},
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, cycle_id: str, contribution_id: int) -> Response:
        cancelled = services.cancel_contribution(
            cycle_id=cycle_id,
            contribution_id=contribution_id,
            reason=self.body()["reason"],
            actor=self.actor,
            now=self.now,
        )
        return self.answer(cancelled)

    @Endpoint(
        "Show the open invoice of a contribution as a QR code", operation_id="contribution_qr_get",
        permission=VIEW, media_type=SVG,
        problems=[CycleMissing, ContributionNotOfCycle, ContributionNotRequested],
    )  # fmt: skip
    @action(detail=True)
    def qr(self, request: Request, cycle_id: str, contribution_id: int) -> HttpResponse:
        invoice = queries.open_invoice_of(cycle_id, contribution_id, at=self.now)
        return HttpResponse(qr_svg(f"lightning:{invoice}", ignores_case=True), content_type=SVG)
