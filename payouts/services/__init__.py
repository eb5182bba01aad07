"""Writes of this room, one module per noun, in the order of the life cycle: groups, cycles, payouts."""
