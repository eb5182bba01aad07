"""Reads of this app, as frozen rows: groups, cycles with their contributions, payouts."""
