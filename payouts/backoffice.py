PROPOSAL_PAGES = {
    "group_verification": "payouts.group",
    "group_verification_revocation": "payouts.group",
    "cycle_reopening": "payouts.cycle",
    "member_erasure": "payouts.member",
}
NAVIGATION = {"payouts": 1}
