"""The franc collector: has a phone pay whole francs at the franc partner, and reports what arrived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, xof
from partners.config import NotConfigured
from partners.references import collection_reference
from partners.wire import PartnerError
from tests.francs.client import CallRefused, FrancClient, KeyRefused
from tests.francs.config import FrancConfig
from transfers.errors import CollectorCredentialsRefused, CollectorUnavailable
from transfers.types import CollectedPayment, CollectionRequest, CollectionStatus, OpenedCollection

NAME = "franc"
OPEN, SETTLED, CANCELLED = "open", "settled", "cancelled"
# A request that expired is closed like one that was cancelled.
STATES = {"open": OPEN, "paid": SETTLED, "cancelled": CANCELLED, "expired": CANCELLED}


class FrancCollector:
    """Collect francs. A collection may be paid in parts, twice, and after it was closed."""

    name = NAME
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, NAME)
    wants_phone = True
    needs_phone = False
    paid_late_for = timedelta(days=7)

    def __init__(self) -> None:
        self._client = FrancClient(FrancConfig.from_environment())

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Open a collection, or return the one that exists. Raises: CollectorUnavailable."""
        with self._unavailable_on_error():
            opened = self._client.post(
                "collections",
                reference=self.reference_of(request.collection_id),
                amount=request.amount.amount,
                expires_in_seconds=request.expires_in_seconds,
                phone=request.phone,
            )
        self._require_francs(opened)
        if opened["amount"] != request.amount.amount:
            raise CollectorUnavailable(collector=self.name, detail=f"opened for {opened['amount']} XOF")
        return OpenedCollection(
            reference=opened["reference"],
            payment_request="",
            checkout_url=opened["checkout_url"],
            expires_at=datetime.fromisoformat(opened["expires_at"]),
            source=opened["account"],
        )

    def reference_of(self, collection_id: int) -> str:
        return collection_reference(self.name, collection_id)

    def find(self, reference: str) -> CollectionStatus:
        """Return a collection's state and all that was paid into it. Raises: CollectorUnavailable."""
        with self._unavailable_on_error():
            try:
                found = self._client.get(f"collections/{reference}")
            except CallRefused as refused:
                return _not_found(refused)
        return self._status_of(found)

    def cancel(self, reference: str) -> CollectionStatus:
        """Cancel a collection unless it was paid. Raises: CollectorUnavailable."""
        with self._unavailable_on_error():
            try:
                found = self._client.post(f"collections/{reference}/cancel")
            except CallRefused as refused:
                return _not_found(refused)
        return self._status_of(found)

    def _status_of(self, found: dict[str, Any]) -> CollectionStatus:
        self._require_francs(found)
        payments = _payments_in(found)
        return CollectionStatus(
            state=STATES[found["status"]],
            received=xof(sum(payment.received.amount for payment in payments)),
            proof="",
            settled_at=payments[-1].received_at if payments else None,
            source=found["account"],
            payments=payments,
        )

    def _require_francs(self, found: dict[str, Any]) -> None:
        """Count nothing of a collection in another currency. Raises: CollectorUnavailable."""
        if found["currency"] != Currency.XOF:
            raise CollectorUnavailable(collector=self.name, detail=f"opened in {found['currency']}")

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        try:
            yield
        except (KeyRefused, NotConfigured) as error:
            raise CollectorCredentialsRefused(collector=self.name, detail=_detail(error)) from error
        except PartnerError as error:
            raise CollectorUnavailable(collector=self.name, detail=_detail(error)) from error


def _detail(error: PartnerError) -> str:
    return f"{type(error).__name__}: {error}"


def _payments_in(found: dict[str, Any]) -> tuple[CollectedPayment, ...]:
    """Return the payments that an answer lists; one that it lists again is the same one."""
    by_id = {row["id"]: row for row in found["receipts"]}
    return tuple(
        CollectedPayment(row["id"], xof(row["amount"]), row["id"], datetime.fromisoformat(row["at"]))
        for row in by_id.values()
    )


def _not_found(refused: CallRefused) -> CollectionStatus:
    if refused.code != "not_found":
        raise refused
    return CollectionStatus(
        CANCELLED, received=xof(0), proof="", settled_at=None, source=refused.answer["account"]
    )
