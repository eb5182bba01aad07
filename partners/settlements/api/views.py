from functools import partial

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from partners.settlements import queries
from partners.settlements.api.serializers import (
    RejectBody,
    SeenBody,
    SettleAnswer,
    SettleBody,
    SettlementAnswer,
    SettlementsQuery,
    SummaryAnswer,
    SummaryQuery,
)
from partners.settlements.errors import (
    EarlierSettlementUnpaid,
    ExecutorIsApprover,
    SettlementAccountChanged,
    SettlementAccountMissing,
    SettlementApprovalDiffers,
    SettlementFloatShort,
    SettlementMissing,
    SettlementNotPayable,
    SettlementPartnerUnknown,
    SettlementReserveShort,
)
from partners.settlements.services.batches import queue_proposals
from partners.settlements.services.decisions import approve_shown, reject_shown
from partners.settlements.services.payments import Approved, execute_settlement
from sunusav.api.documentation import OneTimeCode
from sunusav.api.endpoints import Endpoint
from sunusav.api.views import ApiView
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.approvals import (
    ApproverDecidedAlready,
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalFactsChanged,
    ProposalNotOpen,
    RoleNeededToDecide,
)
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes
from sunusav.core.switches import OutgoingPaused

VIEW, PROPOSE = "partners.view_settlement", "partners.propose_settlement"
APPROVE, EXECUTE = "partners.approve_settlement", "partners.execute_settlement"
CODES = [SecondFactorRefused, SecondFactorNotEnrolled, TooManyWrongCodes]
DECIDING = [
    SettlementMissing, SettlementApprovalDiffers, ProposalNotOpen, ApproverIsProposer, ApproverDecidedAlready,
    NotAllowedToDecide, RoleNeededToDecide, *CODES,
]  # fmt: skip
SEEN_EXAMPLE = {"proposal_id": 31, "digest": "0a2f…"}


class Settle(ApiView):
    """Proposals of all windows of a partner that are due."""

    http_method_names = ["post"]

    @Endpoint(
        "Propose the settlements of a partner that are due", operation_id="partners_settle_post",
        permission=PROPOSE, body=SettleBody, answer=SettleAnswer, statuses=(202,),
        problems=[SettlementPartnerUnknown], example={"partner_name": "wave"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Queue it, and pay nobody: each settlement waits for a second person."""
        partner = self.body()["partner_name"]
        task_id = queue_proposals(partner=partner, proposer=self.user)
        return self.answer({"task_id": task_id, "partner": partner, "status": "queued"})


class SettlementViewSet(ApiViewSet):
    """Settlements with partners."""

    lookup_url_kwarg = "settlement_id"
    lookup_value_converter = "int"

    @Endpoint(
        "List settlements, the newest first", operation_id="settlements_get", permission=VIEW,
        query=SettlementsQuery, answer=SettlementAnswer, paged=True,
    )  # fmt: skip
    def list(self, request: Request) -> Response:
        fetch = partial(queries.settlements_page, **self.query())
        return self.page(fetch, key=lambda found: (found.id,))

    @Endpoint(
        "Show a settlement", operation_id="one_settlement_get", permission=VIEW, answer=SettlementAnswer,
        problems=[SettlementMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, settlement_id: int) -> Response:
        return self.answer(queries.settlement(settlement_id))

    @Endpoint(
        "Count settlements and sum what they come to", operation_id="settlements_summary_get", permission=VIEW,
        query=SummaryQuery, answer=SummaryAnswer,
    )  # fmt: skip
    @action(detail=False)
    def summary(self, request: Request) -> Response:
        return self.answer(queries.settlements_summary(**self.query()))

    @Endpoint(
        "Approve a settlement that another proposed", operation_id="approve_settlement_post", permission=APPROVE,
        body=SeenBody, answer=SettlementAnswer, problems=[*DECIDING, ProposalFactsChanged], example=SEEN_EXAMPLE,
        parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, settlement_id: int) -> Response:
        """Answer `pending` while more people have to approve."""
        seen = self.body()
        self.require_second_factor()
        approve_shown(settlement_id=settlement_id, seen=Approved(**seen), approver=self.user, now=self.now)
        return self.answer(queries.settlement(settlement_id))

    @Endpoint(
        "Reject a settlement that another proposed", operation_id="reject_settlement_post", permission=APPROVE,
        body=RejectBody, answer=SettlementAnswer, problems=DECIDING,
        example={**SEEN_EXAMPLE, "reason": "the partner contests a line"}, parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, settlement_id: int) -> Response:
        """Leave its window as it is: it may be proposed again."""
        body = self.body()
        reason = body.pop("reason")
        self.require_second_factor()
        reject_shown(
            settlement_id=settlement_id,
            seen=Approved(**body),
            approver=self.user,
            reason=reason,
            now=self.now,
        )
        return self.answer(queries.settlement(settlement_id))

    @Endpoint(
        "Pay an approved settlement by the partner's rail, or one whose payment failed again",
        operation_id="execute_settlement_post", permission=EXECUTE, body=SeenBody, answer=SettlementAnswer,
        statuses=(202,),
        problems=[
            SettlementMissing, SettlementNotPayable, SettlementApprovalDiffers, ExecutorIsApprover,
            EarlierSettlementUnpaid, SettlementAccountMissing, SettlementAccountChanged, SettlementFloatShort,
            SettlementReserveShort, OutgoingPaused, *CODES,
        ],
        example=SEEN_EXAMPLE, parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def execute(self, request: Request, settlement_id: int) -> Response:
        """Commit the payment; a worker sends it."""
        seen = self.body()
        self.require_second_factor()
        execute_settlement(settlement_id=settlement_id, seen=Approved(**seen), user=self.user, now=self.now)
        return self.answer(queries.settlement(settlement_id))
