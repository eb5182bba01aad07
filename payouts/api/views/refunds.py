from functools import partial

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.bodies import RefundBody
from payouts.api.serializers.refunds import RefundAnswer
from payouts.errors import MemberMissing, RefundMissing
from payouts.queries import refunds as queries
from payouts.services import refunds as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.serializers import ReasonBody
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.switches import OutgoingPaused
from sunusav.core.web_addresses import AddressForbidden, OnionAddressUnsupported
from transfers.errors import (
    CreditShort,
    DestinationAmountDiffers,
    DestinationKindUnsupported,
    DisbursementNotCancellable,
    NetBelowOneFranc,
    OrderStillPayable,
    PaymentReferenceUsed,
    RailUnknown,
)

VIEW, REQUEST, CANCEL = "payouts.view_refund", "payouts.request_refund", "payouts.cancel_refund"


class RefundViewSet(ApiViewSet):
    """Refunds of a member's credit."""

    lookup_url_kwarg = "refund_id"
    lookup_value_converter = "int"

    @Endpoint(
        "List a member's refunds, the newest first", operation_id="member_refunds_get", permission=VIEW,
        answer=RefundAnswer, paged=True, problems=[MemberMissing],
    )  # fmt: skip
    def list(self, request: Request, user_id: str) -> Response:
        fetch = partial(queries.refunds_page, user_id=user_id)
        return self.page(fetch, key=lambda refund: (refund.id,))

    @Endpoint(
        "Pay a member's credit out", operation_id="member_refunds_post", permission=REQUEST, body=RefundBody,
        answer=RefundAnswer, statuses=(201,),
        problems=[
            MemberMissing, CreditShort, OutgoingPaused, RailUnknown, DestinationKindUnsupported, NetBelowOneFranc,
            DestinationAmountDiffers, PaymentReferenceUsed, AddressForbidden, OnionAddressUnsupported,
        ],
        example={
            "amount_sats": 10000, "reason": "the cycle was cancelled",
            "destination": {"rail": "lightning", "kind": "lightning_address", "value": "awa@wallet.example"},
        },
    )  # fmt: skip
    def create(self, request: Request, user_id: str) -> Response:
        refund_id = services.request_refund(user_id=user_id, **self.body(), actor=self.actor, now=self.now)
        return self.answer(queries.refund(user_id, refund_id))

    @Endpoint(
        "Show a refund", operation_id="one_member_refund_get", permission=VIEW, answer=RefundAnswer,
        problems=[MemberMissing, RefundMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, user_id: str, refund_id: int) -> Response:
        return self.answer(queries.refund(user_id, refund_id))

    @Endpoint(
        "Cancel a refund that was certainly not paid", operation_id="cancel_refund_post", permission=CANCEL,
        body=ReasonBody, answer=RefundAnswer,
        problems=[MemberMissing, RefundMissing, DisbursementNotCancellable, OrderStillPayable],
        example={"reason": "the member gave another wallet"},
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, user_id: str, refund_id: int) -> Response:
        reason = self.body()["reason"]
        services.cancel_refund(
            user_id=user_id, refund_id=refund_id, reason=reason, actor=self.actor, now=self.now
        )
        return self.answer(queries.refund(user_id, refund_id))
