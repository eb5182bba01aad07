PROPOSAL_PAGES = {
    "group_verification": "payouts.group",
    "group_verification_revocation": "payouts.group",
    "cycle_reopening": "payouts.cycle",
    "cycle_cancellation": "payouts.cycle",
    "cycle_short_closing": "payouts.cycle",
    "winner_exchange": "payouts.cycle",
    "refund_payment": "payouts.proposedrefund",
    "member_erasure": "payouts.member",
}
NAVIGATION = {"payouts": 1}
