from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fees import queries
from fees.api.serializers import ProjectionAnswer, ProjectionBody, QuoteAnswer, QuoteBody, TiersAnswer
from fees.errors import FeeOverrideAboveCap, FeeOverrideNotAllowed, RatiosExceedOne
from sunusav.api.endpoints import Endpoint
from sunusav.api.permissions import PUBLIC
from sunusav.api.viewsets import ApiViewSet

OVERRIDE_FEE = "fees.override_fee"


class FeeViewSet(ApiViewSet):
    """Fees under the schedule in effect."""

    @Endpoint(
        "Quote the fee of a payout",
        operation_id="calculate_fee_post",
        permission=PUBLIC,
        body=QuoteBody,
        answer=QuoteAnswer,
        problems=[FeeOverrideAboveCap, FeeOverrideNotAllowed],
        example={"payout_sats": 100_000, "group_verified": True, "user_recurring": False},
    )
    @action(detail=False, methods=["post"])
    def calculate(self, request: Request) -> Response:
        """Quote a payout by the discounts that the client claims. Only finance may override the base rate."""
        body = self.body()
        override_ppm = body["fee_percent_override"]
        if override_ppm is not None and not request.user.has_perm(OVERRIDE_FEE):
            raise FeeOverrideNotAllowed(permission=OVERRIDE_FEE)
        quote = queries.quote(
            body["payout_sats"],
            group_verified=body["group_verified"],
            user_recurring=body["user_recurring"],
            override_ppm=override_ppm,
            at=self.now,
        )
        return self.answer(quote)

    @Endpoint("List the fee tiers", operation_id="fee_tiers_get", permission=PUBLIC, answer=TiersAnswer)
    @action(detail=False)
    def tiers(self, request: Request) -> Response:
        return self.answer(queries.tiers(self.now))

    @Endpoint(
        "Project a year's revenue",
        operation_id="project_annual_revenue_post",
        permission="fees.project_revenue",
        body=ProjectionBody,
        answer=ProjectionAnswer,
        problems=[RatiosExceedOne],
        example={"groups_count": 10},
    )
    @action(detail=False, methods=["post"], url_path="project-annual-revenue")
    def project_annual_revenue(self, request: Request) -> Response:
        return self.answer(queries.projection(self.now, **self.body()))
