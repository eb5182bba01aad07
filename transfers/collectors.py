"""Interface of a collector, a way to receive money: plug-ins named in `settings.COLLECTORS` that write no rows here."""

from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef
from transfers.errors import CollectorUnknown
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection


class Collector(Protocol):
    """One way to receive money, in the currency of `account`, where it arrives.

    `wants_phone`: a request may contain the payer's phone; `needs_phone`: it must, since the payer is asked by phone.
    `paid_late_for` is how long after the end of a request its provider may still accept a payment for it.
    """

    name: str
    account: AccountRef
    wants_phone: bool
    needs_phone: bool
    paid_late_for: timedelta

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Open a request for money, idempotent per `collection_id`. Raises: CollectorUnavailable."""
        ...

    def reference_of(self, collection_id: int) -> str | None:
        """Return the reference of a request before it is opened; None where the provider assigns it."""
        ...

    def find(self, reference: str) -> CollectionStatus:
        """Query the state of a request. Raises: CollectorUnavailable."""
        ...

    def cancel(self, reference: str) -> CollectionStatus:
        """Cancel a request unless it was paid; return its state.

        A request that was paid in part takes no more money after it. Raises: CollectorUnavailable.
        """
        ...


@cache
def collector(name: str) -> Collector:
    """Return the collector of that name. Raises: CollectorUnknown."""
    if name not in settings.COLLECTORS:
        raise CollectorUnknown(method=name, known_methods=sorted(settings.COLLECTORS))
    loaded: Collector = import_string(settings.COLLECTORS[name])()
    return loaded
