"""What the exports of this app's lists hold."""

from fees.models import FeeRecord
from sunusav.core.exporting.columns import columns_of
from sunusav.core.exporting.types import ListExport

EXPORTS = [
    ListExport(
        "fees.feerecord",
        columns_of(
            FeeRecord,
            "id",
            "disbursement_ref",
            "subject",
            "payout_sats",
            "fee_sats",
            "platform_sats",
            "community_sats",
            "partner_sats",
            "net_sats",
            "settlement_partner",
            "rate_xof_per_btc",
            "completed_at",
            "is_reversal",
        ),
    )
]
