"""The fee endpoints."""

from rest_framework.request import Request
from rest_framework.response import Response

from fees import queries
from fees.api.serializers import (
    ProjectionBody,
    ProjectionShape,
    QuoteBody,
    QuoteShape,
    TiersShape,
    projection_answer,
    quote_answer,
    tiers_answer,
)
from fees.errors import FeeOverrideAboveCap, FeeOverrideNotAllowed, RatiosExceedOne
from sunusav.api.documentation import documented
from sunusav.api.views import ApiView

OVERRIDE_FEE = "fees.override_fee"


class CalculateFee(ApiView):
    """Quote a payout by what is claimed about it. Anybody may ask; finance may override the base rate."""

    public = True

    @documented(
        "Quote the fee of a payout",
        body=QuoteBody,
        answer=QuoteShape,
        problems=[FeeOverrideAboveCap, FeeOverrideNotAllowed],
        example={"payout_sats": 100_000, "group_verified": True, "user_recurring": False},
    )
    def post(self, request: Request) -> Response:
        asked = self.body(QuoteBody)
        override_ppm = asked["fee_percent_override"]
        if override_ppm is not None and not request.user.has_perm(OVERRIDE_FEE):
            raise FeeOverrideNotAllowed(permission=OVERRIDE_FEE)
        quote = queries.quote(
            asked["payout_sats"],
            group_verified=asked["group_verified"],
            user_recurring=asked["user_recurring"],
            override_ppm=override_ppm,
            at=self.now,
        )
        return Response(quote_answer(quote))


class FeeTiers(ApiView):
    """What each kind of customer pays."""

    public = True

    @documented("List the fee tiers", answer=TiersShape)
    def get(self, request: Request) -> Response:
        return Response(tiers_answer(queries.tiers(self.now)))


class ProjectAnnualRevenue(ApiView):
    """What a year would bring under the schedule in effect."""

    required_permissions = {"POST": "fees.project_revenue"}

    @documented(
        "Project a year's revenue",
        body=ProjectionBody,
        answer=ProjectionShape,
        problems=[RatiosExceedOne],
        example={"groups_count": 10},
    )
    def post(self, request: Request) -> Response:
        return Response(projection_answer(queries.projection(self.now, **self.body(ProjectionBody))))
