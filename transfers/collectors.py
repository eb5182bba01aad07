"""What a collector is: a way money comes in. Plug-ins named in `settings.COLLECTORS`; they write nothing here."""

from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef
from transfers.errors import CollectorUnknown
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection


class Collector(Protocol):
    """One way to be paid. `account` is where what it collects arrives."""

    name: str
    account: AccountRef

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Ask for money; the same `collection_id` gives the same answer. Raises: CollectorUnavailable."""
        ...

    def reference_of(self, collection_id: int) -> str | None:
        """Return the reference a request has once it is open; None where only the outside gives it."""
        ...

    def find(self, reference: str) -> CollectionStatus:
        """Ask what became of it. Raises: CollectorUnavailable."""
        ...

    def cancel(self, reference: str) -> CollectionStatus:
        """Take the request back unless it was paid; return how it stands. Raises: CollectorUnavailable."""
        ...


@cache
def collector(name: str) -> Collector:
    """Return the collector of that name. Raises: CollectorUnknown."""
    if name not in settings.COLLECTORS:
        raise CollectorUnknown(method=name, known_methods=sorted(settings.COLLECTORS))
    loaded: Collector = import_string(settings.COLLECTORS[name])()
    return loaded
