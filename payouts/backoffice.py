from typing import Any

from sunusav.backoffice.sections import link_to_page


def _payment(payout_id: int) -> Any:
    return link_to_page("transfers.disbursement", payout_id, f"#{payout_id}")


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
FACT_FORMATS = {"reversed_payment": _payment}
NAVIGATION = {"payouts": 1}
