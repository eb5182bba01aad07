"""A collection as its collector is asked for it and reports it, and as other apps read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.types import Money


@dataclass(frozen=True)
class CollectionRequest:
    """What a collector is asked to open, idempotent per `collection_id`. `phone` is the payer's, where it is known."""

    collection_id: int
    amount: Money
    memo: str
    expires_in_seconds: int
    phone: str = field(default="", repr=False)


@dataclass(frozen=True)
class OpenedCollection:
    """What the payer needs: a payment request or a page, and until when."""

    reference: str
    payment_request: str
    checkout_url: str
    expires_at: datetime
    source: str = ""


@dataclass(frozen=True)
class KnownReference:
    """What a reference at a provider is of: by which method, and the subject of its payment or request."""

    method: str
    subject: str


@dataclass(frozen=True)
class CollectedPayment:
    """One payment that arrived for a collection. `reference` identifies it at the provider."""

    reference: str
    received: Money
    proof: str
    received_at: datetime | None


@dataclass(frozen=True)
class CollectionStatus:
    """The state of a collection at its provider: open, settled or cancelled.

    `received` is what certainly arrived. `payments` lists it where a collection may be paid more than once; empty:
    it is one payment, which `payment_reference` identifies (empty: by the collection's own reference).
    `source` is the node or account that answered; empty where there is only one. `is_unlisted`: the provider lists a
    request only once it was paid, so that whether it may still be paid only its end says.
    """

    state: str
    received: Money
    proof: str
    settled_at: datetime | None
    payment_reference: str = ""
    source: str = ""
    payments: tuple[CollectedPayment, ...] = ()
    is_unlisted: bool = False

    def payments_of(self, reference: str) -> tuple[CollectedPayment, ...]:
        """Return every payment that arrived for the collection with this reference."""
        if self.payments or not self.received.amount:
            return self.payments
        only = self.payment_reference or reference
        return (CollectedPayment(only, self.received, self.proof, self.settled_at),)


@dataclass(frozen=True)
class CollectionFacts:
    """A collection as other apps read it: `amount` is what the payer is asked for, `due` what is credited for it."""

    id: int
    subject: str
    method: str
    state: str
    amount: Money
    received: Money
    due: Money
    reference: str
    payment_request: str
    checkout_url: str
    expires_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True)
class Settlement:
    """How a collection was paid in full: its payments, their proofs and transactions, oldest first.

    The rate is that of a request in francs; None for one in sats.
    """

    collection: CollectionFacts
    rate_xof_per_btc: Decimal | None
    is_fallback_rate: bool
    references: tuple[str, ...]
    proofs: tuple[str, ...]
    transaction_ids: tuple[int, ...]
