"""What `decisions.decide` can decide. `flows` performs each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from transfers.engine.policy import NextStep
from transfers.engine.situation import Answered, Doubt, OrderFacts
from transfers.enums import AttemptState, ReviewCode
from transfers.types import Deferral, Order, Refused, Succeeded


@dataclass(frozen=True)
class Begin:
    """Fix fee and net of a scheduled payment; then decide again."""


@dataclass(frozen=True)
class Query:
    """Ask the provider about an order."""

    order: OrderFacts


@dataclass(frozen=True)
class Prepare:
    """Have the rail prepare an order."""


@dataclass(frozen=True)
class FixAmount:
    """Fix the francs that the destination in use is paid, if there is a rate for it; then decide again."""


@dataclass(frozen=True)
class RefuseDestination:
    """Store that the destination in use was finally refused, before anything was sent; then decide again."""

    code: str


@dataclass(frozen=True)
class OpenAndSend:
    """Commit the intent to pay an order, and send it."""

    order: Order


@dataclass(frozen=True)
class SendAgain:
    """Send the same order again, if switches and breaker let it go."""

    answered: Answered


@dataclass(frozen=True)
class Settle:
    """Store that a closed order is still unpaid; then decide again."""

    order: OrderFacts


@dataclass(frozen=True)
class LeaveInDoubt:
    """Store an answer by which a closed order may be paid; then decide again, so that others are asked about too."""

    answered: Answered
    doubt: Doubt


@dataclass(frozen=True)
class Book:
    """Book the payment of an open order."""

    order: OrderFacts
    proven: Succeeded


@dataclass(frozen=True)
class BookLate:
    """Book the payment of an order that had been closed as unpaid, or pause outgoing money if another was paid."""

    order: OrderFacts
    proven: Succeeded


@dataclass(frozen=True)
class Close:
    """Close an open attempt as unpaid, with what follows. `refuses_destination`: the other choice is next."""

    order: OrderFacts
    state: AttemptState
    refused: Refused
    then: NextStep
    refuses_destination: bool = False


@dataclass(frozen=True)
class Keep:
    """Store an answer that leaves an open attempt open, and query again at `due_at`; `review`: people must decide."""

    answered: Answered
    due_at: datetime
    review: ReviewCode | None = None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Review:
    """Put a payment without an open attempt under review; its closed orders are asked about at `due_at`."""

    code: ReviewCode
    due_at: datetime | None


@dataclass(frozen=True)
class Defer:
    """Let a payment wait, for a reason that people see."""

    deferral: Deferral


@dataclass(frozen=True)
class Stop:
    """Change the state of a payment whose destination cannot be paid or reached, or retry it."""

    code: str
    facts: dict[str, Any]
    then: NextStep


@dataclass(frozen=True)
class Wait:
    """Release the claim until `due_at`; None: until something else happens."""

    due_at: datetime | None


Decision = (
    Begin | Query | Prepare | FixAmount | RefuseDestination | OpenAndSend | SendAgain | Settle
    | LeaveInDoubt | Book | BookLate | Close | Keep | Review
    | Defer | Stop | Wait
)  # fmt: skip
