from django.urls import path

from payouts.api.views import cycles, groups, payouts, withdrawals

urlpatterns = [
    path("groups", groups.Groups.as_view(), name="groups"),
    path("groups/<str:group_id>", groups.OneGroup.as_view(), name="group"),
    path("groups/<str:group_id>/members", groups.Members.as_view(), name="group-members"),
    path("cycles", cycles.Cycles.as_view(), name="cycles"),
    path("cycles/<str:cycle_id>", cycles.OneCycle.as_view(), name="cycle"),
    path("cycles/<str:cycle_id>/destination", cycles.CycleDestination.as_view(), name="cycle-destination"),
    path(
        "cycles/<str:cycle_id>/contributions", cycles.CycleContributions.as_view(), name="cycle-contributions"
    ),
    path(
        "cycles/<str:cycle_id>/contributions/<int:contribution_id>/qr",
        cycles.ContributionQr.as_view(),
        name="contribution-qr",
    ),
    path(
        "cycles/<str:cycle_id>/contributions/<int:contribution_id>/cancel",
        cycles.CancelContribution.as_view(),
        name="contribution-cancel",
    ),
    path(
        "cycles/<str:cycle_id>/withdrawal-link",
        withdrawals.CycleWithdrawalLink.as_view(),
        name="cycle-withdrawal-link",
    ),
    path("payouts", payouts.Payouts.as_view(), name="payouts"),
    path("payouts/process", payouts.ProcessPayout.as_view(), name="payouts-process"),
    path("payouts/schedule", payouts.SchedulePayout.as_view(), name="payouts-schedule"),
    path("payouts/status/<str:cycle_id>", payouts.CyclePayoutStatus.as_view(), name="payouts-status"),
    path("payouts/<int:payout_id>", payouts.OnePayout.as_view(), name="payout"),
    path("payouts/<int:payout_id>/retry", payouts.RetryPayout.as_view(), name="payout-retry"),
    path("payouts/<int:payout_id>/cancel", payouts.CancelPayout.as_view(), name="payout-cancel"),
    path("payouts/<int:payout_id>/receipt", payouts.PayoutReceipt.as_view(), name="payout-receipt"),
]
