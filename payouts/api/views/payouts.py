from functools import partial

from rest_framework.request import Request
from rest_framework.response import Response

from fees.errors import NetNotPositive
from payouts.api.serializers.answers import (
    PayoutShape,
    PayoutStatusShape,
    PayoutWithSplitShape,
    ProcessShape,
    ReceiptShape,
    ScheduleShape,
    payout_answer,
    payout_status_answer,
    payout_with_split_answer,
    process_answer,
    receipt_answer,
    schedule_answer,
)
from payouts.api.serializers.bodies import PayoutsQuery, ProcessBody, ScheduleBody
from payouts.api.waiting import wait_for_outcome
from payouts.errors import (
    ClaimContradictsRecords,
    CycleAlreadyPaid,
    CycleMissing,
    CycleNotReady,
    DestinationMissing,
    PayoutCancelled,
    PayoutFailed,
    PayoutMissing,
    PayoutNeedsReview,
    PayoutNotCompleted,
    PayoutReversed,
    PayoutScheduledAlready,
    PayoutUnderWay,
)
from payouts.queries import payouts as queries
from payouts.receipts import receipt_of
from payouts.services import payouts as services
from sunusav.api.documentation import documented
from sunusav.api.pagination import paged_by
from sunusav.api.serializers import ReasonBody
from sunusav.api.views import ApiView
from sunusav.core.switches import OutgoingPaused
from transfers.enums import DisbursementState
from transfers.errors import DisbursementNotCancellable, DisbursementNotRetryable, PaymentReferenceUsed

VIEW, REQUEST, SCHEDULE = "payouts.view_payout", "payouts.request_payout", "payouts.schedule_payout"
RETRY, CANCEL = "payouts.retry_payout", "payouts.cancel_payout"
ENDED = [CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed]
NOT_PAYABLE = [
    CycleMissing,
    CycleNotReady,
    DestinationMissing,
    OutgoingPaused,
    PaymentReferenceUsed,
    NetNotPositive,
]


class ProcessPayout(ApiView):
    """Having a cycle paid out now."""

    required_permissions = {"POST": REQUEST}

    @documented(
        "Pay a ready cycle's winner", body=ProcessBody, answer=ProcessShape, statuses=(200, 202),
        problems=[*NOT_PAYABLE, *ENDED, PayoutCancelled, ClaimContradictsRecords],
        example={"cycle_id": "cycle-123", "group_verified": True, "user_recurring": False},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Answer 200 when the winner was paid while we waited, 409 when that failed, else 202.

        After a 202 the same call again tells how it went.
        """
        payout_id = services.request_payout(**self.body(ProcessBody), actor=self.actor, now=self.now)
        wait_for_outcome(payout_id)
        payout = queries.payout(payout_id)
        services.require_going_well(payout)
        status = 200 if payout.status == DisbursementState.COMPLETED else 202
        return Response(process_answer(payout, queries.fee_of(payout)), status=status)


class SchedulePayout(ApiView):
    """Having a cycle paid out later."""

    required_permissions = {"POST": SCHEDULE}

    @documented(
        "Schedule a ready cycle's payout", body=ScheduleBody, answer=ScheduleShape, statuses=(202,),
        problems=[*NOT_PAYABLE, *ENDED, PayoutScheduledAlready, PayoutUnderWay],
        example={"cycle_id": "cycle-123", "scheduled_at": "2026-02-02T09:00:00Z"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        given = self.body(ScheduleBody)
        payout_id = services.schedule_payout(
            cycle_id=given["cycle_id"], scheduled_at=given.get("scheduled_at"), actor=self.actor, now=self.now
        )
        return Response(schedule_answer(queries.payout(payout_id)), status=202)


class CyclePayoutStatus(ApiView):
    """How a cycle's payout stands."""

    required_permissions = {"GET": VIEW}

    @documented("Show how a cycle's payout stands", answer=PayoutStatusShape, problems=[CycleMissing])
    def get(self, request: Request, cycle_id: str) -> Response:
        return Response(payout_status_answer(queries.payout_of(cycle_id)))


class Payouts(ApiView):
    """Payouts."""

    required_permissions = {"GET": VIEW}

    @documented("List payouts, the newest first", query=PayoutsQuery, answer=PayoutShape, paged=True)
    def get(self, request: Request) -> Response:
        fetch = partial(queries.payouts_page, **self.query(PayoutsQuery))
        return Response(paged_by(request, fetch, key=lambda payout: (payout.id,), serialize=payout_answer))


class OnePayout(ApiView):
    """One payout."""

    required_permissions = {"GET": VIEW}

    @documented("Show a payout with its split", answer=PayoutWithSplitShape, problems=[PayoutMissing])
    def get(self, request: Request, payout_id: int) -> Response:
        payout = queries.payout(payout_id)
        return Response(payout_with_split_answer(payout, queries.fee_of(payout)))


class RetryPayout(ApiView):
    """Trying a failed payout again."""

    required_permissions = {"POST": RETRY}

    @documented(
        "Retry a failed payout, as the same payout", body=ReasonBody, answer=PayoutWithSplitShape, statuses=(202,),
        problems=[PayoutMissing, PayoutNeedsReview, OutgoingPaused, DisbursementNotRetryable, PaymentReferenceUsed],
        example={"reason": "the winner gave a new invoice"},
    )  # fmt: skip
    def post(self, request: Request, payout_id: int) -> Response:
        reason = self.body(ReasonBody)["reason"]
        services.retry_payout(payout_id=payout_id, user=self.user, reason=reason, now=self.now)
        payout = queries.payout(payout_id)
        return Response(payout_with_split_answer(payout, queries.fee_of(payout)), status=202)


class CancelPayout(ApiView):
    """Calling a payout off."""

    required_permissions = {"POST": CANCEL}

    @documented(
        "Cancel a payout that was certainly not paid", body=ReasonBody, answer=PayoutWithSplitShape,
        problems=[PayoutMissing, PayoutNeedsReview, DisbursementNotCancellable],
        example={"reason": "the group asked for it"},
    )  # fmt: skip
    def post(self, request: Request, payout_id: int) -> Response:
        reason = self.body(ReasonBody)["reason"]
        services.cancel_payout(payout_id=payout_id, user=self.user, reason=reason, now=self.now)
        payout = queries.payout(payout_id)
        return Response(payout_with_split_answer(payout, queries.fee_of(payout)))


class PayoutReceipt(ApiView):
    """The receipt of a payout."""

    required_permissions = {"GET": VIEW}

    @documented(
        "Show the receipt of a completed payout", answer=ReceiptShape,
        problems=[PayoutMissing, PayoutNotCompleted],
    )  # fmt: skip
    def get(self, request: Request, payout_id: int) -> Response:
        return Response(receipt_answer(receipt_of(payout_id)))
