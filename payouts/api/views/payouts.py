from functools import partial
from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fees.errors import NetNotPositive
from payouts.api.serializers.answers import (
    PayoutAnswer,
    PayoutStatusAnswer,
    PayoutWithSplitAnswer,
    ProcessAnswer,
    ReceiptAnswer,
    ScheduleAnswer,
)
from payouts.api.serializers.bodies import PayoutsQuery, ProcessBody, ScheduleBody
from payouts.api.serializers.reversals import ReverseAnswer, ReverseBody
from payouts.api.waiting import wait_for_outcome
from payouts.errors import (
    ClaimContradictsRecords,
    CycleAlreadyPaid,
    CycleCancelled,
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
from sunusav.api.documentation import OneTimeCode
from sunusav.api.endpoints import Endpoint
from sunusav.api.permissions import AnyOf
from sunusav.api.serializers import ReasonBody
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalMissing,
    RoleNeededToDecide,
    progress_of,
)
from sunusav.core.models import Proposal, ProposalState
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes
from sunusav.core.switches import OutgoingPaused
from transfers.enums import DisbursementState, ReturnKind
from transfers.errors import (
    DisbursementNotCancellable,
    DisbursementNotRetryable,
    DisbursementNotReversible,
    OrderStillPayable,
    PaymentReferenceUsed,
    ReturnDateOutOfRange,
    ReturnReferenceBooked,
    ReturnReferenceClaimed,
    ReturnReferenceMalformed,
    ReturnReferenceUsed,
    ReturnRequested,
    ReturnUnproven,
)

VIEW, REQUEST, SCHEDULE = "payouts.view_payout", "payouts.request_payout", "payouts.schedule_payout"
RETRY, CANCEL = "payouts.retry_payout", "payouts.cancel_payout"
PROPOSE_OR_APPROVE_REVERSAL = AnyOf(("transfers.propose_reversal", "transfers.approve_reversal"))
ENDED = [CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed]
NOT_PAYABLE = [
    CycleMissing,
    CycleCancelled,
    CycleNotReady,
    DestinationMissing,
    OutgoingPaused,
    PaymentReferenceUsed,
    NetNotPositive,
]


