"""Payments out and in: read-only pages, and actions with a confirmation page."""

from transfers.admin import collections, disbursements, evidence, limits, withdrawals

__all__ = ["collections", "disbursements", "evidence", "limits", "withdrawals"]
