"""What of this app may still leave just after outgoing money was paused."""

from transfers import queries

SENDS_THAT_MAY_LEAVE = [queries.sends_that_may_leave]