class PayoutViewSet(ApiViewSet):
    """Payouts of cycles."""

    lookup_url_kwarg = "payout_id"
    lookup_value_converter = "int"

    @Endpoint(
        "List payouts, the newest first", operation_id="payouts_get", permission=VIEW, query=PayoutsQuery,
        answer=PayoutAnswer, paged=True,
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        fetch = partial(queries.payouts_page, **self.query())
        return self.page(fetch, key=lambda payout: (payout.id,))

    @Endpoint(
        "Show a payout with its split", operation_id="one_payout_get", permission=VIEW,
        answer=PayoutWithSplitAnswer, problems=[PayoutMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, payout_id: int) -> Response:
        return self._answer_with_fee(payout_id)

    @Endpoint(
        "Pay a ready cycle's winner", operation_id="process_payout_post", permission=REQUEST,
        body=ProcessBody, answer=ProcessAnswer, statuses=(200, 202),
        problems=[*NOT_PAYABLE, *ENDED, PayoutCancelled, ClaimContradictsRecords],
        example={"cycle_id": "cycle-123", "group_verified": True, "user_recurring": False},
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def process(self, request: Request) -> Response:
        """Answer 200 when the winner was paid within a few seconds, 409 when that failed, else 202.

        After a 202 the same call returns the outcome.
        """
        payout_id = services.request_payout(**self.body(), actor=self.actor, now=self.now)
        wait_for_outcome(payout_id)
        payout = queries.payout(payout_id)
        services.require_going_well(payout)
        status = 200 if payout.status == DisbursementState.COMPLETED else 202
        return self.answer(payout, fee=queries.fee_of(payout), status=status)

    @Endpoint(
        "Schedule a ready cycle's payout", operation_id="schedule_payout_post", permission=SCHEDULE,
        body=ScheduleBody, answer=ScheduleAnswer, statuses=(202,),
        problems=[*NOT_PAYABLE, *ENDED, PayoutScheduledAlready, PayoutUnderWay],
        example={"cycle_id": "cycle-123", "scheduled_at": "2026-02-02T09:00:00Z"},
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def schedule(self, request: Request) -> Response:
        body = self.body()
        payout_id = services.schedule_payout(
            cycle_id=body["cycle_id"], scheduled_at=body.get("scheduled_at"), actor=self.actor, now=self.now
        )
        return self.answer(queries.payout(payout_id))

    @Endpoint(
        "Show the status of a cycle's payout", operation_id="cycle_payout_status_get", permission=VIEW,
        answer=PayoutStatusAnswer, problems=[CycleMissing],
    )  # fmt: skip
    @action(detail=False, url_path="status/<str:cycle_id>")
    def status(self, request: Request, cycle_id: str) -> Response:
        return self.answer(queries.payout_of(cycle_id))

    @Endpoint(
        "Retry a failed payout, as the same payout", operation_id="retry_payout_post", permission=RETRY,
        body=ReasonBody, answer=PayoutWithSplitAnswer, statuses=(202,),
        problems=[
            PayoutMissing, PayoutNeedsReview, OutgoingPaused, DisbursementNotRetryable, PaymentReferenceUsed,
            SecondFactorRefused, SecondFactorNotEnrolled, TooManyWrongCodes,
        ],
        example={"reason": "the winner gave a new invoice"},
        parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, payout_id: int) -> Response:
        reason = self.body()["reason"]
        self.require_second_factor_of_people()
        services.retry_payout(payout_id=payout_id, user=self.user, reason=reason, now=self.now)
        return self._answer_with_fee(payout_id)

    @Endpoint(
        "Cancel a payout that was certainly not paid", operation_id="cancel_payout_post", permission=CANCEL,
        body=ReasonBody, answer=PayoutWithSplitAnswer,
        problems=[PayoutMissing, PayoutNeedsReview, DisbursementNotCancellable, OrderStillPayable],
        example={"reason": "the group requested it"},
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, payout_id: int) -> Response:
        reason = self.body()["reason"]
        services.cancel_payout(payout_id=payout_id, user=self.user, reason=reason, now=self.now)
        return self._answer_with_fee(payout_id)

    @Endpoint(
        "Propose to reverse a payout whose money came back, or approve what another proposed",
        operation_id="reverse_payout_post", permission=PROPOSE_OR_APPROVE_REVERSAL, body=ReverseBody,
        answer=ReverseAnswer, statuses=(200, 202),
        problems=[
            PayoutMissing, DisbursementNotReversible, ReturnUnproven, ReturnReferenceUsed, ReturnReferenceBooked,
            ReturnRequested, ReturnReferenceClaimed, ReturnReferenceMalformed, ReturnDateOutOfRange,
            ProposalMissing, ProposalAlreadyOpen, ApproverIsProposer, NotAllowedToDecide, RoleNeededToDecide,
            ProposalFactsChanged, SecondFactorRefused, SecondFactorNotEnrolled, TooManyWrongCodes,
        ],
        example={
            "kind": "bank_line", "reference": "BICIS-2026-03-05-17", "returned_on": "2026-03-05",
            "reason": "the bank returned it",
        },
        parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def reverse(self, request: Request, payout_id: int) -> Response:
        """Answer 202 with the proposal, and 200 when enough others have approved it: the payout is reversed."""
        body = self.body()
        if "proposal_id" in body:
            self.require_second_factor()
            proposal = services.approve_payout_reversal(
                payout_id=payout_id, user=self.user, now=self.now, **body
            )
            is_approved = proposal.state == ProposalState.APPROVED
            return self._answer_proposed(payout_id, proposal, status=200 if is_approved else 202)
        proposal = services.propose_payout_reversal(
            payout_id=payout_id, kind=ReturnKind(body.pop("kind")), user=self.user, now=self.now, **body
        )
        return self._answer_proposed(payout_id, proposal, status=202)

    @Endpoint(
        "Show the receipt of a completed payout", operation_id="payout_receipt_get", permission=VIEW,
        answer=ReceiptAnswer, problems=[PayoutMissing, PayoutNotCompleted],
    )  # fmt: skip
    @action(detail=True)
    def receipt(self, request: Request, payout_id: int) -> Response:
        return self.answer(receipt_of(payout_id))

    def _answer_proposed(self, payout_id: int, proposal: Proposal, *, status: int) -> Response:
        count = progress_of(proposal, now=self.now)
        return self._answer_with_fee(payout_id, proposal=proposal, progress=count, status=status)

    def _answer_with_fee(self, payout_id: int, **more: Any) -> Response:
        payout = queries.payout(payout_id)
        return self.answer(payout, fee=queries.fee_of(payout), **more)
