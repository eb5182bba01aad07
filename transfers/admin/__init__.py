"""Payments out and in: read-only pages, and actions with a confirmation page."""

from transfers.admin import collections, disbursements, evidence, limits, matches, treasury, withdrawals

__all__ = ["collections", "disbursements", "evidence", "limits", "matches", "treasury", "withdrawals"]
