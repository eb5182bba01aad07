"""Payments out and in: read-only pages, and actions with a confirmation page."""

from transfers.admin import (
    collections,
    credit,
    credit_transfers,
    disbursements,
    evidence,
    issued_receipts,
    issuer_evidence,
    issuers,
    limits,
    matches,
    movements,
    reversals,
    switches,
    treasury,
    withdrawals,
)

__all__ = [
    "collections",
    "credit",
    "credit_transfers",
    "disbursements",
    "evidence",
    "issued_receipts",
    "issuer_evidence",
    "issuers",
    "limits",
    "matches",
    "movements",
    "reversals",
    "switches",
    "treasury",
    "withdrawals",
]
