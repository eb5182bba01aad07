from functools import partial

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fees.errors import NetNotPositive
from payouts.api.serializers.answers import CycleAnswer, CycleWithNetAnswer
from payouts.api.serializers.bodies import CycleBody, CyclesQuery, DestinationBody, WinnerBody
from payouts.errors import (
    CycleAlreadyPaid,
    CycleCancelled,
    CycleExists,
    CycleIndexTaken,
    CycleMissing,
    CycleNotCollecting,
    DestinationLocked,
    GroupMissing,
    GroupWithoutMembers,
    PayoutFailed,
    PayoutNeedsReview,
    PayoutReversed,
    PayoutScheduledAlready,
    PayoutUnderWay,
    PotExceedsBitcoinSupply,
    SecondChoiceSame,
    WinnerNotMember,
)
from payouts.queries import cycles as queries
from payouts.services import cycles as services
from payouts.services.endings import cancel_cycle, close_cycle_short
from payouts.services.winners import exchange_winner
from sunusav.api.endpoints import Endpoint
from sunusav.api.serializers import ReasonBody
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

HAS_PAYOUT = [
    CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed, PayoutScheduledAlready, PayoutUnderWay,
]  # fmt: skip
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
            CycleMissing, CycleCancelled, CycleAlreadyPaid, DestinationLocked, DestinationApproved, SecondChoiceSame,
            RailUnknown,
            DestinationKindUnsupported, NetBelowOneFranc, DestinationAmountDiffers, PaymentReferenceUsed,
            AddressForbidden, OnionAddressUnsupported,
        ],
        example={"rail": "lightning", "kind": "bolt11", "value": "lnbcrt995u1p…"},
    )  # fmt: skip
    @action(detail=True, methods=["put"])
    def destination(self, request: Request, cycle_id: str) -> Response:
        services.set_destination(cycle_id=cycle_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))

    @Endpoint(
        "Cancel a cycle: what was paid becomes its members' credit", operation_id="cancel_cycle_post",
        permission="payouts.cancel_cycle", body=ReasonBody, answer=CycleAnswer,
        problems=[CycleMissing, CycleCancelled, *HAS_PAYOUT],
        example={"reason": "the group has dissolved"},
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, cycle_id: str) -> Response:
        cancel_cycle(cycle_id=cycle_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))

    @Endpoint(
        "Close a cycle short: ready with what is settled", operation_id="close_cycle_short_post",
        permission="payouts.close_cycle_short", body=ReasonBody, answer=CycleAnswer,
        problems=[CycleMissing, CycleCancelled, CycleNotCollecting, NetNotPositive],
        example={"reason": "one member cannot pay this month"},
    )  # fmt: skip
    @action(detail=True, methods=["post"], url_path="close-short")
    def close_short(self, request: Request, cycle_id: str) -> Response:
        close_cycle_short(cycle_id=cycle_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))

    @Endpoint(
        "Give the turn to another member of the cycle", operation_id="cycle_winner_put",
        permission="payouts.exchange_winner", body=WinnerBody, answer=CycleAnswer,
        problems=[CycleMissing, CycleCancelled, WinnerNotMember, *HAS_PAYOUT],
        example={"winner_user_id": "user-124", "reason": "both members agreed to exchange their turns"},
    )  # fmt: skip
    @action(detail=True, methods=["put"])
    def winner(self, request: Request, cycle_id: str) -> Response:
        exchange_winner(cycle_id=cycle_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.cycle(cycle_id))
