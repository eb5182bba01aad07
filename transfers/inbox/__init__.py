"""Inbox items about money in and out: payments, and the providers that make them."""

from transfers.inbox import balances, payments, providers, statements

INBOX = [*payments.INBOX, *providers.INBOX, *balances.INBOX, *statements.INBOX]
HELD_BY_PAUSE = [payments.held_by_pause]
