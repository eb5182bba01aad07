"""What of this app may still leave just after outgoing money was paused, and what the pause keeps from leaving."""

from transfers import limit_queries, queries

SENDS_THAT_MAY_LEAVE = [queries.sends_that_may_leave]
HELD_BY_PAUSE = [limit_queries.held_by_pause]
