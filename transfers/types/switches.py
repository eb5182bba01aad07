"""What statements of this app return about switches and breakers."""

from __future__ import annotations

from typing import NamedTuple


class SendableClaims(NamedTuple):
    """The claims that still hold, by disbursement, each with whether outgoing money is open; which rails are off."""

    is_open: dict[int, bool]
    rails_off: set[str]


class UnusableRails(NamedTuple):
    """The names of the rails whose breaker is not closed, and of the providers that are switched off."""

    stopped: set[str]
    switched_off: set[str]
