"""What a provider's answer means for its order, from the facts of the order alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from transfers.engine.situation import Answered, OrderFacts, Unavailable
from transfers.enums import PAYEES_OWN, AttemptState
from transfers.types import NotSeen, Refused, Reversed, Succeeded, TooLate, Unknown

NOT_OURS: Final = "paid, but proof or amount is not ours"
GIVEN_BACK_IN_PART: Final = "paid, and another amount was given back"


class Meaning(StrEnum):
    """What an answer means for its order."""

    PAID = "paid"
    PAID_EARLIER = "paid earlier"
    CONTRADICTS = "contradicts"
    REFUSED = "refused"
    MAY_BE_PAID_BY_EARLIER_SEND = "may be paid by an earlier send"
    UNKNOWN = "unknown"
    STUCK = "stuck"
    NOT_SEEN = "not seen"
    NOT_FOUND = "not found"
    REVERSED = "reversed"
    VANISHED = "vanished"
    TOO_LATE = "too late"
    UNAVAILABLE = "unavailable"


def meaning_of(answered: Answered) -> Meaning:
    """Return what an answer means, from the order's facts alone."""
    order, answer = answered.order, answered.answer
    match answer:
        case Succeeded() if not answered.is_proven:
            return Meaning.CONTRADICTS
        case Succeeded(started_at=started_at) if _was_used_before(order, started_at):
            return Meaning.PAID_EARLIER
        case Succeeded():
            return Meaning.PAID
        case Refused(verdict=verdict) if verdict and verdict in order.refused_sends and order.is_open:
            # It belongs to an earlier send of the same order: the latest may not have arrived yet.
            return Meaning.NOT_SEEN
        case Refused(failure=failure) if order.is_open and order.was_sent_again and failure in PAYEES_OWN:
            return Meaning.MAY_BE_PAID_BY_EARLIER_SEND
        case Refused():
            return Meaning.REFUSED
        case Unknown(suspect=True, is_refusal=True):
            return Meaning.MAY_BE_PAID_BY_EARLIER_SEND
        case Unknown(suspect=True):
            return Meaning.CONTRADICTS
        case Unknown(is_stuck=True):
            return Meaning.STUCK
        case Unknown():
            return Meaning.UNKNOWN
        case NotSeen(source=source) if source != order.source or order.state == AttemptState.IN_FLIGHT:
            return Meaning.VANISHED
        case NotSeen(is_resendable=False) if order.may_have_left:
            return Meaning.NOT_FOUND
        case NotSeen():
            return Meaning.NOT_SEEN
        case Reversed() if not answered.is_proven:
            return Meaning.CONTRADICTS
        case Reversed():
            return Meaning.REVERSED
        case TooLate():
            return Meaning.TOO_LATE
        case Unavailable():
            return Meaning.UNAVAILABLE


def _was_used_before(order: OrderFacts, started_at: datetime | None) -> bool:
    """Return whether the provider had begun to pay an order before it was ours, by its own record of when.

    Not one that it had refused: it would have reported the payment then.
    """
    could_be = order.is_open or order.state == AttemptState.VOID or order.was_resolved
    return could_be and started_at is not None and started_at + order.late_by < order.prepared_at
