from rest_framework.request import Request
from rest_framework.response import Response

from payouts.api.serializers.withdrawals import (
    OpenedWithdrawalLinkShape,
    WithdrawalLinkShape,
    opened_withdrawal_answer,
    withdrawal_answer,
)
from payouts.errors import (
    CycleAlreadyPaid,
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
from sunusav.api.documentation import documented
from sunusav.api.serializers import NothingBody
from sunusav.api.views import ApiView
from transfers.errors import WithdrawalLinkClosed, WithdrawalLinkMissing, WithdrawalLinkOpen
from transfers.rails import withdrawal_code

VIEW = "payouts.view_payout"
# A link says where the winner is paid, and has them paid.
ARRANGE = ("payouts.set_destination", "payouts.request_payout")


class CycleWithdrawalLink(ApiView):
    """The link by which a cycle's winner claims their payout."""

    required_permissions = {"GET": VIEW, "POST": ARRANGE, "DELETE": ARRANGE}

    @documented(
        "Show how a cycle's newest withdrawal link stands", answer=WithdrawalLinkShape,
        problems=[CycleMissing, WithdrawalLinkMissing],
    )  # fmt: skip
    def get(self, request: Request, cycle_id: str) -> Response:
        return Response(withdrawal_answer(cycle_id, withdrawal_link(cycle_id), now=self.now))

    @documented(
        "Let a ready cycle's winner claim the payout by scanning a code (LNURL-withdraw)", body=NothingBody,
        answer=OpenedWithdrawalLinkShape, statuses=(201,),
        problems=[
            CycleMissing, CycleNotReady, CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed,
            PayoutScheduledAlready, PayoutUnderWay, WithdrawalLinkOpen,
        ],
    )  # fmt: skip
    def post(self, request: Request, cycle_id: str) -> Response:
        self.body(NothingBody)
        opened = services.open_withdrawal_link(cycle_id=cycle_id, actor=self.actor, now=self.now)
        shown = withdrawal_code(services.RAIL, opened.secret)
        return Response(opened_withdrawal_answer(cycle_id, opened, shown), status=201)

    @documented(
        "Take the withdrawal link back, unless it was redeemed", answer=WithdrawalLinkShape,
        problems=[CycleMissing, WithdrawalLinkMissing, WithdrawalLinkClosed],
    )  # fmt: skip
    def delete(self, request: Request, cycle_id: str) -> Response:
        revoked = services.revoke_withdrawal_link(cycle_id=cycle_id, actor=self.actor, now=self.now)
        return Response(withdrawal_answer(cycle_id, revoked, now=self.now))
