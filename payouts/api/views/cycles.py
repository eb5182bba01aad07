from functools import partial

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.answers import (
    ContributionShape,
    CycleShape,
    CycleWithNetShape,
    contribution_answer,
    cycle_answer,
)
from payouts.api.serializers.bodies import ContributionBody, CycleBody, CyclesQuery, DestinationBody
from payouts.errors import (
    ContributionAskedOtherwise,
    ContributionMissing,
    ContributionNotAskedFor,
    ContributionNotOfCycle,
    ContributionSettled,
    CycleAlreadyPaid,
    CycleExists,
    CycleIndexTaken,
    CycleMissing,
    DestinationLocked,
    GroupMissing,
    GroupWithoutMembers,
    PotAboveAllBitcoin,
    WinnerNotMember,
)
from payouts.queries import cycles as queries
from payouts.services import cycles as services
from sunusav.api.documentation import documented
from sunusav.api.pagination import paged_by
from sunusav.api.serializers import ReasonBody
from sunusav.api.views import ApiView
from sunusav.core.qr import lightning_qr_svg
from sunusav.core.web_addresses import AddressForbidden, OnionAddressUnsupported
from transfers.errors import (
    CollectionAnsweredElsewhere,
    CollectionNotCancellable,
    CollectorUnavailable,
    CollectorUnknown,
    DestinationAmountDiffers,
    DestinationKindUnsupported,
    PaymentReferenceUsed,
    RailUnknown,
)

VIEW, CREATE, SET_DESTINATION = "payouts.view_cycle", "payouts.create_cycle", "payouts.set_destination"
VIEW_CONTRIBUTION, OPEN_CONTRIBUTION = "payouts.view_contribution", "payouts.open_contribution"
SVG = "image/svg+xml"
CYCLE_EXAMPLE = {
    "id": "cycle-8", "group_id": "group-7", "cycle_index": 8, "contribution_sats": 10000,
    "winner_user_id": "user-123",
}  # fmt: skip


class Cycles(ApiView):
    """Cycles."""

    required_permissions = {"GET": VIEW, "POST": CREATE}

    @documented("List cycles", query=CyclesQuery, answer=CycleShape, paged=True)
    def get(self, request: Request) -> Response:
        fetch = partial(queries.cycles_page, **self.query(CyclesQuery))
        return Response(paged_by(request, fetch, key=lambda cycle: (cycle.id,), serialize=cycle_answer))

    @documented(
        "Begin a cycle: every member of now owes one contribution", body=CycleBody, answer=CycleShape,
        statuses=(201,), example=CYCLE_EXAMPLE,
        problems=[
            GroupMissing, GroupWithoutMembers, WinnerNotMember, PotAboveAllBitcoin, CycleExists, CycleIndexTaken
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        given = self.body(CycleBody)
        cycle_id = given.pop("id")
        services.create_cycle(cycle_id=cycle_id, **given, actor=self.actor, now=self.now)
        return Response(cycle_answer(queries.cycle(cycle_id)), status=201)


class OneCycle(ApiView):
    """One cycle."""

    required_permissions = {"GET": VIEW}

    @documented("Show a cycle", answer=CycleWithNetShape, problems=[CycleMissing])
    def get(self, request: Request, cycle_id: str) -> Response:
        cycle = cycle_answer(queries.cycle(cycle_id))
        return Response({**cycle, "expected_net_sats": queries.expected_net_sats(cycle_id, at=self.now)})


class CycleDestination(ApiView):
    """Where a cycle's winner is paid."""

    required_permissions = {"PUT": SET_DESTINATION}

    @documented(
        "Say where the winner is paid", body=DestinationBody, answer=CycleShape,
        problems=[
            CycleMissing, CycleAlreadyPaid, DestinationLocked, RailUnknown, DestinationKindUnsupported,
            DestinationAmountDiffers, PaymentReferenceUsed, AddressForbidden, OnionAddressUnsupported,
        ],
        example={"rail": "lightning", "kind": "bolt11", "value": "lnbcrt995u1p…"},
    )  # fmt: skip
    def put(self, request: Request, cycle_id: str) -> Response:
        given = self.body(DestinationBody)
        services.set_destination(cycle_id=cycle_id, **given, actor=self.actor, now=self.now)
        return Response(cycle_answer(queries.cycle(cycle_id)))


class CycleContributions(ApiView):
    """The contributions to a cycle."""

    required_permissions = {"GET": VIEW_CONTRIBUTION, "POST": OPEN_CONTRIBUTION}

    @documented("List a cycle's contributions", answer=ContributionShape, paged=True, problems=[CycleMissing])
    def get(self, request: Request, cycle_id: str) -> Response:
        fetch = partial(queries.contributions_page, cycle_id=cycle_id)
        return Response(paged_by(request, fetch, key=lambda owed: (owed.id,), serialize=contribution_answer))

    @documented(
        "Ask a member for their contribution", body=ContributionBody, answer=ContributionShape,
        statuses=(201,), example={"user_id": "user-123", "method": "lightning"},
        problems=[
            CycleMissing, ContributionMissing, ContributionSettled, ContributionAskedOtherwise, CollectorUnknown,
            CollectorUnavailable,
        ],
    )  # fmt: skip
    def post(self, request: Request, cycle_id: str) -> Response:
        given = self.body(ContributionBody)
        asked = services.open_contribution(
            cycle_id=cycle_id,
            user_id=given["user_id"],
            method=given["method"],
            actor=self.actor,
            now=self.now,
        )
        return Response(contribution_answer(asked), status=201)


class CancelContribution(ApiView):
    """Taking back what a member was asked for."""

    required_permissions = {"POST": OPEN_CONTRIBUTION}

    @documented(
        "Take back the request for a contribution, unless it was paid", body=ReasonBody, answer=ContributionShape,
        problems=[
            CycleMissing, ContributionNotOfCycle, ContributionNotAskedFor, ContributionSettled,
            CollectionNotCancellable, CollectionAnsweredElsewhere, CollectorUnavailable,
        ],
        example={"reason": "the member pays by another method"},
    )  # fmt: skip
    def post(self, request: Request, cycle_id: str, contribution_id: int) -> Response:
        cancelled = services.cancel_contribution(
            cycle_id=cycle_id,
            contribution_id=contribution_id,
            reason=self.body(ReasonBody)["reason"],
            actor=self.actor,
            now=self.now,
        )
        return Response(contribution_answer(cancelled))


class ContributionQr(ApiView):
    """A contribution's open invoice, to scan."""

    required_permissions = {"GET": VIEW_CONTRIBUTION}
    also_accepted = ("image/svg+xml", "image/*")

    @documented(
        "Show the open invoice of a contribution as a QR code", media=SVG,
        problems=[CycleMissing, ContributionNotOfCycle, ContributionNotAskedFor],
    )  # fmt: skip
    def get(self, request: Request, cycle_id: str, contribution_id: int) -> HttpResponse:
        invoice = queries.open_invoice_of(cycle_id, contribution_id, at=self.now)
        return HttpResponse(lightning_qr_svg(invoice), content_type=SVG)
