"""Interface of a collector, a way to receive money: plug-ins named in `settings.COLLECTORS` that write no rows here."""

from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef
from transfers.errors import CollectorUnknown
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection


class Collector(Protocol):
    """One way to receive money. `account` is where it arrives."""

    name: str
    account: AccountRef

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
        """Cancel a request unless it was paid; return its state. Raises: CollectorUnavailable."""
        ...


@cache
def collector(name: str) -> Collector:
    """Return the collector of that name. Raises: CollectorUnknown."""
    if name not in settings.COLLECTORS:
        raise CollectorUnknown(method=name, known_methods=sorted(settings.COLLECTORS))
    loaded: Collector = import_string(settings.COLLECTORS[name])()
    return loaded
