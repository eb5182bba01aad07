"""What the franc provider does at a call, if a test scripted something else than usual."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What is done. `ACCEPT`: a payout stays pending until the test completes it."""

    DO = "do"
    REFUSE = "refuse"
    ACCEPT = "accept"
    NOTHING = "nothing"


class Answer(StrEnum):
    """What the caller gets. `LOST`: the connection is closed without a byte; `ERROR`: status 500."""

    SENT = "sent"
    LOST = "lost"
    ERROR = "error"


@dataclass(frozen=True)
class Step:
    """One call as it goes: wait, act, wait, answer.

    `hold` is "before" or "after" the act: there the call stays until the test releases it. For `hidden_seconds` after
    a payment, by the provider's clock, the provider shows nothing of it.
    """

    outcome: str = Outcome.DO
    code: str = ""
    answer: str = Answer.SENT
    delay_before_seconds: float = 0
    delay_after_seconds: float = 0
    hold: str = ""
    hidden_seconds: float = 0
    number: int = 0
