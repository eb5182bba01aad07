"""Frozen values that interfaces and other apps see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from fees.types import FeeSplit
from transfers.enums import DisbursementState
from transfers.types import Destination, DisbursementFacts, Failure, MaskedDestination

LIGHTNING = "lightning"
# The sort key of the last row of a page; the next page starts after it.
Position = tuple[Any, ...]


@dataclass(frozen=True)
class Claims:
    """What a client claims about discounts; None if it claims nothing."""

    group_verified: bool | None = None
    user_recurring: bool | None = None


@dataclass(frozen=True)
class GroupFacts:
    """A group as clients see it."""

    id: str
    name: str
    country: str
    settlement_partner: str
    skip_non_working_days: bool
    is_verified: bool
    created_at: datetime


@dataclass(frozen=True)
class GroupFigures:
    """How large a group is: members now, unfinished cycles, and the pot of its newest cycle; None before the first."""

    members: int
    unfinished_cycles: int
    usual_pot_sats: int | None


@dataclass(frozen=True)
class MaskedPerson:
    """What people may always see of a person: the initials, the ends of the phone, and whether both were erased."""

    name: str
    phone: str
    is_erased: bool


@dataclass(frozen=True)
class MemberFacts:
    """A member with masked name and phone."""

    group_id: str
    user_id: str
    masked_name: str
    masked_phone: str
    left_at: datetime | None = None


@dataclass(frozen=True)
class PersonFacts:
    """A person with masked name and phone, and the groups they are in now."""

    user_id: str
    masked_name: str
    masked_phone: str
    phone_replaced_at: datetime | None
    groups: tuple[str, ...]


@dataclass(frozen=True)
class RevealedPerson:
    """A person's data in clear, as it is shown once to somebody with the right and a reason."""

    user_id: str
    names: tuple[str, ...] = field(repr=False)
    phones: tuple[str, ...] = field(repr=False)
    destinations: tuple[Destination, ...] = field(repr=False)


@dataclass(frozen=True)
class Outstanding:
    """What is held of a person or may still move; their data is erased only when it is nothing.

    Counted are unfinished cycles they take part in, open requests for their contributions, and payments to them.
    """

    credit_msat: int
    open_cycles: int
    open_requests: int
    open_payments: int

    @property
    def is_nothing(self) -> bool:
        return not (self.credit_msat or self.open_cycles or self.open_requests or self.open_payments)


@dataclass(frozen=True)
class CycleFacts:
    """A cycle with its status, read from its contributions and its payout, and why the payout waits or failed."""

    id: str
    group_id: str
    cycle_index: int
    contribution_sats: int
    winner_user_id: str
    members_count: int
    payout_total_sats: int
    status: str
    contributions_settled: int
    is_short: bool
    destination: MaskedDestination | None
    destination_replaced_at: datetime | None
    second_choice: MaskedDestination | None
    created_at: datetime
    ready_at: datetime | None
    cancelled_at: datetime | None
    payout_failure: Failure | None
    payout: DisbursementFacts | None
    is_reopened: bool

    @property
    def payout_in_force(self) -> DisbursementFacts | None:
        """Return the payout, unless it was cancelled, or reversed and the cycle reopened."""
        if self.payout is None or self.payout.state == DisbursementState.CANCELLED or self.is_reopened:
            return None
        return self.payout


@dataclass(frozen=True)
class ContributionFacts:
    """A contribution with its status, read from its collection and the credit that was used for it.

    `amount_xof` is what a method in francs asks for.
    """

    id: int
    cycle_id: str
    user_id: str
    amount_sats: int
    amount_xof: int | None
    credit_used_sats: int
    status: str
    method: str
    payment_request: str
    checkout_url: str
    expires_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True)
class PayoutFacts:
    """The payout of a cycle: its disbursement. Fee, split and net are None until they are fixed.

    `reference` identifies the payment at the provider: the payment hash on Lightning.
    """

    id: int
    cycle_id: str
    group_id: str
    status: str
    payout_total_sats: int
    fee_sats: int | None
    net_sats: int | None
    rail: str
    reference: str
    failure: Failure
    attempts_made: int
    assessment_id: int | None
    scheduled_at: datetime
    created_at: datetime
    completed_at: datetime | None

    @property
    def payment_hash(self) -> str:
        """The payment hash of a payment over Lightning, else nothing."""
        return self.reference if self.rail == LIGHTNING else ""


@dataclass(frozen=True)
class RefundFacts:
    """A refund of a member's credit. `paid_xof` is what a rail in francs pays, once it is fixed."""

    id: int
    user_id: str
    amount_sats: int
    reason: str
    status: str
    payout_id: int
    destination: MaskedDestination
    paid_xof: int | None
    reference: str
    proof: str
    failure: Failure
    attempts_made: int
    requested_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True)
class PayoutStatus:
    """The status of a cycle and of its payout, if there is one."""

    cycle_id: str
    cycle_status: str
    payout_status: str
    payout: PayoutFacts | None


@dataclass(frozen=True)
class BookedMovement:
    """One journal transaction that a receipt names as proof."""

    transaction_id: int
    kind: str


@dataclass(frozen=True)
class Receipt:
    """Everything that a member needs to check a payout.

    Units: sats; `net_xof` is the net at the stored rate, to 0.01. A payment in whole francs has `paid_xof`, and
    `credited_msat` is what they left over, which the winner got as credit. `reference` and `proof` are the provider's:
    payment hash and preimage over Lightning.
    """

    payout_id: int
    status: str
    cycle_id: str
    cycle_index: int
    group_id: str
    group_name: str
    winner_user_id: str
    payout_total_sats: int
    contributions_due: int
    contributions_settled: int
    is_short: bool
    split: FeeSplit
    is_verified_group: bool
    is_recurring_user: bool
    settlement_partner: str
    schedule_version: int
    rail: str
    reference: str
    proof: str
    paid_xof: int | None
    credited_msat: int
    rate_xof_per_btc: Decimal
    is_fallback_rate: bool
    net_xof: Decimal
    requested_at: datetime
    fee_fixed_at: datetime
    completed_at: datetime
    movements: tuple[BookedMovement, ...]

    @property
    def payment_hash(self) -> str:
        """The payment hash of a payment over Lightning, else nothing."""
        return self.reference if self.rail == LIGHTNING else ""

    @property
    def preimage(self) -> str:
        """The preimage of a payment over Lightning, else nothing."""
        return self.proof if self.rail == LIGHTNING else ""
