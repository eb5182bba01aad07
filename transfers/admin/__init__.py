"""Payments out and in: read-only pages, and actions with a confirmation page."""

from transfers.admin import (
    collections,
    credit,
    disbursements,
    evidence,
    issued_receipts,
    issuers,
    limits,
    matches,
    movements,
    reversals,
    treasury,
    withdrawals,
)

__all__ = [
    "collections",
    "credit",
    "disbursements",
    "evidence",
    "issued_receipts",
    "issuers",
    "limits",
    "matches",
    "movements",
    "reversals",
    "treasury",
    "withdrawals",
]
