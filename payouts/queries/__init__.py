"""Reads of this room, as frozen rows: groups, cycles with their contributions, and payouts with their receipts."""

from payouts.queries.groups import is_group_verified

__all__ = ["is_group_verified"]
