"""What the API answers and what webhooks contain: a change of any of it has to change this table too.

/openapi.json is made from the serializers, so it follows every mistake in them; this table does not.
A field that is an object of its own is written as `name:Answer`, a list of them as `name[]:Answer`.
"""

# By method and route, the answer of each status of success.
ANSWERS: dict[tuple[str, str], dict[int, str]] = {
    ("DELETE", "monetization/cycles/<str:cycle_id>/withdrawal-link"): {200: "WithdrawalLinkAnswer"},
    ("DELETE", "monetization/groups/<str:group_id>/members/<str:user_id>"): {200: "LeftMemberAnswer"},
    ("DELETE", "monetization/receipts/<str:number>/link"): {200: "IssuedReceiptAnswer"},
    ("GET", "health"): {200: "HealthAnswer"},
    ("GET", "metrics"): {200: "text/plain"},
    ("GET", "monetization/cycles"): {200: "CyclePage"},
    ("GET", "monetization/cycles/<str:cycle_id>"): {200: "CycleWithNetAnswer"},
    ("GET", "monetization/cycles/<str:cycle_id>/contributions"): {200: "ContributionPage"},
    ("GET", "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/qr"): {200: "image/svg+xml"},
    ("GET", "monetization/cycles/<str:cycle_id>/withdrawal-link"): {200: "WithdrawalLinkAnswer"},
    ("GET", "monetization/fees/tiers"): {200: "TiersAnswer"},
    ("GET", "monetization/groups"): {200: "GroupPage"},
    ("GET", "monetization/groups/<str:group_id>"): {200: "GroupWithMembersAnswer"},
    ("GET", "monetization/health"): {200: "ComponentsAnswer"},
    ("GET", "monetization/members/<str:user_id>/credit"): {200: "CreditAnswer"},
    ("GET", "monetization/members/<str:user_id>/refunds"): {200: "RefundPage"},
    ("GET", "monetization/members/<str:user_id>/refunds/<int:refund_id>"): {200: "RefundAnswer"},
    ("GET", "monetization/partners/<str:partner>/balance"): {200: "PartnerBalanceAnswer"},
    ("GET", "monetization/partners/settlements"): {200: "SettlementPage"},
    ("GET", "monetization/partners/settlements/<int:settlement_id>"): {200: "SettlementAnswer"},
    ("GET", "monetization/partners/settlements/summary"): {200: "SummaryAnswer"},
    ("GET", "monetization/payouts"): {200: "PayoutPage"},
    ("GET", "monetization/payouts/<int:payout_id>"): {200: "PayoutWithSplitAnswer"},
    ("GET", "monetization/payouts/<int:payout_id>/receipt"): {200: "ReceiptAnswer"},
    ("GET", "monetization/payouts/status/<str:cycle_id>"): {200: "PayoutStatusAnswer"},
    ("GET", "monetization/rates/current"): {200: "RateAnswer"},
    ("PATCH", "monetization/groups/<str:group_id>"): {200: "GroupAnswer"},
    ("PATCH", "monetization/members/<str:user_id>"): {200: "PersonAnswer"},
    ("POST", "monetization/convert/sats-to-xof"): {200: "SatsToXofAnswer"},
    ("POST", "monetization/convert/xof-to-sats"): {200: "XofToSatsAnswer"},
    ("POST", "monetization/cycles"): {201: "CycleAnswer"},
    ("POST", "monetization/cycles/<str:cycle_id>/cancel"): {200: "CycleAnswer"},
    ("POST", "monetization/cycles/<str:cycle_id>/close-short"): {200: "CycleAnswer"},
    ("POST", "monetization/members/<str:user_id>/refunds"): {201: "RefundAnswer"},
    ("POST", "monetization/members/<str:user_id>/refunds/<int:refund_id>/cancel"): {200: "RefundAnswer"},
    ("POST", "monetization/cycles/<str:cycle_id>/contributions"): {201: "ContributionAnswer"},
    ("POST", "monetization/cycles/<str:cycle_id>/contributions/<int:contribution_id>/cancel"): {
        200: "ContributionAnswer"
    },
    ("POST", "monetization/cycles/<str:cycle_id>/withdrawal-link"): {201: "OpenedWithdrawalLinkAnswer"},
    ("POST", "monetization/fees/calculate"): {200: "QuoteAnswer"},
    ("POST", "monetization/fees/project-annual-revenue"): {200: "ProjectionAnswer"},
    ("POST", "monetization/groups"): {201: "GroupAnswer"},
    ("POST", "monetization/groups/<str:group_id>/members"): {201: "MemberAnswer"},
    ("POST", "monetization/outgoing/pause"): {200: "PauseAnswer"},
    ("POST", "monetization/outgoing/resume"): {200: "ResumeAnswer", 202: "ResumeAnswer"},
    ("POST", "monetization/partners/settle"): {202: "SettleAnswer"},
    ("POST", "monetization/partners/settlements/<int:settlement_id>/approve"): {200: "SettlementAnswer"},
    ("POST", "monetization/partners/settlements/<int:settlement_id>/execute"): {202: "SettlementAnswer"},
    ("POST", "monetization/partners/settlements/<int:settlement_id>/reject"): {200: "SettlementAnswer"},
    ("POST", "monetization/payouts/<int:payout_id>/cancel"): {200: "PayoutWithSplitAnswer"},
    ("POST", "monetization/payouts/<int:payout_id>/reverse"): {200: "ReverseAnswer", 202: "ReverseAnswer"},
    ("POST", "monetization/payouts/<int:payout_id>/retry"): {202: "PayoutWithSplitAnswer"},
    ("POST", "monetization/payouts/process"): {200: "ProcessAnswer", 202: "ProcessAnswer"},
    ("POST", "monetization/payouts/schedule"): {202: "ScheduleAnswer"},
    ("POST", "monetization/rates/update"): {200: "ManualRateAnswer", 202: "ManualRateAnswer"},
    ("POST", "monetization/receipts"): {201: "ReceiptLinkAnswer"},
    ("PUT", "monetization/cycles/<str:cycle_id>/destination"): {200: "CycleAnswer"},
    ("PUT", "monetization/cycles/<str:cycle_id>/winner"): {200: "CycleAnswer"},
}  # fmt: skip

