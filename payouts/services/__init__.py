"""Writes of this app, a module per noun: groups, cycles, payouts, withdrawals."""
