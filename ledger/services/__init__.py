"""Writes of this app: post, reverse and seal transactions; record rates and conversions."""

from ledger.services.conversions import convert, record_conversion
from ledger.services.posting import check, post, post_all, reverse
from ledger.services.rates import approve_manual_rate, propose_manual_rate, update_rates, waiting_manual_rate
from ledger.services.sealing import seal_books

__all__ = [
    "approve_manual_rate",
    "check",
    "convert",
    "post",
    "post_all",
    "propose_manual_rate",
    "record_conversion",
    "reverse",
    "seal_books",
    "update_rates",
    "waiting_manual_rate",
]
