"""Payments out and in, to read; what a person may do about a payment asks first."""

from transfers.admin import collections, disbursements, evidence, limits, withdrawals

__all__ = ["collections", "disbursements", "evidence", "limits", "withdrawals"]
