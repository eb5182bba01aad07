"""Rails, collectors and clocks that a test controls: answers, outages, and what happens during a call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from lightning.node_facts import NodeFacts
from lightning.rail import LightningRail
from sunusav.core.deadlines import Deadline
from tests.fakes.collector import ScriptedCollector
from tests.fakes.rail import NEVER, FakeInvoice, ScriptedRail
from transfers.errors import CollectorUnavailable, RailUnavailable
from transfers.types import (
    CollectedPayment,
    CollectionRequest,
    CollectionStatus,
    Destination,
    FindOutcome,
    Instruction,
    OpenedCollection,
    Order,
    ProviderPayment,
    SendOutcome,
)

SOURCE = "node"


class SteeredRail(ScriptedRail):
    """A scripted rail that also scripts what it finds, and lets a test act in the middle of a call.

    `unavailable_at` has the calls that fail as unavailable; `meanwhile` is run, once, inside the next such call.
    """

    def __init__(self) -> None:
        super().__init__()
        self.finds: deque[FindOutcome] = deque()
        self.unavailable_at: set[str] = set()
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.lines: list[ProviderPayment] | None = None

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        self._called("prepare")
        return super().prepare(instruction, now=now)

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        self._called("send")
        return super().send(order, deadline=deadline)

    def find(self, order: Order) -> FindOutcome:
        self._called("find")
        return self.finds.popleft() if self.finds else super().find(order)

    def statement(self) -> Iterable[ProviderPayment]:
        """List what it had paid when it was called, unless a test set other lines."""
        listed = list(super().statement() if self.lines is None else self.lines)
        self._called("statement")
        return listed

    @contextmanager
    def unavailable(self, *calls: str) -> Iterator[None]:
        """Be unavailable for these calls while the block runs."""
        self.unavailable_at |= set(calls)
        yield
        self.unavailable_at -= set(calls)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.unavailable_at:
            raise RailUnavailable(rail=self.name, detail=f"away at {name}")
        act = self.meanwhile.pop(name, None)
        if act is not None:
            act()


class QuickLightningRail(LightningRail):
    """The real Lightning rail, with timeouts of two seconds and without cached facts of the node.

    `meanwhile` is run, once, before the next call of that name reaches the node.
    """

    def __init__(self) -> None:
        super().__init__(timeout_seconds=1, listen_margin_seconds=1)
        self._node = NodeFacts(self._client, keep_seconds=0)
        self.meanwhile: dict[str, Callable[[], object]] = {}

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        self.meanwhile.pop("send", lambda: None)()
        return super().send(order, deadline=deadline)


class SteeredCollector(ScriptedCollector):
    """A scripted collector whose requests can be cancelled; `cancelled` and `failing` have some of their references.

    A query of a failing one raises; `meanwhile` is run, once, inside the next opening. `source` is the node that
    answers at the moment. `lists_paid_ones_only`: the provider shows no other request, and cancels none.
    """

    source = ""
    lists_paid_ones_only = False

    def __init__(self) -> None:
        super().__init__()
        self.cancelled: set[str] = set()
        self.failing: set[str] = set()
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] | None = None

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return replace(super().open(request, now=now), source=self.source)

    def find(self, reference: str) -> CollectionStatus:
        self.asked.append(reference)
        if reference in self.failing:
            raise CollectorUnavailable(collector=self.name, detail=f"{reference} fails")
        found = super().find(reference)
        is_gone = reference in self.cancelled and found.state == "open"
        is_unlisted = self.lists_paid_ones_only and not found.received.amount
        state = "cancelled" if is_gone else found.state
        return replace(found, state=state, source=self.source, is_unlisted=is_unlisted)

    def cancel(self, reference: str) -> CollectionStatus:
        if not self.lists_paid_ones_only:
            self.cancelled.add(reference)
        return self.find(reference)

    @contextmanager
    def unavailable(self) -> Iterator[None]:
        """Be unavailable while the block runs."""
        self.is_unavailable = True
        yield
        self.is_unavailable = False


class OtherSteeredCollector(SteeredCollector):
    """A second collector, whose provider assigns the references, and whose requests may be paid in parts.

    `payments` has several payments by reference, each by its own; `last_part` names a single one.
    """

    name = "wave"

    def __init__(self) -> None:
        super().__init__()
        self.last_part: dict[str, str] = {}
        self.payments: dict[str, dict[str, int]] = {}

    def reference_of(self, collection_id: int) -> str | None:
        return None

    def find(self, reference: str) -> CollectionStatus:
        found = super().find(reference)
        payments = tuple(
            CollectedPayment(name, self.money(amount), "", None)
            for name, amount in self.payments.get(reference, {}).items()
        )
        return replace(found, payment_reference=self.last_part.get(reference, ""), payments=payments)


class FrancSteeredCollector(OtherSteeredCollector):
    """A collector in francs, which asks payers by phone."""

    name = "franc"
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "franc")
    wants_phone = True
    paid_late_for = timedelta(days=7)


class Watch:
    """A clock that stands still until a test advances it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def after(self, seconds: float) -> datetime:
        """Return the moment this many seconds from now."""
        return self.at + timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        self.at = self.after(seconds)


def invoice_for(name: str, sats: int, *, expires_at: datetime = NEVER) -> Destination:
    """Return an invoice of that name over this many sats, as a destination."""
    text = FakeInvoice(name, sats * 1_000, expires_at=expires_at).text
    return Destination(rail="lightning", kind="bolt11", value=text)


def hash_of(name: str, sats: int) -> str:
    """Return the payment hash of the invoice of that name."""
    return FakeInvoice(name, sats * 1_000).payment_hash


def proof_of(name: str, sats: int) -> str:
    """Return the preimage of the invoice of that name."""
    return FakeInvoice(name, sats * 1_000).preimage.hex()
