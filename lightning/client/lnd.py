"""The LND methods that we call, one Python method each."""

from __future__ import annotations

from datetime import datetime

from lightning.client.access import NodeAccess
from lightning.client.calls import NodeStream, stream_call, stream_call_before, unary_call
from lightning.proto import invoices_pb2, lightning_pb2, methods, router_pb2, state_pb2
from sunusav.core.deadlines import Deadline

READ_TIMEOUT_SECONDS = 10.0
LIST_TIMEOUT_SECONDS = 30.0
# The parts that a payment may be split into: LND's own default, sent explicitly so that a new release cannot change it.
MAX_PARTS = 16


class LndClient:
    """Call one node with one macaroon.

    Raises: in every method NodeUnavailable, NodeRefused, NodeAnswerUnknown or NodeMisconfigured.
    """

    def __init__(self, access: NodeAccess) -> None:
        self.access = access

    def get_state(self) -> state_pb2.GetStateResponse:
        """Return how far the node has started. Needs no macaroon and works while the wallet is locked."""
        return unary_call(
            self.access,
            methods.GET_STATE,
            state_pb2.GetStateRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def get_info(self, *, not_after: datetime | None = None) -> lightning_pb2.GetInfoResponse:
        """Return the node's identity and state. Raises: NodeTooLate when the node's clock is past `not_after`."""
        return unary_call(
            self.access,
            methods.GET_INFO,
            lightning_pb2.GetInfoRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
            not_after=not_after,
        )

    def channel_balance(self) -> lightning_pb2.ChannelBalanceResponse:
        return unary_call(
            self.access,
            methods.CHANNEL_BALANCE,
            lightning_pb2.ChannelBalanceRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def list_channels(self) -> lightning_pb2.ListChannelsResponse:
        """List the open channels, those too that cannot send now."""
        return unary_call(
            self.access,
            methods.LIST_CHANNELS,
            lightning_pb2.ListChannelsRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def decode_invoice(self, payment_request: str) -> lightning_pb2.PayReq:
        request = lightning_pb2.PayReqString(pay_req=payment_request)
        return unary_call(self.access, methods.DECODE_PAY_REQ, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def send_payment(
        self,
        *,
        payment_request: str,
        fee_limit_msat: int,
        timeout_seconds: int,
        stream_seconds: float,
        deadline: Deadline,
    ) -> NodeStream[lightning_pb2.Payment]:
        """Pay an invoice if the call reaches the node in time. The payment continues in the node when this stream ends.

        Units: after `timeout_seconds` the node starts no new attempt; `stream_seconds` ends this stream.
        Source: LND `SendPaymentV2`. A fee limit of 0 allows free routes only, so the limit is a required argument.
        Raises: NodeTooLate, here or while iterating.
        """
        request = router_pb2.SendPaymentRequest(
            payment_request=payment_request,
            fee_limit_msat=fee_limit_msat,
            timeout_seconds=timeout_seconds,
            max_parts=MAX_PARTS,
            allow_self_payment=False,
            amp=False,
            cancelable=False,
        )
        return stream_call_before(
            deadline, self.access, methods.SEND_PAYMENT_V2, request, timeout_seconds=stream_seconds
        )

    def track_payment(
        self, payment_hash: bytes, *, deadline_seconds: float = READ_TIMEOUT_SECONDS
    ) -> NodeStream[lightning_pb2.Payment]:
        """Follow a payment: its state at once, then each change until it ends."""
        request = router_pb2.TrackPaymentRequest(payment_hash=payment_hash)
        return stream_call(self.access, methods.TRACK_PAYMENT_V2, request, timeout_seconds=deadline_seconds)

    def list_payments(self, *, after_index: int, page_size: int) -> lightning_pb2.ListPaymentsResponse:
        """List payments of every state whose index is above `after_index`, in the order of their index.

        LND 0.21 and later omit the hops of the routes, which we do not read, when they store payments in SQL.
        """
        request = lightning_pb2.ListPaymentsRequest(
            include_incomplete=True, index_offset=after_index, max_payments=page_size, omit_hops=True
        )
        return unary_call(self.access, methods.LIST_PAYMENTS, request, timeout_seconds=LIST_TIMEOUT_SECONDS)

    def add_invoice(
        self, *, preimage: bytes, amount_msat: int, memo: str, expiry_seconds: int
    ) -> lightning_pb2.AddInvoiceResponse:
        request = lightning_pb2.Invoice(
            r_preimage=preimage, value_msat=amount_msat, memo=memo, expiry=expiry_seconds
        )
        return unary_call(self.access, methods.ADD_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def lookup_invoice(self, payment_hash: bytes) -> lightning_pb2.Invoice:
        request = lightning_pb2.PaymentHash(r_hash=payment_hash)
        return unary_call(self.access, methods.LOOKUP_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def list_newest_invoices(self, *, before_index: int, page_size: int) -> lightning_pb2.ListInvoiceResponse:
        """List a page of invoices before `before_index` (0: from the newest), oldest of the page first."""
        request = lightning_pb2.ListInvoiceRequest(
            index_offset=before_index, num_max_invoices=page_size, reversed=True
        )
        return unary_call(self.access, methods.LIST_INVOICES, request, timeout_seconds=LIST_TIMEOUT_SECONDS)

    def subscribe_invoices(self, *, settle_index: int) -> NodeStream[lightning_pb2.Invoice]:
        """Follow invoices without end: first the settlements after `settle_index` (0: no backlog), then new events."""
        request = lightning_pb2.InvoiceSubscription(settle_index=settle_index)
        return stream_call(self.access, methods.SUBSCRIBE_INVOICES, request, timeout_seconds=None)

    def cancel_invoice(self, payment_hash: bytes) -> None:
        request = invoices_pb2.CancelInvoiceMsg(payment_hash=payment_hash)
        unary_call(self.access, methods.CANCEL_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)
