SUBJECT_PAGES = {
    "cycle": "payouts.cycle",
    "contribution": "payouts.contribution",
    "group_verification": "payouts.group",
    "group_verification_revocation": "payouts.group",
}
NAVIGATION = {"payouts": 1}
