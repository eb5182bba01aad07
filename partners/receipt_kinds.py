"""The documents that this app issues."""

from partners.settlements.receipt_kinds import RECEIPTS

__all__ = ["RECEIPTS"]
