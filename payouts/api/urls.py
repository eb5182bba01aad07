from django.urls import path

from payouts.api.views.contributions import ContributionViewSet
from payouts.api.views.credit import MemberCreditViewSet
from payouts.api.views.cycles import CycleViewSet
from payouts.api.views.groups import GroupViewSet, MemberViewSet
from payouts.api.views.payouts import PayoutViewSet
from payouts.api.views.refunds import RefundViewSet
from payouts.api.views.withdrawals import WithdrawalLinkViewSet
from sunusav.api.routers import api_router

router = api_router()
router.register("groups", GroupViewSet, basename="groups")
router.register("groups/<str:group_id>/members", MemberViewSet, basename="members")
router.register("cycles", CycleViewSet, basename="cycles")
router.register("cycles/<str:cycle_id>/contributions", ContributionViewSet, basename="contributions")
router.register("members/<str:user_id>/refunds", RefundViewSet, basename="refunds")
router.register("payouts", PayoutViewSet, basename="payouts")

urlpatterns = [
    *router.urls,
    path(
        "members/<str:user_id>/credit", MemberCreditViewSet.as_view({"get": "retrieve"}), name="member-credit"
    ),
    path(
        "cycles/<str:cycle_id>/withdrawal-link",
        WithdrawalLinkViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="withdrawal-link",
    ),
]
