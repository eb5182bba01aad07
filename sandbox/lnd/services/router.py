"""routerrpc.Router: sending, tracking, fee estimates.

Source: lightningnetwork/lnd lnrpc/routerrpc/router_server.go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import grpc

from lightning.proto import methods
from lightning.proto import router_pb2 as pb
from lightning.proto.lightning_pb2 import Payment, PaymentFailureReason
from sandbox.lnd.answers import FaultyAnswer, StreamEnded, hold_call
from sandbox.lnd.errors import Refusal
from sandbox.lnd.faults import ARRIVED, CREATED, Plan
from sandbox.lnd.feeds import Subscription
from sandbox.lnd.messages import CLTV_DELTA, MSAT_PER_SAT
from sandbox.lnd.payment_orders import PaymentOrder
from sandbox.lnd.payments import NO_ROUTE
from sandbox.lnd.requests import DEFAULT_TIMEOUT_SECONDS, order_of, payment_hash_in, read_invoice
from sandbox.lnd.services import Behaviours, end_with_call
from sandbox.lnd.world import Node

Context = grpc.ServicerContext
CANCELABLE_SINCE = 18  # a field that older releases ignore
TERMINAL = (Payment.SUCCEEDED, Payment.FAILED)


def behaviours(node: Node) -> Behaviours:
    service = RouterService(node)
    return {
        methods.SEND_PAYMENT_V2: service.send_payment_v2,
        methods.TRACK_PAYMENT_V2: service.track_payment_v2,
        methods.TRACK_PAYMENTS: service.track_payments,
        methods.ESTIMATE_ROUTE_FEE: service.estimate_route_fee,
    }


class RouterService:
    def __init__(self, node: Node) -> None:
        self.node = node

    def send_payment_v2(self, request: pb.SendPaymentRequest, context: Context) -> Iterator[Payment]:
        """Validate, store the row, start the payment, then answer.

        Everything except answering happens before the iterator is returned, so a caller that disconnects does not
        stop the payment.
        """
        world, book = self.node.world, self.node.payments
        payment_hash = payment_hash_in(request)
        with world.lock:
            book.count_send(payment_hash)
            plan = world.scripts.take(self.node.row.name, payment_hash.hex())
        try:
            order = self._validated(request, plan, payment_hash, context)
        except StreamEnded:
            return iter(())
        with world.lock:
            row = book.create(order, plan.outcome())
            first, changes = book.follow(row)
        end_with_call(changes, context)
        if request.cancelable and self.node.options.minor >= CANCELABLE_SINCE:
            context.add_callback(lambda: book.cancel(row))
        hold_call(self.node, plan, row.hash_hex, CREATED, context)
        book.start(row)
        messages = _until_terminal(first, changes, _visible(request))
        return (
            FaultyAnswer(self.node, plan, row.hash_hex, context).apply_to(messages)
            if plan.steps
            else messages
        )

    def _validated(
        self, request: pb.SendPaymentRequest, plan: Plan, payment_hash: bytes, context: Context
    ) -> PaymentOrder:
        """Apply the steps of `arrived`, then validate the request; a refused call is counted as well."""
        try:
            hold_call(self.node, plan, payment_hash.hex(), ARRIVED, context)
            return order_of(request, self.node)
        except (Refusal, StreamEnded):
            self.node.payments.save_count(payment_hash)
            raise

    def track_payment_v2(self, request: pb.TrackPaymentRequest, context: Context) -> Iterator[Payment]:
        with self.node.world.lock:
            row = self.node.payments.lookup(request.payment_hash)
            first, changes = self.node.payments.follow(row)
        end_with_call(changes, context)
        return _until_terminal(first, changes, _visible(request))

    def track_payments(self, request: pb.TrackPaymentsRequest, context: Context) -> Iterator[Payment]:
        """Yield every open payment, then all updates of all payments, without end."""
        shown = _visible(request)
        with self.node.world.lock:
            book = self.node.payments
            changes = book.feed.subscribe()
            open_now = [book.message(row) for row in book.current.values() if row.is_open]
        end_with_call(changes, context)
        yield from filter(shown, open_now)
        yield from filter(shown, changes)

    def estimate_route_fee(self, request: pb.RouteFeeRequest, _context: Context) -> pb.RouteFeeResponse:
        """Estimate from the graph (dest) or by a probe (payment_request), which leaves a failed payment."""
        if bool(request.dest) == bool(request.payment_request):
            raise Refusal("specify either dest or payment_request, but not both")
        if request.dest and request.amt_sat <= 0:
            raise Refusal("amount must be greater than 0")
        if request.dest:
            return self._estimate(request.dest, request.amt_sat * MSAT_PER_SAT)
        invoice = read_invoice(request.payment_request, self.node.world)
        if invoice.amount_msat is None:
            raise Refusal("amount must be greater than 0")
        time.sleep(self.node.options.probe_seconds)
        estimate = self._estimate(invoice.payee, invoice.amount_msat)
        probe = _probe(request.payment_request, invoice.payee, invoice.amount_msat)
        self.node.payments.record_probe(probe, estimate.failure_reason or _PROBE_REACHED_PAYEE)
        return estimate

    def _estimate(self, payee: bytes, value_msat: int) -> pb.RouteFeeResponse:
        if self.node.world.node_of(payee) is None:
            return pb.RouteFeeResponse(failure_reason=NO_ROUTE)
        return pb.RouteFeeResponse(
            routing_fee_msat=self.node.fee_msat(value_msat), time_lock_delay=CLTV_DELTA
        )


# A probe has a random hash, so the payee refuses it with this reason: the probe has reached it.
_PROBE_REACHED_PAYEE = PaymentFailureReason.FAILURE_REASON_INCORRECT_PAYMENT_DETAILS


def _probe(text: str, payee: bytes, value_msat: int) -> PaymentOrder:
    return PaymentOrder(
        payment_hash=bytes(32),
        payment_request=text,
        payee=payee,
        payment_secret=b"",
        value_msat=value_msat,
        fee_limit_msat=0,
        timeout_seconds=DEFAULT_TIMEOUT_SECONDS,
    )


def _visible(
    request: pb.SendPaymentRequest | pb.TrackPaymentRequest | pb.TrackPaymentsRequest,
) -> Callable[[Payment], bool]:
    return (
        (lambda message: message.status in TERMINAL)
        if request.no_inflight_updates
        else (lambda _message: True)
    )


def _until_terminal(
    first: Payment, changes: Subscription[Payment], shown: Callable[[Payment], bool]
) -> Iterator[Payment]:
    try:
        for message in _chain(first, changes):
            if shown(message):
                yield message
            if message.status in TERMINAL:
                return
    finally:
        changes.close()


def _chain(first: Payment, changes: Subscription[Payment]) -> Iterator[Payment]:
    yield first
    if first.status not in TERMINAL:
        yield from changes
