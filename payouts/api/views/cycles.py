from functools import partial

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.answers import CycleAnswer, CycleWithNetAnswer
from payouts.api.serializers.bodies import CycleBody, CyclesQuery, DestinationBody
from payouts.errors import (
    CycleAlreadyPaid,
    CycleExists,
    CycleIndexTaken,
    CycleMissing,
    DestinationLocked,
    GroupMissing,
    GroupWithoutMembers,
    PotExceedsBitcoinSupply,
    SecondChoiceSame,
    WinnerNotMember,
)
from payouts.queries import cycles as queries
from payouts.services import cycles as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.web_addresses import AddressForbidden, OnionAddressUnsupported
from transfers.errors import (
    DestinationAmountDiffers,
    DestinationApproved,
    DestinationKindUnsupported,
    NetBelowOneFranc,
    PaymentReferenceUsed,
    RailUnknown,
)

VIEW, CREATE, SET_DESTINATION = "payouts.view_cycle", "payouts.create_cycle", "payouts.set_destination"


class CycleViewSet(ApiViewSet):
    """Cycles."""

    lookup_url_kwarg = "cycle_id"

    @Endpoint(
        "List cycles", operation_id="cycles_get", permission=VIEW, query=CyclesQuery, answer=CycleAnswer,
        paged=True,
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        fetch = partial(queries.cycles_page, **self.query())
        return self.page(fetch, key=lambda cycle: (cycle.id,))

    @Endpoint(
        "Begin a cycle: every present member owes one contribution", operation_id="cycles_post",
        permission=CREATE, body=CycleBody, answer=CycleAnswer, statuses=(201,),
        problems=[
            GroupMissing, GroupWithoutMembers, WinnerNotMember, PotExceedsBitcoinSupply, CycleExists, CycleIndexTaken
        ],
        example={
            "id": "cycle-8", "group_id": "group-7", "cycle_index": 8, "contribution_sats": 10000,
            "winner_user_id": "user-123",
        },
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        body = self.body()
        cycle_id = body.pop("id")
        services.create_cycle(cycle_id=cycle_id, **body, actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))

    @Endpoint(
        "Show a cycle", operation_id="one_cycle_get", permission=VIEW, answer=CycleWithNetAnswer,
        problems=[CycleMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, cycle_id: str) -> Response:
        expected_net_sats = queries.expected_net_sats(cycle_id, at=self.now)
        return self.answer(queries.cycle(cycle_id), expected_net_sats=expected_net_sats)

    @Endpoint(
        "Set where the winner is paid", operation_id="cycle_destination_put", permission=SET_DESTINATION,
        body=DestinationBody, answer=CycleAnswer,
        problems=[
            CycleMissing, CycleAlreadyPaid, DestinationLocked, DestinationApproved, SecondChoiceSame, RailUnknown,
            DestinationKindUnsupported, NetBelowOneFranc, DestinationAmountDiffers, PaymentReferenceUsed,
            AddressForbidden, OnionAddressUnsupported,
        ],
        example={"rail": "lightning", "kind": "bolt11", "value": "lnbcrt995u1p…"},
    )  # fmt: skip
    @action(detail=True, methods=["put"])
    def destination(self, request: Request, cycle_id: str) -> Response:
        services.set_destination(cycle_id=cycle_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))
