"""What tests ask of any partner's rail and collector. Amounts: whole francs; 12,299 sats at 8,000,000 are 983."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from ledger.types import Money, xof
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.harness import Harness, PaidOut
from transfers.errors import CollectorUnavailable
from transfers.rails import Rail
from transfers.types import (
    CollectionRequest,
    Destination,
    FindOutcome,
    Instruction,
    Order,
    SendOutcome,
    Unknown,
)

AMOUNT = xof(983)
PATIENCE_SECONDS = 20
POLL_SECONDS = 0.05
T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


def deadline(seconds: float = 20) -> Deadline:
    """Return a deadline this many seconds from now; a negative number: one that has passed."""
    duration = timedelta(seconds=seconds)
    return Deadline.after(duration, at=now() + duration, read_at_ns=boottime_ns())


def instruction(partner: Harness, *, phone: str = "", amount: Money = AMOUNT, **changes: Any) -> Instruction:
    destination = Destination(partner.name, "phone", phone or partner.phone)
    return Instruction(changes.pop("disbursement_id", 7), amount, destination, **changes)


def prepared(partner: Harness, rail: Rail, **changes: Any) -> Order:
    return rail.prepare(instruction(partner, **changes), now=now())


def as_paid(order: Order, phone: str) -> PaidOut:
    """Return how an order to a phone is recorded when it was paid once."""
    return PaidOut(order.reference, phone, order.amount.amount)


def found_in_the_end(rail: Rail, order: Order) -> FindOutcome:
    """Look for an order until the partner has decided about it."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while isinstance(found := rail.find(order), Unknown) and not found.suspect and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
    return found


def concluded(partner: Harness, rail: Rail, order: Order) -> SendOutcome | FindOutcome:
    """Send an order, and look for it where the partner only accepts it at first."""
    sent = rail.send(order, deadline=deadline())
    if partner.traits.pays_at_once or not isinstance(sent, Unknown):
        return sent
    return found_in_the_end(rail, order)


def eventually(read: Callable[[], T], is_right: Callable[[T], bool]) -> T:
    """Read until it is right, or the patience ends; return what was read last."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_right(found := read()) and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
    return found


def impatient(partner: Harness, monkeypatch: pytest.MonkeyPatch, *, seconds: int = 1) -> None:
    """Have the plug-ins that are made from now on wait this long for an answer."""
    monkeypatch.setenv(f"{partner.name.upper()}_TIMEOUT_SECONDS", str(seconds))


@dataclass(frozen=True)
class Asked:
    """One request for money, as the service asks a collector for it: 10,000 sats at 9,123,457 are 913 francs."""

    collection_id: int
    phone: str
    amount_xof: int = 913
    expires_in_seconds: int = 3_600

    @property
    def request(self) -> CollectionRequest:
        return CollectionRequest(
            self.collection_id, xof(self.amount_xof), "Tontine", self.expires_in_seconds, self.phone
        )


def counted(find: Callable[[], Any]) -> int:
    """Return the francs that a collector reports as received; none where it refuses to report."""
    try:
        return int(find().received.amount)
    except CollectorUnavailable:
        return 0
