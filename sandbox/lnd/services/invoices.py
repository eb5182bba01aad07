"""invoicesrpc.Invoices: hold, settle, cancel, look up and follow one invoice.

Source: lightningnetwork/lnd lnrpc/invoicesrpc/invoices_server.go, invoices/invoiceregistry.go.
"""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from lightning.proto import invoices_pb2 as pb
from lightning.proto import methods
from lightning.proto.lightning_pb2 import Invoice
from sandbox.lnd.errors import Refusal
from sandbox.lnd.invoices import NOT_FOUND, Draft
from sandbox.lnd.messages import invoice_message
from sandbox.lnd.requests import msat_of
from sandbox.lnd.rows import HASH_BYTES
from sandbox.lnd.services import Behaviours, end_with_call
from sandbox.lnd.world import Node

Context = grpc.ServicerContext
FINAL = (Invoice.SETTLED, Invoice.CANCELED)


def behaviours(node: Node) -> Behaviours:
    service = InvoicesService(node)
    return {
        methods.LOOKUP_INVOICE_V2: service.lookup_invoice_v2,
        methods.CANCEL_INVOICE: service.cancel_invoice,
        methods.SUBSCRIBE_SINGLE_INVOICE: service.subscribe_single_invoice,
        methods.ADD_HOLD_INVOICE: service.add_hold_invoice,
        methods.SETTLE_INVOICE: service.settle_invoice,
    }


class InvoicesService:
    def __init__(self, node: Node) -> None:
        self.node = node

    def lookup_invoice_v2(self, request: pb.LookupInvoiceMsg, _context: Context) -> Invoice:
        if request.payment_addr:
            rows = self.node.invoices.rows.values()
            found = [row for row in rows if row.payment_secret == request.payment_addr]
            if not found:
                raise Refusal("unable to locate invoice", NOT_FOUND)
            return invoice_message(found[0])
        return invoice_message(self.node.invoices.lookup(request.payment_hash))

    def cancel_invoice(self, request: pb.CancelInvoiceMsg, _context: Context) -> pb.CancelInvoiceResp:
        self.node.invoices.cancel(request.payment_hash)
        return pb.CancelInvoiceResp()

    def settle_invoice(self, request: pb.SettleInvoiceMsg, _context: Context) -> pb.SettleInvoiceResp:
        self.node.invoices.settle_held(request.preimage)
        return pb.SettleInvoiceResp()

    def add_hold_invoice(self, request: pb.AddHoldInvoiceRequest, _context: Context) -> pb.AddHoldInvoiceResp:
        if len(request.hash) != HASH_BYTES:
            raise Refusal(f"invalid hash length of {len(request.hash)}, want 32")
        row = self.node.invoices.add(
            Draft(
                value_msat=msat_of(request.value, request.value_msat),
                memo=request.memo,
                description_hash=request.description_hash,
                expiry_seconds=request.expiry,
                cltv_expiry=request.cltv_expiry,
                payment_hash=request.hash,
                is_private=request.private,
            )
        )
        return pb.AddHoldInvoiceResp(
            payment_request=row.payment_request, add_index=row.add_index, payment_addr=row.payment_secret
        )

    def subscribe_single_invoice(
        self, request: pb.SubscribeSingleInvoiceRequest, context: Context
    ) -> Iterator[Invoice]:
        """Yield the invoice now and at each change until it is final; an unknown hash waits without an answer."""
        with self.node.world.lock:
            changes = self.node.invoices.changed.subscribe(request.r_hash)
            row = self.node.invoices.rows.get(request.r_hash)
            first = [invoice_message(row)] if row is not None else []
        end_with_call(changes, context)
        for message in first:
            yield message
            if message.state in FINAL:
                return
        for message in changes:
            yield message
            if message.state in FINAL:
                return
