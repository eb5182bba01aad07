"""A collector without a node: a test decides when members pay."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money
from transfers.errors import CollectorUnavailable
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection


class ScriptedCollector:
    """Open every request unless `is_unavailable`; `requests` keeps them by reference.

    `received` has what arrived, by reference, in the collector's currency; `over`, what nobody can pay any more;
    `asked_to_cancel`, what it was asked to cancel. `before_answering` is done while a request is being opened.
    """

    name = "lightning"
    account = AccountRef(AccountRole.NODE, Currency.MSAT)
    wants_phone = False
    needs_phone = False
    paid_late_for = timedelta(0)

    def __init__(self) -> None:
        self.is_unavailable = False
        self.requests: dict[str, CollectionRequest] = {}
        self.received: dict[str, int] = {}
        self.over: set[str] = set()
        self.asked_to_cancel: list[str] = []
        self.before_answering: Callable[[], None] | None = None

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        self._require_available()
        reference = _reference(self.name, request.collection_id)
        self.requests[reference] = request
        if self.before_answering is not None:
            self.before_answering()
        expires_at = now + timedelta(seconds=request.expires_in_seconds)
        return OpenedCollection(reference, f"pay-{reference}", "", expires_at)

    def reference_of(self, collection_id: int) -> str | None:
        return _reference(self.name, collection_id)

    def find(self, reference: str) -> CollectionStatus:
        self._require_available()
        received = self.money(self.received.get(reference, 0))
        unpaid = "cancelled" if reference in self.over else "open"
        return CollectionStatus("settled" if received.amount else unpaid, received, "", None)

    def cancel(self, reference: str) -> CollectionStatus:
        found = self.find(reference)
        self.asked_to_cancel.append(reference)
        if found.state == "settled":
            return found
        self.over.add(reference)
        return self.find(reference)

    def money(self, amount: int) -> Money:
        """Return an amount in the currency of this collector."""
        return Money(amount, self.account.currency)

    def _require_available(self) -> None:
        if self.is_unavailable:
            raise CollectorUnavailable(collector=self.name, detail="the fake is unavailable")


class OtherCollector(ScriptedCollector):
    """A second collector, whose references only the provider knows, and who asks payers by phone."""

    name = "wave"
    wants_phone = True

    def reference_of(self, collection_id: int) -> str | None:
        return None


def _reference(name: str, collection_id: int) -> str:
    return hashlib.sha256(f"{name}:{collection_id}".encode()).hexdigest()