# The fields of each answer.
FIELDS: dict[str, str] = {
    "ComponentsAnswer": "components service status version",
    "ContributionAnswer": (
        "amount_sats amount_xof checkout_url credit_used_sats cycle_id expires_at id method payment_request "
        "settled_at status user_id"
    ),
    "ContributionPage": "next results[]:ContributionAnswer",
    "CreditAnswer": "credit_sats movements[]:MovementAnswer next user_id",
    "CycleAnswer": (
        "cancelled_at closed_short contribution_sats contributions_due contributions_settled created_at cycle_index "
        "destination:DestinationAnswer destination_replaced_at error_message group_id id members_count "
        "payout_total_sats ready_at second_choice:DestinationAnswer status winner_user_id"
    ),
    "CyclePage": "next results[]:CycleAnswer",
    "CycleWithNetAnswer": (
        "cancelled_at closed_short contribution_sats contributions_due contributions_settled created_at cycle_index "
        "destination:DestinationAnswer destination_replaced_at error_message expected_net_sats group_id "
        "id members_count payout_total_sats ready_at second_choice:DestinationAnswer status winner_user_id"
    ),
    "DestinationAnswer": "kind rail value",
    "GroupAnswer": "country created_at id is_verified name settlement_partner skip_non_working_days",
    "GroupPage": "next results[]:GroupAnswer",
    "GroupWithMembersAnswer": (
        "country created_at id is_verified members name settlement_partner skip_non_working_days"
    ),
    "HealthAnswer": "service status version",
    "IssuedReceiptAnswer": "issued_at issuer:ReceiptIssuerAnswer kind number subject tax_rate_bps tax_sats",
    "JournalTransactionAnswer": "kind transaction_id",
    "LeftMemberAnswer": "display_name group_id left_at phone user_id",
    "ManualRateAnswer": (
        "approvals_given approvals_needed btc_xof_rate digest is_fallback observed_at proposal_id proposed_by source "
        "state"
    ),
    "MemberAnswer": "display_name group_id phone user_id",
    "MovementAnswer": "amount_msat at kind subject transaction_id",
    "OpenedWithdrawalLinkAnswer": "amount_sats cycle_id expires_at lnurl qr_svg url",
    "PartnerBalanceAnswer": "accrued_xof balance currency partner timestamp",
    "PayoutAnswer": (
        "attempts completed_at created_at cycle_id error_code error_message group_id id "
        "lightning_payment_hash net_payout payout_method payout_total sats_fee scheduled_at status"
    ),
    "PayoutPage": "next results[]:PayoutAnswer",
    "PayoutStatusAnswer": (
        "completed_at created_at cycle_id cycle_status error_message lightning_payment_hash payout_id "
        "payout_method payout_status"
    ),
    "PayoutWithSplitAnswer": (
        "attempts community_share completed_at created_at cycle_id error_code error_message group_id id "
        "lightning_payment_hash net_payout partner_reserved payout_method payout_total platform_share "
        "sats_fee schedule_version scheduled_at status"
    ),
    "PersonAnswer": "display_name groups phone phone_replaced_at user_id",
    "ProcessAnswer": (
        "community_share cycle_id lightning_payment_hash net_payout partner_reserved payout_id "
        "payout_total platform_share sats_fee status"
    ),
    "ProjectionAnswer": (
        "cycles_processed groups_count total_community_fund total_fees_collected total_partner_payouts "
        "total_platform_revenue"
    ),
    "QuoteAnswer": (
        "community_share fee_percentage net_payout partner_reserved platform_share sats_fee schedule_version"
    ),
    "ReceiptIssuerAnswer": "address legal_name ninea",
    "ReceiptLinkAnswer": (
        "csv_url expires_at issued_at issuer:ReceiptIssuerAnswer kind number pdf_url subject tax_rate_bps tax_sats url "
        "xlsx_url"
    ),
    "RateAnswer": "btc_xof_rate is_fallback observed_at source",
    "ReverseAnswer": (
        "approvals_given approvals_needed attempts community_share completed_at created_at cycle_id digest error_code "
        "error_message group_id id lightning_payment_hash net_payout partner_reserved payout_method payout_total "
        "platform_share proposal_id proposed_by sats_fee schedule_version scheduled_at status"
    ),
    "RefundAnswer": (
        "amount_sats amount_xof attempts completed_at created_at destination:DestinationAnswer error_code "
        "error_message id proof reason reference status user_id"
    ),
    "RefundPage": "next results[]:RefundAnswer",
    "ReceiptAnswer": (
        "btc_xof_rate closed_short community_share completed_at contributions_due contributions_settled "
        "credited_msat cycle_id cycle_index fee_fixed_at group_id group_name "
        "group_verified is_fallback_rate journal[]:JournalTransactionAnswer lightning_payment_hash "
        "net_payout net_payout_xof paid_xof partner_reserved payment_proof payment_reference payout_id payout_method "
        "payout_total platform_share preimage requested_at sats_fee schedule_version settlement_partner status "
        "user_recurring "
        "winner_user_id"
    ),
    "ResumeAnswer": "approvals_given approvals_needed changed_at changed_by proposal_id proposed_by reason status",
    "SatsToXofAnswer": "amount_sats amount_xof btc_xof_rate is_fallback observed_at source",
    "ScheduleAnswer": "cycle_id payout_id scheduled_at status task_id",
    "PauseAnswer": "changed_at changed_by reason sends_that_may_leave status",
    "SettleAnswer": "partner status task_id",
    "SettlementAnswer": (
        "amount_sats amount_xof created_at digest executed_at id partner period_end period_start proposal_id "
        "residue_xof status"
    ),
    "SettlementPage": "next results[]:SettlementAnswer",
    "SummaryAnswer": "by_partner by_status total_amount_sats total_amount_xof total_settlements",
    "TierAnswer": "base_fee_percent description",
    "TiersAnswer": (
        "recurring_user:TierAnswer standard:TierAnswer verified_group:TierAnswer "
        "verified_recurring:TierAnswer"
    ),
    "WithdrawalLinkAnswer": (
        "amount_sats cycle_id error_code error_message expires_at opened_at payout_id redeemed_at status"
    ),
    "XofToSatsAnswer": "amount_sats amount_xof btc_xof_rate is_fallback observed_at source",
}

# The fields of each message to the platform, beside its subject.
MESSAGES: dict[str, str] = {
    "cycle.cancelled": "contributions_settled cycle_id returned_sats",
    "cycle.ready": "contributions_due contributions_settled cycle_id is_short payout_total_sats",
    "cycle.reopened": "cycle_id payout_id",
    "cycle.winner_exchanged": "cycle_id from_winner_user_id winner_user_id",
    "disbursement.cancelled": "id net_sats state subject",
    "disbursement.completed": "id net_sats state subject",
    "disbursement.failed": "id net_sats state subject",
    "disbursement.held_back": "failure_code id net_sats state subject until",
    "disbursement.needs_review": "id net_sats state subject",
    "disbursement.reversed": "id net_sats state subject",
    "rail.resumed": "failures rail state",
    "rail.stopped": "failures rail state",
    "rail.switched_off": "code rail state",
    "rail.switched_on": "code rail state",
    "withdrawal.refused": "failure_code id state subject",
}
