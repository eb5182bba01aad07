"""What a simulated partner does at a call, if it was scripted to do something else than usual."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """What is done. `ACCEPT`: a payment stays pending until it is completed; `REFUSE`: with the step's code."""

    DO = "do"
    REFUSE = "refuse"
    ACCEPT = "accept"
    NOTHING = "nothing"


class Reply(StrEnum):
    """What the caller gets. `LOST`: the connection is closed without a byte; `RESET`: it is reset; `STATUS`: an error.

    `HTML`: a gateway's page with status 200. `STALL`: nothing until the caller gives up.
    """

    SENT = "sent"
    LOST = "lost"
    RESET = "reset"
    STALL = "stall"
    STATUS = "status"
    HTML = "html"


@dataclass(frozen=True)
class Step:
    """One call as it goes: wait, act, wait, reply. Amounts: whole francs.

    `hold` is "before" or "after" the act: there the call stays until it is released. For `hidden_seconds` after an act
    the partner shows nothing of it. `amount` and `currency` are shown, and where money arrives booked, instead of what
    was asked for. `times` acts of one call: two is a duplicate.
    """

    outcome: str = Outcome.DO
    code: str = ""
    reply: str = Reply.SENT
    status: int = 500
    delay_before_seconds: float = 0
    delay_after_seconds: float = 0
    hold: str = ""
    hidden_seconds: float = 0
    amount: int | None = None
    currency: str = ""
    times: int = 1
    number: int = 0


USUAL = Step()
# The scripts by name, for any partner. What they mean for money: docs/simulated-partners.md.
SCRIPTS = MappingProxyType({
    "ok": USUAL,
    "timeout-after-accept": Step(reply=Reply.STALL),
    "timeout-before": Step(outcome=Outcome.NOTHING, reply=Reply.STALL),
    "lost-after-accept": Step(reply=Reply.LOST),
    "lost-before": Step(outcome=Outcome.NOTHING, reply=Reply.LOST),
    "error-after-accept": Step(reply=Reply.STATUS, status=500),
    "error-before": Step(outcome=Outcome.NOTHING, reply=Reply.STATUS, status=500),
    "reset": Step(reply=Reply.RESET),
    "html": Step(reply=Reply.HTML),
    "html-before": Step(outcome=Outcome.NOTHING, reply=Reply.HTML),
    "pending": Step(outcome=Outcome.ACCEPT),
    "slow": Step(delay_after_seconds=2),
    "too-many-requests": Step(outcome=Outcome.NOTHING, reply=Reply.STATUS, status=429),
    "unauthorized": Step(outcome=Outcome.NOTHING, reply=Reply.STATUS, status=401),
    "hidden": Step(reply=Reply.LOST, hidden_seconds=30),
    "wrong-amount": Step(amount=1),
    "wrong-currency": Step(currency="EUR"),
    "duplicate": Step(times=2),
})  # fmt: skip
