"""Decide whether an invoice may be paid: from its text alone, then from what the node reads in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from lightning.bolt11 import Bolt11Error, Feature, Invoice, decode, normalised
from lightning.errors import (
    InvoiceAmountDiffers,
    InvoiceExpired,
    InvoiceExpiresTooSoon,
    InvoiceForAnotherNetwork,
    InvoiceFromTheFuture,
    InvoiceLocksTooLong,
    InvoiceNeedsAmp,
    InvoiceNeedsUnknownFeature,
    InvoicePaysOurselves,
    InvoiceUnreadable,
    InvoiceWithoutAmount,
    NodeReadsInvoiceDifferently,
)
from lightning.proto import lightning_pb2

# The largest clock error of a wallet that we accept.
CLOCK_TOLERANCE = timedelta(minutes=10)
# A week. LND allows 2016 blocks for a whole route; the last hop must leave some for the others.
MAX_FINAL_CLTV_BLOCKS = 1008


def read_invoice(text: str) -> Invoice:
    """Read an invoice as a person pasted it. Raises: InvoiceUnreadable."""
    try:
        return decode(normalised(text))
    except Bolt11Error as error:
        raise InvoiceUnreadable(reason=error.reason) from error


def payable_invoice(
    text: str, *, amount_msat: int, prefix: str, now: datetime, needed_seconds: int
) -> Invoice:
    """Read an invoice and check that it may be paid, from its text alone.

    Units: `prefix` is the invoice prefix of our network (bc, tb, ...); `needed_seconds` must remain until
    expiry. Raises: one refusal of `lightning.errors` per reason. Source: BOLT 11.
    """
    invoice = read_invoice(text)
    if invoice.network != prefix:
        raise InvoiceForAnotherNetwork(invoice_network=invoice.network, our_network=prefix)
    _require_amount(invoice, amount_msat)
    _require_in_time(invoice, now, needed_seconds)
    if invoice.offers(Feature.AMP):
        raise InvoiceNeedsAmp(payment_hash=invoice.payment_hash.hex())
    if invoice.min_final_cltv_expiry > MAX_FINAL_CLTV_BLOCKS:
        raise InvoiceLocksTooLong(blocks=invoice.min_final_cltv_expiry, limit_blocks=MAX_FINAL_CLTV_BLOCKS)
    return invoice


def _require_amount(invoice: Invoice, amount_msat: int) -> None:
    if invoice.amount_msat is None:
        raise InvoiceWithoutAmount(expected_msat=amount_msat)
    if invoice.amount_msat != amount_msat:
        raise InvoiceAmountDiffers(expected_msat=amount_msat, invoice_msat=invoice.amount_msat)


def _require_in_time(invoice: Invoice, now: datetime, needed_seconds: int) -> None:
    if invoice.created_at > now + CLOCK_TOLERANCE:
        raise InvoiceFromTheFuture(created_at=invoice.created_at.isoformat())
    left_seconds = invoice.expires_at_unix - now.timestamp()
    if left_seconds < 0:
        raise InvoiceExpired(expired_at=invoice.expires_at.isoformat())
    if left_seconds < needed_seconds:
        raise InvoiceExpiresTooSoon(expires_at=invoice.expires_at.isoformat(), needed_seconds=needed_seconds)


def require_node_agrees(invoice: Invoice, answer: lightning_pb2.PayReq, *, our_pubkey: str) -> None:
    """Compare what our node reads in the same text with what our codec reads.

    Raises: InvoicePaysOurselves, InvoiceNeedsUnknownFeature, NodeReadsInvoiceDifferently.
    """
    ours = {
        "payment_hash": invoice.payment_hash.hex(),
        "destination": invoice.payee.hex(),
        "num_msat": invoice.amount_msat,
        "timestamp": invoice.timestamp,
        "expiry": invoice.expiry_seconds,
        "payment_addr": invoice.payment_secret,
    }
    for field, value in ours.items():
        if getattr(answer, field) != value:
            raise NodeReadsInvoiceDifferently(field=field)
    if invoice.payee.hex() == our_pubkey:
        raise InvoicePaysOurselves(payee=our_pubkey)
    unknown = [
        bit for bit, feature in answer.features.items() if feature.is_required and not feature.is_known
    ]
    if unknown:
        raise InvoiceNeedsUnknownFeature(features=sorted(unknown))
