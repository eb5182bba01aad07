"""The methods of LND that we call, one function each, with the request as LND wants it."""

from __future__ import annotations

from lightning.client.access import NodeAccess
from lightning.client.calls import NodeStream, ask, listen
from lightning.proto import invoices_pb2, lightning_pb2, methods, router_pb2, state_pb2

READ_TIMEOUT_SECONDS = 10.0
LIST_TIMEOUT_SECONDS = 30.0
# Zero would become 16 in LND; said openly so that it cannot change under us.
MAX_PARTS = 16


class LndClient:
    """Speak to one node with one macaroon.

    Raises: each method NodeUnavailable, NodeRefused, NodeAnswerUnknown or NodeMisconfigured.
    """

    def __init__(self, access: NodeAccess) -> None:
        self.access = access

    def get_state(self) -> state_pb2.GetStateResponse:
        """Ask how far the node has started; works while its wallet is locked, without a macaroon."""
        return ask(
            self.access,
            methods.GET_STATE,
            state_pb2.GetStateRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def get_info(self) -> lightning_pb2.GetInfoResponse:
        return ask(
            self.access,
            methods.GET_INFO,
            lightning_pb2.GetInfoRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def channel_balance(self) -> lightning_pb2.ChannelBalanceResponse:
        return ask(
            self.access,
            methods.CHANNEL_BALANCE,
            lightning_pb2.ChannelBalanceRequest(),
            timeout_seconds=READ_TIMEOUT_SECONDS,
        )

    def decode_invoice(self, payment_request: str) -> lightning_pb2.PayReq:
        request = lightning_pb2.PayReqString(pay_req=payment_request)
        return ask(self.access, methods.DECODE_PAY_REQ, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def send_payment(
        self, *, payment_request: str, fee_limit_msat: int, timeout_seconds: int, deadline_seconds: float
    ) -> NodeStream[lightning_pb2.Payment]:
        """Pay an invoice; the payment goes on in the node whatever happens to this stream.

        Units: `timeout_seconds` ends new attempts in the node, `deadline_seconds` ends our listening.
        Source: lightning.md 3.6. A fee limit of 0 would mean free routes only, so it is always given.
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
        return listen(self.access, methods.SEND_PAYMENT_V2, request, timeout_seconds=deadline_seconds)

    def track_payment(
        self, payment_hash: bytes, *, deadline_seconds: float = READ_TIMEOUT_SECONDS
    ) -> NodeStream[lightning_pb2.Payment]:
        """Ask what became of a payment: its state at once, then changes until it ends."""
        request = router_pb2.TrackPaymentRequest(payment_hash=payment_hash)
        return listen(self.access, methods.TRACK_PAYMENT_V2, request, timeout_seconds=deadline_seconds)

    def list_payments(self, *, after_index: int, page_size: int) -> lightning_pb2.ListPaymentsResponse:
        """List payments of every state in the order of their index, which starts after `after_index`.

        Without the hops of their routes where LND can leave them out (0.21): nobody here reads them.
        """
        request = lightning_pb2.ListPaymentsRequest(
            include_incomplete=True, index_offset=after_index, max_payments=page_size, omit_hops=True
        )
        return ask(self.access, methods.LIST_PAYMENTS, request, timeout_seconds=LIST_TIMEOUT_SECONDS)

    def add_invoice(
        self, *, preimage: bytes, amount_msat: int, memo: str, expiry_seconds: int
    ) -> lightning_pb2.AddInvoiceResponse:
        request = lightning_pb2.Invoice(
            r_preimage=preimage, value_msat=amount_msat, memo=memo, expiry=expiry_seconds
        )
        return ask(self.access, methods.ADD_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def lookup_invoice(self, payment_hash: bytes) -> lightning_pb2.Invoice:
        request = lightning_pb2.PaymentHash(r_hash=payment_hash)
        return ask(self.access, methods.LOOKUP_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)

    def list_newest_invoices(self, *, before_index: int, page_size: int) -> lightning_pb2.ListInvoiceResponse:
        """List a page of invoices before `before_index` (0: from the newest), oldest of the page first."""
        request = lightning_pb2.ListInvoiceRequest(
            index_offset=before_index, num_max_invoices=page_size, reversed=True
        )
        return ask(self.access, methods.LIST_INVOICES, request, timeout_seconds=LIST_TIMEOUT_SECONDS)

    def subscribe_invoices(self, *, settle_index: int) -> NodeStream[lightning_pb2.Invoice]:
        """Follow invoices: settlements after `settle_index` first (0: no backlog), then live, for ever."""
        request = lightning_pb2.InvoiceSubscription(settle_index=settle_index)
        return listen(self.access, methods.SUBSCRIBE_INVOICES, request, timeout_seconds=None)

    def cancel_invoice(self, payment_hash: bytes) -> None:
        request = invoices_pb2.CancelInvoiceMsg(payment_hash=payment_hash)
        ask(self.access, methods.CANCEL_INVOICE, request, timeout_seconds=READ_TIMEOUT_SECONDS)
