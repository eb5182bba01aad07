"""What is known when a next step is decided: facts of the payment and its orders, and the last outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from transfers.calculations import LEFT_IN_FLIGHT_AFTER
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    UNPAID_ATTEMPT_STATES,
    AnsweredCall,
    AttemptState,
    DisbursementState,
)
from transfers.types import Deferral, NotSeen, Order, Refused, Reversed, Succeeded, TooLate, Unknown

# Facts


@dataclass(frozen=True)
class PaymentFacts:
    """A claimed disbursement: its state, the retries it has used, and how often its open order was queried.

    Before `not_before` nothing new is sent. `is_amount_fixed`: what is paid at the destination in use is known;
    `has_other_choice`: there is one more destination when that one is finally refused.
    """

    state: DisbursementState
    retries: int = 0
    queries: int = 0
    not_before: datetime | None = None
    is_amount_fixed: bool = True
    has_other_choice: bool = False


@dataclass(frozen=True)
class Doubt:
    """An answer about a closed order, under this claim, that does not confirm it as unpaid."""

    look_at: datetime
    needs_person: bool


@dataclass(frozen=True)
class OrderFacts:
    """An order for the payment's subject, by its newest attempt.

    `may_leave_until` is the last moment at which the provider may accept a send of it; its absence at a provider that
    may pay it twice proves nothing for `search_window` after that. `unpaid_at` is when the provider last confirmed that
    it was not paid; `was_queried`: under this claim. `may_have_left` is false where every send certainly did not leave.
    `was_refused_when_sent`: it was sent once, and the provider refused it. `refused_sends` has the verdicts of earlier
    attempts, `holds` how many orders of this payment our side could not pay.
    """

    attempt_id: int
    is_ours: bool
    state: AttemptState
    source: str
    prepared_at: datetime
    expires_at: datetime
    give_up_after: datetime
    may_leave_until: datetime
    send_deadline: timedelta
    late_by: timedelta
    search_window: timedelta = timedelta(0)
    is_renewable: bool = False
    was_sent_again: bool = False
    may_have_left: bool = True
    was_resolved: bool = False
    was_refused_when_sent: bool = False
    was_paid_elsewhere: bool = False
    refused_sends: frozenset[str] = frozenset()
    holds: int = 0
    unpaid_at: datetime | None = None
    was_queried: bool = False
    doubt: Doubt | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_ATTEMPT_STATES

    @property
    def is_unpaid(self) -> bool:
        return self.state in UNPAID_ATTEMPT_STATES and not self.was_paid_elsewhere

    @property
    def is_settled(self) -> bool:
        return self.unpaid_at is not None and self.unpaid_at >= self.may_leave_until

    @property
    def left_in_flight_from(self) -> datetime:
        """From when it counts as left in flight if it is recorded as under way, and is nowhere."""
        return max(self.give_up_after, self.may_leave_until) + LEFT_IN_FLIGHT_AFTER

    @property
    def found_by(self) -> datetime:
        """Until when a provider that was sent it may still not show it."""
        return self.may_leave_until + self.search_window

    def is_over(self, now: datetime) -> bool:
        """Return whether the provider can accept it no more: it has expired, and no send is under way."""
        return now > max(self.give_up_after, self.may_leave_until)


# Outcomes


@dataclass(frozen=True)
class Unavailable:
    """The rail was unavailable, and this call certainly sent nothing."""

    detail: str
    facts: dict[str, Any]
    evidence: dict[str, Any] = field(default_factory=dict)


Answer = Succeeded | Refused | Unknown | NotSeen | Reversed | TooLate | Unavailable


@dataclass(frozen=True)
class Answered:
    """What the provider answered about an order. `is_proven`: the proof fits, and the amount is the ordered one."""

    order: OrderFacts
    call: AnsweredCall
    answer: Answer
    is_proven: bool = False


@dataclass(frozen=True)
class NotPrepared:
    """The destination can finally not be paid as it is: a refusal of ours or of its host."""

    code: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Unreachable:
    """The destination's own host was unavailable, or gave no order now."""

    code: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Short:
    """The rail cannot send this amount now; others may go."""

    rail: str


@dataclass(frozen=True)
class Prepared:
    """The rail prepared this order."""

    order: Order


@dataclass(frozen=True)
class NotAdmitted:
    """A limit or a stopped rail defers a payment that was about to go."""

    deferral: Deferral


@dataclass(frozen=True)
class Paused:
    """Outgoing money is paused; only orders that were sent before were to be asked about."""


@dataclass(frozen=True)
class NotSentAgain:
    """The outgoing switch or a stopped rail forbids sending an order again before `until`."""

    answered: Answered
    until: datetime | None


Outcome = (
    Answered
    | NotPrepared
    | Unreachable
    | Short
    | Unavailable
    | Prepared
    | NotAdmitted
    | NotSentAgain
    | Paused
)
