"""Writes of this app: post, reverse and seal transactions; reserve and repay; record rates and conversions."""

from ledger.services.conversions import convert, left_over_xof, record_conversion
from ledger.services.posting import check, post, post_all, reverse
from ledger.services.rates import approve_manual_rate, propose_manual_rate, update_rates, waiting_manual_rate
from ledger.services.reserves import repay_receivable, repay_receivables, require_owed, take_back
from ledger.services.sealing import seal_books

__all__ = [
    "approve_manual_rate",
    "check",
    "convert",
    "left_over_xof",
    "post",
    "post_all",
    "propose_manual_rate",
    "record_conversion",
    "repay_receivable",
    "repay_receivables",
    "require_owed",
    "reverse",
    "seal_books",
    "take_back",
    "update_rates",
    "waiting_manual_rate",
]
