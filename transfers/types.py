"""Frozen values that cross the border of this app."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from fees.types import PricedFor
from ledger.types import AccountRef
from transfers.enums import FailureClass, WithdrawalState


@dataclass(frozen=True)
class Destination:
    """Where money goes. `kind` is one the rail knows: bolt11, lightning_address, lnurl, phone."""

    rail: str
    kind: str
    value: str

    @property
    def digest(self) -> str:
        """Distinguish destinations without showing them."""
        return sha256(f"{self.rail}:{self.kind}:{self.value}".encode()).hexdigest()


@dataclass(frozen=True)
class DisbursementRequest:
    """What an app above requests, with all that the apps below need to price and book it.

    `priced_for` is None for payments without a fee. `payee_ref` is the payee for the limits ("user:awa"); empty: every
    subject is a payee of its own. `destination_replaced_at`: when the destination last became another payee's.
    """

    subject: str
    payout_sats: int
    debit: AccountRef
    priced_for: PricedFor | None
    destination: Destination
    scheduled_at: datetime | None = None
    payee_ref: str = ""
    destination_replaced_at: datetime | None = None


@dataclass(frozen=True)
class Deferral:
    """Why a payment may not go now, and until when; `until` is None where waiting cannot help and a person decides."""

    code: str
    facts: dict[str, Any]
    until: datetime | None


@dataclass(frozen=True)
class Failure:
    """Why a row failed, waits or is under review: a code and its facts. No code: for no reason.

    `waits_for` is what a payment under review waits for, a `ReviewWait`; otherwise it is empty.
    """

    code: str
    facts: dict[str, Any]
    waits_for: str = ""


@dataclass(frozen=True)
class Instruction:
    """One amount to one destination, as a rail is asked to check or prepare it.

    `previous` is the order that was last prepared for it, if any.
    """

    disbursement_id: int
    amount_msat: int
    destination: Destination
    previous: PreviousOrder | None = None


@dataclass(frozen=True)
class Order:
    """What a rail will send, frozen and stored before the first byte leaves.

    `reference` identifies it at the provider (payment hash, partner reference); `source` is the account or node that
    pays; after `give_up_after` the provider itself refuses the order. `is_renewable`: the destination can be asked for
    another order when the provider finally refuses this one.
    """

    rail: str
    reference: str
    payload: str
    amount_msat: int
    fee_limit_msat: int
    payee: str
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
    """Paid, with its proof. `cost_msat` is the routing fee or partner charge on top of the amount.

    `started_at` is when the provider began to pay, by its clock; None where it does not report that.
    """

    proof: str
    amount_msat: int
    cost_msat: int
    evidence: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None


@dataclass(frozen=True)
class Refused:
    """Finally not paid by this order, as the provider states.

    `verdict` identifies the send that was refused, where the provider can: the same verdict as an earlier attempt's is
    stale and proves nothing about a later send of the same order.
    """

    reason: str
    failure: FailureClass
    evidence: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""


@dataclass(frozen=True)
class Unknown:
    """Not known yet: query again. `seen`: the provider knows the reference.

    `suspect`: people must decide, since the answer contradicts our records or (`is_refusal`) is a refusal after
    which an earlier send may still have been paid.
    """

    seen: bool
    reason: str
    suspect: bool = False
    is_refusal: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotSeen:
    """The provider does not know the reference. `source` is the account or node that answered."""

    source: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TooLate:
    """The call came after its deadline, and this send certainly did not leave. It says nothing about earlier sends."""

    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """Money of ours at a provider that cannot be sent now, such as the balance of an inactive channel."""

    reference: str
    amount_msat: int


@dataclass(frozen=True)
class Sendable:
    """What a rail can send now: in all, and in one payment at most, what sending costs included. Units: msat.

    `unusable` is in neither of the two.
    """

    total_msat: int
    largest_msat: int
    unusable: tuple[Unusable, ...] = ()


@dataclass(frozen=True)
class WaitingForRail:
    """The payments that wait until a rail can send them: how many, their sum and the largest."""

    count: int
    total_sats: int
    largest_sats: int


SendOutcome = Succeeded | Refused | Unknown | TooLate
FindOutcome = Succeeded | Refused | Unknown | NotSeen


@dataclass(frozen=True)
class ProviderPayment:
    """One line of a provider's statement, for matching."""

    reference: str
    is_paid: bool
    is_open: bool
    amount_msat: int
    cost_msat: int


@dataclass(frozen=True)
class DisbursementFacts:
    """A disbursement as other apps read it."""

    id: int
    subject: str
    state: str
    payout_sats: int
    net_sats: int | None
    fee_sats: int | None
    assessment_id: int | None
    destination: Destination
    scheduled_at: datetime
    due_at: datetime | None
    requested_at: datetime
    completed_at: datetime | None
    failure: Failure
    attempts_made: int
    reference: str
    proof: str
    cost_msat: int | None


@dataclass(frozen=True)
class UnderReview:
    """A disbursement under review, why, and since when."""

    disbursement_id: int
    code: str
    since: datetime


@dataclass(frozen=True)
class CollectionRequest:
    """What a collector is asked to open, idempotent per `collection_id`."""

    collection_id: int
    amount_msat: int
    memo: str
    expires_in_seconds: int


@dataclass(frozen=True)
class OpenedCollection:
    """What the payer needs: a payment request or a page, and until when."""

    reference: str
    payment_request: str
    checkout_url: str
    expires_at: datetime
    source: str = ""


@dataclass(frozen=True)
class CollectionStatus:
    """The state of a collection at its provider: open, settled or cancelled.

    `payment_reference` identifies the payment where a collection may be paid in parts; empty: there is only one.
    `source` is the node or account that answered; empty where there is only one.
    """

    state: str
    received_msat: int
    proof: str
    settled_at: datetime | None
    payment_reference: str = ""
    source: str = ""


@dataclass(frozen=True)
class WithdrawalCode:
    """What a person is shown to redeem a withdrawal link: `text` to scan, `link` to tap. Both contain its secret."""

    text: str = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True)
class OpenedWithdrawal:
    """A withdrawal link that was just opened: its secret is known only now."""

    secret: str = field(repr=False)
    amount_msat: int
    expires_at: datetime


@dataclass(frozen=True)
class WithdrawalFacts:
    """A withdrawal link as other apps read it. `destination` is the one its first redeemer named."""

    id: int
    subject: str
    state: str
    amount_msat: int
    opened_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    destination: Destination | None
    disbursement_id: int | None
    failure: Failure

    def state_at(self, moment: datetime) -> str:
        """Return the state at a moment: a link past its time is expired, even before it is closed as expired."""
        is_expired = self.state == WithdrawalState.OPEN and self.expires_at <= moment
        return WithdrawalState.EXPIRED.value if is_expired else self.state


@dataclass(frozen=True)
class CollectionFacts:
    """A collection as other apps read it."""

    id: int
    subject: str
    method: str
    state: str
    amount_msat: int
    received_msat: int
    reference: str
    payment_request: str
    checkout_url: str
    expires_at: datetime | None
    settled_at: datetime | None
