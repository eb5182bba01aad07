"""lnrpc.Lightning: node, balance, invoices, lists, decoding.

Source: lightningnetwork/lnd rpcserver.go, payments/db/query.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import grpc

from lightning.proto import lightning_pb2 as pb
from lightning.proto import methods
from sandbox.lnd import chain, macaroons
from sandbox.lnd.errors import Refusal
from sandbox.lnd.invoices import UNPAID, Draft
from sandbox.lnd.messages import (
    CHANNEL_ID,
    MSAT_PER_SAT,
    creation_seconds,
    features_message,
    invoice_message,
    node_features,
)
from sandbox.lnd.requests import msat_of, read_invoice
from sandbox.lnd.rows import InvoiceRow, PaymentRow
from sandbox.lnd.services import Behaviours, end_with_call
from sandbox.lnd.world import Node

OMIT_HOPS_SINCE = 21  # a field that older releases ignore, and the key-value store still does
DEFAULT_PAGE = 100
NO_PAYMENT_SECRET = bytes(32)
PEER = "02" + "5a" * 32  # the other side of each channel
NO_LIMIT_OF_HTLCS = 2**16 - 1  # a real node allows at most 483

Row = TypeVar("Row")
Context = grpc.ServicerContext


def behaviours(node: Node) -> Behaviours:
    service = LightningService(node)
    return {
        methods.GET_INFO: service.get_info,
        methods.CHANNEL_BALANCE: service.channel_balance,
        methods.LIST_CHANNELS: service.list_channels,
        methods.ADD_INVOICE: service.add_invoice,
        methods.LOOKUP_INVOICE: service.lookup_invoice,
        methods.LIST_INVOICES: service.list_invoices,
        methods.SUBSCRIBE_INVOICES: service.subscribe_invoices,
        methods.DECODE_PAY_REQ: service.decode_pay_req,
        methods.LIST_PAYMENTS: service.list_payments,
        methods.DELETE_PAYMENT: service.delete_payment,
        methods.CHECK_MACAROON_PERMISSIONS: service.check_macaroon_permissions,
    }


class LightningService:
    def __init__(self, node: Node) -> None:
        self.node = node

    def get_info(self, _request: pb.GetInfoRequest, _context: Context) -> pb.GetInfoResponse:
        options, height = self.node.options, chain.height_at(self.node.world.clock.now())
        return pb.GetInfoResponse(
            identity_pubkey=options.shown_pubkey or self.node.pubkey.hex(),
            alias=options.alias or self.node.row.name,
            num_active_channels=1,
            num_inactive_channels=1 if options.inactive_msat else 0,
            num_peers=1,
            block_height=height,
            block_hash=chain.block_hash(height),
            synced_to_chain=options.synced_to_chain,
            synced_to_graph=options.synced_to_graph,
            best_header_timestamp=chain.mined_at(height),
            features=node_features(options.minor),
            version=f"{options.version} commit=simulated",
            chains=[pb.Chain(network=options.shown_network or self.node.world.network)],
        )

    def channel_balance(
        self, _request: pb.ChannelBalanceRequest, _context: Context
    ) -> pb.ChannelBalanceResponse:
        """Count every open channel, inactive ones too."""
        with self.node.world.lock:
            row = self.node.row
            return pb.ChannelBalanceResponse(
                local_balance=_amount(row.local_msat + self.node.options.inactive_msat),
                remote_balance=_amount(row.remote_msat),
                unsettled_local_balance=_amount(row.unsettled_in_msat),
                unsettled_remote_balance=_amount(row.unsettled_out_msat),
                pending_open_local_balance=_amount(0),
                pending_open_remote_balance=_amount(0),
            )

    def list_channels(self, request: pb.ListChannelsRequest, _context: Context) -> pb.ListChannelsResponse:
        """List the one channel, which the other side opened: it pays the commitment's fee; then an inactive one."""
        with self.node.world.lock:
            row = self.node.row
            capacity_msat = row.local_msat + row.remote_msat + row.unsettled_out_msat + row.unsettled_in_msat
            channels = [
                self._channel(
                    0,
                    active=True,
                    pending_htlcs=[
                        pb.HTLC(amount=htlc.amount_msat // MSAT_PER_SAT, hash_lock=payment.payment_hash)
                        for payment, htlc in self.node.payments.htlcs_in_channel()
                    ],
                    local_balance=row.local_msat // MSAT_PER_SAT,
                    remote_balance=row.remote_msat // MSAT_PER_SAT,
                    local_constraints=pb.ChannelConstraints(
                        chan_reserve_sat=-(-row.reserve_msat // MSAT_PER_SAT),
                        max_pending_amt_msat=capacity_msat,
                        max_accepted_htlcs=NO_LIMIT_OF_HTLCS,
                    ),
                )
            ]
            inactive_msat = self.node.options.inactive_msat
        if inactive_msat and not request.active_only:
            channels.append(self._channel(1, active=False, local_balance=inactive_msat // MSAT_PER_SAT))
        return pb.ListChannelsResponse(channels=channels)

    def _channel(self, number: int, **fields: Any) -> pb.Channel:
        """Return a channel of which the key of the node makes up the funding transaction."""
        point = f"{self.node.pubkey.hex()[2:]}:{number}"
        return pb.Channel(remote_pubkey=PEER, channel_point=point, chan_id=CHANNEL_ID + number, **fields)

    def add_invoice(self, request: pb.Invoice, _context: Context) -> pb.AddInvoiceResponse:
        row = self.node.invoices.add(
            Draft(
                value_msat=msat_of(request.value, request.value_msat),
                memo=request.memo,
                description_hash=request.description_hash,
                expiry_seconds=request.expiry,
                cltv_expiry=request.cltv_expiry,
                preimage=request.r_preimage,
                is_private=request.private,
            )
        )
        return pb.AddInvoiceResponse(
            r_hash=row.payment_hash,
            payment_request=row.payment_request,
            add_index=row.add_index,
            payment_addr=row.payment_secret,
        )

    def lookup_invoice(self, request: pb.PaymentHash, _context: Context) -> pb.Invoice:
        return invoice_message(self.node.invoices.lookup(request.r_hash))

    def list_invoices(self, request: pb.ListInvoiceRequest, _context: Context) -> pb.ListInvoiceResponse:
        if request.creation_date_end and request.creation_date_start > request.creation_date_end:
            raise Refusal("creation_date_start must be before creation_date_end")
        with self.node.world.lock:
            listed = [row for row in self.node.invoices.by_add_index.values() if _is_listed(row, request)]
        page = paged(
            [(row.add_index, row) for row in listed],
            offset=request.index_offset,
            limit=request.num_max_invoices,
            backwards=request.reversed,
        )
        return pb.ListInvoiceResponse(
            invoices=[invoice_message(row) for row in page],
            first_index_offset=page[0].add_index if page else 0,
            last_index_offset=page[-1].add_index if page else 0,
        )

    def subscribe_invoices(self, request: pb.InvoiceSubscription, context: Context) -> Iterator[pb.Invoice]:
        """Yield added and settled invoices. Both indexes are exclusive; 0 means no backlog."""
        book = self.node.invoices
        with self.node.world.lock:
            live = book.added_or_settled.subscribe()
            rows = list(book.by_add_index.values())
            added = [invoice_message(row) for row in rows if 0 < request.add_index < row.add_index]
            settled = sorted(
                (row for row in rows if 0 < request.settle_index < row.settle_index),
                key=lambda row: row.settle_index,
            )
            backlog = added + [invoice_message(row) for row in settled]
        end_with_call(live, context)
        yield from backlog
        yield from live

    def decode_pay_req(self, request: pb.PayReqString, _context: Context) -> pb.PayReq:
        invoice = read_invoice(request.pay_req, self.node.world)
        return pb.PayReq(
            destination=invoice.payee.hex(),
            payment_hash=invoice.payment_hash.hex(),
            num_satoshis=(invoice.amount_msat or 0) // MSAT_PER_SAT,
            num_msat=invoice.amount_msat or 0,
            timestamp=invoice.timestamp,
            expiry=invoice.expiry_seconds,
            description=invoice.description or "",
            description_hash=(invoice.description_hash or b"").hex(),
            cltv_expiry=invoice.min_final_cltv_expiry,
            payment_addr=invoice.payment_secret or NO_PAYMENT_SECRET,
            features=features_message(invoice.features),
        )

    def list_payments(self, request: pb.ListPaymentsRequest, _context: Context) -> pb.ListPaymentsResponse:
        if request.creation_date_end and request.creation_date_start > request.creation_date_end:
            raise Refusal("creation_date_start must be before creation_date_end")
        with self.node.world.lock:
            book = self.node.payments
            current = sorted(book.current.values(), key=lambda row: row.payment_index)
            page = paged(
                [(row.payment_index, row) for row in current if _is_payment_listed(row, request)],
                offset=request.index_offset,
                limit=request.max_payments,
                backwards=request.reversed,
            )
            messages = [book.message(row) for row in page]
        options = self.node.options
        omits = request.omit_hops and options.minor >= OMIT_HOPS_SINCE and options.payment_store == "sql"
        for message in messages if omits else ():
            for htlc in message.htlcs:
                del htlc.route.hops[:]
        return pb.ListPaymentsResponse(
            payments=messages,
            first_index_offset=page[0].payment_index if page else 0,
            last_index_offset=page[-1].payment_index if page else 0,
            total_num_payments=len(current) if request.count_total_payments else 0,
        )

    def delete_payment(self, request: pb.DeletePaymentRequest, _context: Context) -> pb.DeletePaymentResponse:
        row = self.node.payments.lookup(request.payment_hash)
        if row.is_open:
            raise Refusal("payment is in transition")
        if not request.failed_htlcs_only:
            self.node.payments.delete(row)
        return pb.DeletePaymentResponse()

    def check_macaroon_permissions(
        self, request: pb.CheckMacPermRequest, _context: Context
    ) -> pb.CheckMacPermResponse:
        method = methods.METHODS.get(request.fullMethod)
        needed = [(permission.entity, permission.action) for permission in request.permissions]
        if request.check_default_perms_from_full_method and method is not None:
            needed = list(method.permissions)
        macaroons.check(
            request.macaroon,
            root_key=self.node.row.macaroon_root_key,
            needed=needed,
            path=request.fullMethod,
            now_ns=self.node.world.clock.now_ns(),
        )
        return pb.CheckMacPermResponse(valid=True)


def paged(numbered: Sequence[tuple[int, Row]], *, offset: int, limit: int, backwards: bool) -> list[Row]:
    """Return a page of ascending rows. The offset is exclusive; a page read backwards is ascending as well."""
    limit = limit or DEFAULT_PAGE
    if backwards:
        return [row for index, row in numbered if not offset or index < offset][-limit:]
    return [row for index, row in numbered if index > offset][:limit]


def _is_listed(row: InvoiceRow, request: pb.ListInvoiceRequest) -> bool:
    in_time = request.creation_date_start <= row.created_at <= (request.creation_date_end or row.created_at)
    return in_time and (row.state in UNPAID or not request.pending_only)


def _is_payment_listed(row: PaymentRow, request: pb.ListPaymentsRequest) -> bool:
    created = creation_seconds(row)
    in_time = request.creation_date_start <= created <= (request.creation_date_end or created)
    return in_time and (row.status == pb.Payment.SUCCEEDED or request.include_incomplete)


def _amount(msat: int) -> pb.Amount:
    return pb.Amount(sat=msat // MSAT_PER_SAT, msat=msat)
