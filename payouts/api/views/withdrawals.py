from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.withdrawals import OpenedWithdrawalLinkAnswer, WithdrawalLinkAnswer
from payouts.errors import (
    CycleAlreadyPaid,
    CycleCancelled,
    CycleMissing,
    CycleNotReady,
    PayoutFailed,
    PayoutNeedsReview,
    PayoutReversed,
    PayoutScheduledAlready,
    PayoutUnderWay,
)
from payouts.queries.cycles import withdrawal_link
from payouts.services import withdrawals as services
from sunusav.api.endpoints import Endpoint
from sunusav.api.serializers import NothingBody
from sunusav.api.viewsets import ApiViewSet
from transfers.errors import WithdrawalLinkClosed, WithdrawalLinkMissing, WithdrawalLinkOpen
from transfers.rails import withdrawal_code
from transfers.types import WithdrawalFacts

VIEW = "payouts.view_payout"
# A link sets where the winner is paid, and requests the payout.
OPEN_OR_REVOKE = ("payouts.set_destination", "payouts.request_payout")


class WithdrawalLinkViewSet(ApiViewSet):
    """The link by which a cycle's winner claims the payout. A cycle has one at most that is open."""

    @Endpoint(
        "Show the status of a cycle's newest withdrawal link", operation_id="cycle_withdrawal_link_get",
        permission=VIEW, answer=WithdrawalLinkAnswer, problems=[CycleMissing, WithdrawalLinkMissing],
    )  # fmt: skip
    def retrieve(self, request: Request, cycle_id: str) -> Response:
        return self._answer(cycle_id, withdrawal_link(cycle_id))

    @Endpoint(
        "Let a ready cycle's winner claim the payout by scanning a code (LNURL-withdraw)",
        operation_id="cycle_withdrawal_link_post", permission=OPEN_OR_REVOKE, body=NothingBody,
        answer=OpenedWithdrawalLinkAnswer, statuses=(201,),
        problems=[
            CycleMissing, CycleCancelled, CycleNotReady, CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview,
            PayoutReversed, PayoutScheduledAlready, PayoutUnderWay, WithdrawalLinkOpen,
        ],
    )  # fmt: skip
    def create(self, request: Request, cycle_id: str) -> Response:
        self.body()
        opened = services.open_withdrawal_link(cycle_id=cycle_id, actor=self.actor, now=self.now)
        code = withdrawal_code(services.RAIL, opened.secret)
        return self.answer(opened, cycle_id=cycle_id, withdrawal_code=code)

    @Endpoint(
        "Revoke the withdrawal link, unless it was redeemed", operation_id="cycle_withdrawal_link_delete",
        permission=OPEN_OR_REVOKE, answer=WithdrawalLinkAnswer,
        problems=[CycleMissing, WithdrawalLinkMissing, WithdrawalLinkClosed],
    )  # fmt: skip
    def destroy(self, request: Request, cycle_id: str) -> Response:
        revoked = services.revoke_withdrawal_link(cycle_id=cycle_id, actor=self.actor, now=self.now)
        return self._answer(cycle_id, revoked)

    def _answer(self, cycle_id: str, link: WithdrawalFacts) -> Response:
        return self.answer(link, cycle_id=cycle_id, present_state=link.state_at(self.now))
