"""What a rail is asked for and what it answers: orders, outcomes, what it can send, its statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.types import Money
from transfers.enums import FailureClass
from transfers.types.disbursements import Destination


@dataclass(frozen=True)
class Instruction:
    """One amount to one destination, as a rail is asked to check or prepare it.

    `previous` is the order that was last prepared for it, if any. `recipient_name` is the payee's, where it is known:
    a provider that knows its customers may compare it. `destination_digest` tells the destinations of one payment apart
    without showing them: for references that a rail makes itself.
    """

    disbursement_id: int
    amount: Money
    destination: Destination
    previous: PreviousOrder | None = None
    recipient_name: str = field(default="", repr=False)
    destination_digest: str = ""


@dataclass(frozen=True)
class Order:
    """What a rail will send, frozen and stored before the first byte leaves.

    `reference` identifies it at the provider (payment hash, partner reference); `source` is the account or node that
    pays; after `give_up_after` the provider itself refuses the order. `cost_limit` is the most that sending may cost.
    `is_renewable`: the destination can be asked for another order when the provider finally refuses this one.

    Of a stored order `payee` is empty, and so is `payload` once the data of the person who was paid was erased: `find`
    needs neither.
    """

    rail: str
    reference: str
    payload: str = field(repr=False)
    amount: Money
    cost_limit: Money
    payee: str = field(repr=False)
    source: str
    expires_at: datetime
    give_up_after: datetime
    is_renewable: bool = False


@dataclass(frozen=True)
class PreviousOrder:
    """The last order of a disbursement to its present destination, and why it was not paid."""

    order: Order
    failure: FailureClass


@dataclass(frozen=True)
class Succeeded:
    """Paid, with its proof. `cost` is the routing fee or partner charge on top of the amount; None: not stated.

    `started_at` is when the provider began to pay, by its clock; None where it does not report that.
    """

    proof: str
    amount: Money
    cost: Money | None
    evidence: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None


@dataclass(frozen=True)
class Refused:
    """Finally not paid by this order, as the provider states.

    `verdict` identifies the send that was refused, where the provider can: the same verdict as an earlier attempt's is
    stale and proves nothing about a later send of the same order. `is_recorded` is false where the provider refused the
    call itself: it does not know the order then, and that confirms the refusal.
    """

    reason: str
    failure: FailureClass
    evidence: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    is_recorded: bool = True


@dataclass(frozen=True)
class Unknown:
    """Not known yet: query again. `seen`: the provider knows the reference.

    `is_stuck`: it is recorded as under way, and the provider shows that it is nowhere under way.
    `suspect`: people must decide, since the answer contradicts our records or (`is_refusal`) is a refusal after
    which an earlier send may still have been paid.
    """

    seen: bool
    reason: str
    suspect: bool = False
    is_refusal: bool = False
    is_stuck: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotSeen:
    """The provider does not know the reference. `source` is the account or node that answered.

    `is_resendable`: the same order may be sent again, because the provider pays one reference once. Where it may not,
    absence proves nothing before the rail's search window is over, and after it two people decide.
    """

    source: str
    is_resendable: bool = True
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reversed:
    """Paid, and given back to us since: the provider's own record of the reversal.

    `reference` identifies the reversal at the provider; `amount` is what came back to the account that had paid, and
    `returned_cost` what of its cost came back with it.
    """

    reference: str
    amount: Money
    at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)
    returned_cost: Money | None = None


@dataclass(frozen=True)
class TooLate:
    """The call came after its deadline, and this send certainly did not leave. It says nothing about earlier sends."""

    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """Money of ours at a provider that cannot be sent now, such as the balance of an inactive channel."""

    reference: str
    amount: Money


@dataclass(frozen=True)
class Sendable:
    """What a rail can send now: in all, and in one payment at most, what sending costs included.

    `unusable` is in neither of the two.
    """

    total: Money
    largest: Money
    unusable: tuple[Unusable, ...] = ()


@dataclass(frozen=True)
class WaitingForRail:
    """The payments that wait until a rail can send them: how many, their sum and the largest."""

    count: int
    total: Money
    largest: Money


SendOutcome = Succeeded | Refused | Unknown | TooLate
FindOutcome = Succeeded | Refused | Unknown | NotSeen | Reversed


@dataclass(frozen=True)
class ProviderPayment:
    """One line of a provider's statement, for matching. `is_reversed`: it was paid, and the money came back.

    `cost` is None where the provider does not state it.
    """

    reference: str
    is_paid: bool
    is_open: bool
    amount: Money
    cost: Money | None
    is_reversed: bool = False
