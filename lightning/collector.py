"""The Lightning collector: collects money with invoices of our node and reports what arrived."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, msat
from lightning.bolt11 import Invoice, decode
from lightning.client import AccessScope, LndClient, NodeError, NodeMacaroonRefused, NodeRefused, access_for
from lightning.outcomes import preimage_fits
from lightning.proto import lightning_pb2
from transfers.errors import CollectorUnavailable
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection

NAME = "lightning"
OPEN, SETTLED, CANCELLED = "open", "settled", "cancelled"


def preimage_of(collection_id: int) -> bytes:
    """Derive the preimage of a collection's invoice from our key.

    Opening the same collection twice gives the same invoice, so a crash leaves no orphan.
    """
    key = bytes.fromhex(settings.INVOICE_PREIMAGE_KEY)
    return hmac.digest(key, str(collection_id).encode(), "sha256")


class LightningCollector:
    """Collect money with invoices of our LND node. Writes nothing to the database."""

    name = NAME
    account = AccountRef(AccountRole.NODE, Currency.MSAT)
    wants_phone = False
    needs_phone = False
    # An invoice is paid once, and never after its end.
    paid_late_for = timedelta(0)

    def __init__(self, client: LndClient | None = None) -> None:
        self._client = client or LndClient(access_for(AccessScope.INVOICING))

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Create the collection's invoice, or return the one that exists.

        Every payer can read the memo: it must contain no names. Raises: CollectorUnavailable.
        """
        preimage = preimage_of(request.collection_id)
        payment_hash = sha256(preimage).digest()
        try:
            text = self._add_invoice(request, preimage)
        except NodeRefused as refused:
            text = self._existing_invoice(request, payment_hash, refused)
        except NodeError as error:
            raise _unavailable(error) from error
        invoice = decode(text)
        _require_ours(invoice, request, payment_hash)
        return OpenedCollection(
            reference=payment_hash.hex(), payment_request=text, checkout_url="", expires_at=invoice.expires_at,
            source=invoice.payee.hex(),
        )  # fmt: skip

    def reference_of(self, collection_id: int) -> str:
        """Return the payment hash of a collection's invoice, whether it exists or not."""
        return sha256(preimage_of(collection_id)).hexdigest()

    def find(self, reference: str) -> CollectionStatus:
        """Return the invoice's status. Raises: CollectorUnavailable, also when a settled invoice lacks its preimage.

        LND may garbage-collect cancelled invoices, so not found is reported as cancelled, with the
        node as `source`: the caller accepts it only from the node that made the invoice, after its expiry.
        """
        try:
            invoice = self._client.lookup_invoice(bytes.fromhex(reference))
        except NodeRefused as refused:
            return self._not_found(refused)
        except NodeError as error:
            raise _unavailable(error) from error
        return replace(status_of(invoice, reference), source=decode(invoice.payment_request).payee.hex())

    def cancel(self, reference: str) -> CollectionStatus:
        """Cancel the invoice unless it was paid. Raises: CollectorUnavailable."""
        try:
            self._client.cancel_invoice(bytes.fromhex(reference))
        except NodeRefused as refused:
            if not refused.mentions("already settled", "unable to locate invoice"):
                raise _unavailable(refused) from refused
        except NodeError as error:
            raise _unavailable(error) from error
        return self.find(reference)

    def _not_found(self, refused: NodeRefused) -> CollectionStatus:
        if not refused.is_invoice_not_found:
            raise _unavailable(refused) from refused
        try:
            source = self._client.get_info().identity_pubkey
        except NodeError as error:
            raise _unavailable(error) from error
        return CollectionStatus(CANCELLED, received=msat(0), proof="", settled_at=None, source=source)

    def _add_invoice(self, request: CollectionRequest, preimage: bytes) -> str:
        answer = self._client.add_invoice(
            preimage=preimage,
            amount_msat=request.amount.amount,
            memo=request.memo,
            expiry_seconds=request.expires_in_seconds,
        )
        return answer.payment_request

    def _existing_invoice(self, request: CollectionRequest, payment_hash: bytes, refused: NodeRefused) -> str:
        if not refused.mentions("already exists"):
            raise _unavailable(refused) from refused
        try:
            return self._client.lookup_invoice(payment_hash).payment_request
        except NodeError as error:
            raise _unavailable(error) from error


def status_of(invoice: lightning_pb2.Invoice, reference: str) -> CollectionStatus:
    """Translate an invoice of our node into a status. What arrived counts, not the invoice's amount.

    Units: `amt_paid_msat`, which exceeds the invoice's amount when the payer overpaid.
    Raises: CollectorUnavailable when a settled invoice does not carry its own preimage.
    """
    if invoice.state == lightning_pb2.Invoice.CANCELED:
        return CollectionStatus(state=CANCELLED, received=msat(0), proof="", settled_at=None)
    if invoice.state != lightning_pb2.Invoice.SETTLED:
        return CollectionStatus(state=OPEN, received=msat(0), proof="", settled_at=None)
    proof = invoice.r_preimage.hex()
    if not preimage_fits(reference, proof):
        raise CollectorUnavailable(collector=NAME, detail=f"{reference} is settled without its preimage")
    return CollectionStatus(
        state=SETTLED,
        received=msat(invoice.amt_paid_msat),
        proof=proof,
        settled_at=datetime.fromtimestamp(invoice.settle_date, tz=UTC),
    )


def _require_ours(invoice: Invoice, request: CollectionRequest, payment_hash: bytes) -> None:
    """Refuse an invoice whose hash or amount differs from our record, before a payer sees it."""
    if (invoice.payment_hash, invoice.amount_msat) != (payment_hash, request.amount.amount):
        raise CollectorUnavailable(
            collector=NAME, detail=f"the node's invoice for collection {request.collection_id} is not ours"
        )


def _unavailable(error: NodeError) -> CollectorUnavailable:
    what = f"the {AccessScope.INVOICING} macaroon: " if isinstance(error, NodeMacaroonRefused) else ""
    return CollectorUnavailable(collector=NAME, detail=f"{what}{error}"[:500])
