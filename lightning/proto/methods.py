"""Every LND method that the client or the simulated node knows: path, messages, permissions.

Written by hand, not generated as `*_pb2_grpc`: the messages are in our own package, the paths must name LND's.
Source: lightningnetwork/lnd lnrpc/*.proto and the permission tables of rpcserver.go, router_server.go,
invoices_server.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import grpc
from google.protobuf.message import Message

from lightning.proto import invoices_pb2, lightning_pb2, router_pb2, state_pb2

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Behaviour = Callable[[Any, grpc.ServicerContext], Message | Iterator[Message]]


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """One gRPC method of LND. `permissions` are (entity, action) pairs; when empty, no macaroon is required."""

    path: str
    request: type[Request]
    response: type[Response]
    permissions: tuple[tuple[str, str], ...]
    streams: bool = False

    @property
    def service(self) -> str:
        return self.path.split("/")[1]

    @property
    def name(self) -> str:
        return self.path.split("/")[2]

    def unary(self, channel: grpc.Channel) -> Callable[..., Response]:
        """Return a callable `(request, timeout=..., metadata=...) -> response` on this channel."""
        if self.streams:
            raise TypeError(f"{self.path} answers with a stream")
        call = channel.unary_unary(
            self.path, request_serializer=_serialize, response_deserializer=self.response.FromString
        )
        return cast("Callable[..., Response]", call)

    def stream(self, channel: grpc.Channel) -> Callable[..., grpc.CallIterator[Response]]:
        """Return a callable `(request, timeout=..., metadata=...) -> iterator of responses` with `.cancel()`."""
        if not self.streams:
            raise TypeError(f"{self.path} answers with one message")
        call = channel.unary_stream(
            self.path, request_serializer=_serialize, response_deserializer=self.response.FromString
        )
        return cast("Callable[..., grpc.CallIterator[Response]]", call)

    def handler(self, behaviour: Behaviour) -> grpc.RpcMethodHandler[Request, Response]:
        """Return the server side of this method: `behaviour(request, context)` returns a message or an iterator."""
        make = grpc.unary_stream_rpc_method_handler if self.streams else grpc.unary_unary_rpc_method_handler
        made = make(behaviour, request_deserializer=self.request.FromString, response_serializer=_serialize)
        return cast("grpc.RpcMethodHandler[Request, Response]", made)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


INFO_READ = (("info", "read"),)
OFFCHAIN_READ = (("offchain", "read"),)
OFFCHAIN_WRITE = (("offchain", "write"),)
INVOICES_READ = (("invoices", "read"),)
INVOICES_WRITE = (("invoices", "write"),)

GET_STATE = Method("/lnrpc.State/GetState", state_pb2.GetStateRequest, state_pb2.GetStateResponse, ())
SUBSCRIBE_STATE = Method(
    "/lnrpc.State/SubscribeState",
    state_pb2.SubscribeStateRequest,
    state_pb2.SubscribeStateResponse,
    (),
    streams=True,
)
GET_INFO = Method(
    "/lnrpc.Lightning/GetInfo", lightning_pb2.GetInfoRequest, lightning_pb2.GetInfoResponse, INFO_READ
)
CHANNEL_BALANCE = Method(
    "/lnrpc.Lightning/ChannelBalance",
    lightning_pb2.ChannelBalanceRequest,
    lightning_pb2.ChannelBalanceResponse,
    OFFCHAIN_READ,
)
LIST_CHANNELS = Method(
    "/lnrpc.Lightning/ListChannels",
    lightning_pb2.ListChannelsRequest,
    lightning_pb2.ListChannelsResponse,
    OFFCHAIN_READ,
)
ADD_INVOICE = Method(
    "/lnrpc.Lightning/AddInvoice", lightning_pb2.Invoice, lightning_pb2.AddInvoiceResponse, INVOICES_WRITE
)
LOOKUP_INVOICE = Method(
    "/lnrpc.Lightning/LookupInvoice", lightning_pb2.PaymentHash, lightning_pb2.Invoice, INVOICES_READ
)
LIST_INVOICES = Method(
    "/lnrpc.Lightning/ListInvoices",
    lightning_pb2.ListInvoiceRequest,
    lightning_pb2.ListInvoiceResponse,
    INVOICES_READ,
)
SUBSCRIBE_INVOICES = Method(
    "/lnrpc.Lightning/SubscribeInvoices",
    lightning_pb2.InvoiceSubscription,
    lightning_pb2.Invoice,
    INVOICES_READ,
    streams=True,
)
DECODE_PAY_REQ = Method(
    "/lnrpc.Lightning/DecodePayReq", lightning_pb2.PayReqString, lightning_pb2.PayReq, OFFCHAIN_READ
)
LIST_PAYMENTS = Method(
    "/lnrpc.Lightning/ListPayments",
    lightning_pb2.ListPaymentsRequest,
    lightning_pb2.ListPaymentsResponse,
    OFFCHAIN_READ,
)
CHECK_MACAROON_PERMISSIONS = Method(
    "/lnrpc.Lightning/CheckMacaroonPermissions",
    lightning_pb2.CheckMacPermRequest,
    lightning_pb2.CheckMacPermResponse,
    (("macaroon", "read"),),
)
SEND_PAYMENT_V2 = Method(
    "/routerrpc.Router/SendPaymentV2",
    router_pb2.SendPaymentRequest,
    lightning_pb2.Payment,
    OFFCHAIN_WRITE,
    streams=True,
)
TRACK_PAYMENT_V2 = Method(
    "/routerrpc.Router/TrackPaymentV2",
    router_pb2.TrackPaymentRequest,
    lightning_pb2.Payment,
    OFFCHAIN_READ,
    streams=True,
)
TRACK_PAYMENTS = Method(
    "/routerrpc.Router/TrackPayments",
    router_pb2.TrackPaymentsRequest,
    lightning_pb2.Payment,
    OFFCHAIN_READ,
    streams=True,
)
ESTIMATE_ROUTE_FEE = Method(
    "/routerrpc.Router/EstimateRouteFee",
    router_pb2.RouteFeeRequest,
    router_pb2.RouteFeeResponse,
    OFFCHAIN_READ,
)
# LND requires *write* for this lookup: a read-only macaroon must use LOOKUP_INVOICE.
LOOKUP_INVOICE_V2 = Method(
    "/invoicesrpc.Invoices/LookupInvoiceV2",
    invoices_pb2.LookupInvoiceMsg,
    lightning_pb2.Invoice,
    INVOICES_WRITE,
)
CANCEL_INVOICE = Method(
    "/invoicesrpc.Invoices/CancelInvoice",
    invoices_pb2.CancelInvoiceMsg,
    invoices_pb2.CancelInvoiceResp,
    INVOICES_WRITE,
)
SUBSCRIBE_SINGLE_INVOICE = Method(
    "/invoicesrpc.Invoices/SubscribeSingleInvoice",
    invoices_pb2.SubscribeSingleInvoiceRequest,
    lightning_pb2.Invoice,
    INVOICES_READ,
    streams=True,
)
ADD_HOLD_INVOICE = Method(
    "/invoicesrpc.Invoices/AddHoldInvoice",
    invoices_pb2.AddHoldInvoiceRequest,
    invoices_pb2.AddHoldInvoiceResp,
    INVOICES_WRITE,
)
SETTLE_INVOICE = Method(
    "/invoicesrpc.Invoices/SettleInvoice",
    invoices_pb2.SettleInvoiceMsg,
    invoices_pb2.SettleInvoiceResp,
    INVOICES_WRITE,
)

# A client with this right can destroy its own protection against paying twice.
DELETE_PAYMENT = Method(
    "/lnrpc.Lightning/DeletePayment",
    lightning_pb2.DeletePaymentRequest,
    lightning_pb2.DeletePaymentResponse,
    OFFCHAIN_WRITE,
)

CLIENT_METHODS: tuple[Method[Any, Any], ...] = (
    GET_STATE,
    GET_INFO,
    CHANNEL_BALANCE,
    LIST_CHANNELS,
    ADD_INVOICE,
    LOOKUP_INVOICE,
    LIST_INVOICES,
    SUBSCRIBE_INVOICES,
    DECODE_PAY_REQ,
    LIST_PAYMENTS,
    SEND_PAYMENT_V2,
    TRACK_PAYMENT_V2,
    CANCEL_INVOICE,
)
# The simulated node implements these as well, and tests call them. Our client does not, for the reason given.
UNUSED_BY_CLIENT: Mapping[Method[Any, Any], str] = {
    SUBSCRIBE_STATE: "the health check calls GetState instead",
    TRACK_PAYMENTS: "may repeat and reorder updates, and 0.15 lacks it; each open attempt is tracked by its hash",
    ESTIMATE_ROUTE_FEE: "its probes leave failed payments in the node; the fee limit holds without it",
    LOOKUP_INVOICE_V2: "needs invoices:write; LookupInvoice needs invoices:read",
    SUBSCRIBE_SINGLE_INVOICE: "one stream of all settlements with a stored index replaces it",
    ADD_HOLD_INVOICE: "locks the liquidity of others; only recipients in tests use it",
    SETTLE_INVOICE: "only hold invoices need it",
    CHECK_MACAROON_PERMISSIONS: "needs macaroon:read, which none of our processes should have",
    DELETE_PAYMENT: "would destroy the node's record of what it paid",
}
METHODS: Mapping[str, Method[Any, Any]] = {
    method.path: method for method in (*CLIENT_METHODS, *UNUSED_BY_CLIENT)
}


def service_handlers(
    behaviours: Mapping[Method[Any, Any], Behaviour],
) -> list[grpc.GenericRpcHandler[Any, Any]]:
    """Return what `grpc.Server.add_generic_rpc_handlers` takes for these behaviours, one handler per service."""
    services: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
    for method, behaviour in behaviours.items():
        services.setdefault(method.service, {})[method.name] = method.handler(behaviour)
    return [grpc.method_handlers_generic_handler(service, handlers) for service, handlers in services.items()]
