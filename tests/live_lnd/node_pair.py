"""Helpers for the two nodes of a test: call, record the answers, cancel what was not paid."""

from __future__ import annotations

import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from google.protobuf.message import Message

from ledger.types import msat
from lightning.client import LndClient, NodeAccess, NodeError, NodeRefused, NodeStream
from lightning.client.calls import unary_call
from lightning.proto import invoices_pb2, lightning_pb2, methods
from lightning.rail import LightningRail
from sunusav.core import clock
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.live_lnd.backends import Backend
from tests.live_lnd.polling import POLL_SECONDS, eventually
from tests.live_lnd.recording import Recorder
from transfers.types import Destination, Instruction, Order

Payment = lightning_pb2.Payment
Answer = TypeVar("Answer", bound=Message)

# Below the capacity of any channel, above every dust limit.
AMOUNT_MSAT = 2_000_000
FEE_LIMIT_MSAT = 10_000
VALID_SECONDS = 3_600
CALL_SECONDS = 15.0
ATTEMPTS_SECONDS = 20
STREAM_SECONDS = 40.0
WAIT_SECONDS = 20.0
DAY = timedelta(days=1)  # tests advance the clock of simulated nodes


@dataclass(frozen=True)
class NewInvoice:
    """An invoice created by the test, and its preimage."""

    text: str
    preimage: bytes

    @property
    def payment_hash(self) -> bytes:
        return sha256(self.preimage).digest()


@dataclass
class NodePair:
    backend: Backend
    record: Recorder
    _made: list[tuple[LndClient, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.payer = LndClient(self.backend.payer)
        self.recipient = LndClient(self.backend.recipient)
        self.rail = LightningRail(self.payer, timeout_seconds=ATTEMPTS_SECONDS)

    # Calls

    def call(self, step: str, call: Callable[[], Answer]) -> Answer:
        """Make a call that must succeed; record the answer."""
        answer = call()
        self.record.note(step, answer)
        return answer

    def refused(self, step: str, call: Callable[[], object]) -> NodeError:
        """Make a call that must be refused; record the refusal."""
        try:
            answer = call()
        except NodeError as error:
            self.record.note(step, error)
            return error
        raise AssertionError(f"{step}: not refused but {answer}")

    def sent(self, step: str, text: str, *, fee_limit_msat: int = FEE_LIMIT_MSAT) -> list[Payment]:
        """Pay and return every message of the stream."""
        with self.start(text, fee_limit_msat=fee_limit_msat) as stream:
            messages = list(stream)
        self.record.note_stream(step, messages)
        return messages

    def start(
        self, text: str, *, fee_limit_msat: int = FEE_LIMIT_MSAT, not_after: timedelta = DAY
    ) -> NodeStream[Payment]:
        """Start a payment that the node refuses from this time after now on."""
        return self.payer.send_payment(
            payment_request=text,
            fee_limit_msat=fee_limit_msat,
            timeout_seconds=ATTEMPTS_SECONDS,
            stream_seconds=STREAM_SECONDS,
            deadline=deadline(not_after),
        )

    def tracked(self, step: str, payment_hash: bytes) -> Payment:
        """Return the current state of a payment."""
        return self.call(step, lambda: self.current(payment_hash))

    def current(self, payment_hash: bytes) -> Payment:
        with self.payer.track_payment(payment_hash) as stream:
            return next(iter(stream))

    def tracked_without_attempts(self, step: str, payment_hash: bytes) -> None:
        """Record a failed payment once the node has deleted its attempts, which it does just after the end."""
        eventually(lambda: not self.current(payment_hash).htlcs)
        self.tracked(step, payment_hash)

    def ended(self, step: str, payment_hash: bytes, by: Callable[[], object]) -> Payment:
        """Track an open payment, let `by` end it, and return the last message of the stream."""
        with self.payer.track_payment(payment_hash, deadline_seconds=WAIT_SECONDS) as stream:
            updates = iter(stream)
            messages = [next(updates)]
            by()
            messages += updates
        self.record.note_stream(step, messages)
        return messages[-1]

    def looked_up(self, step: str, payment_hash: bytes) -> lightning_pb2.Invoice:
        return self.call(step, lambda: self.recipient.lookup_invoice(payment_hash))

    def ordered(self, made: NewInvoice) -> Order:
        """Prepare the payment of an invoice with the rail."""
        instruction = Instruction(1, msat(AMOUNT_MSAT), Destination("lightning", "bolt11", made.text))
        return self.rail.prepare(instruction, now=clock.now())

    # Receiving

    def invoice(
        self,
        amount_msat: int = AMOUNT_MSAT,
        *,
        valid_seconds: int = VALID_SECONDS,
        of: LndClient | None = None,
    ) -> NewInvoice:
        preimage, client = secrets.token_bytes(32), of or self.recipient
        answer = client.add_invoice(
            preimage=preimage, amount_msat=amount_msat, memo=memo(), expiry_seconds=valid_seconds
        )
        self._made.append((client, answer.r_hash))
        return NewInvoice(answer.payment_request, preimage)

    def hold_invoice(self, amount_msat: int = AMOUNT_MSAT) -> NewInvoice:
        """Create a hold invoice of the recipient; only this suite uses them."""
        preimage = secrets.token_bytes(32)
        request = invoices_pb2.AddHoldInvoiceRequest(
            memo=memo(), hash=sha256(preimage).digest(), value_msat=amount_msat, expiry=VALID_SECONDS
        )
        answer = unary_call(
            self.backend.recipient, methods.ADD_HOLD_INVOICE, request, timeout_seconds=CALL_SECONDS
        )
        self._made.append((self.recipient, request.hash))
        return NewInvoice(answer.payment_request, preimage)

    def settle(self, made: NewInvoice) -> invoices_pb2.SettleInvoiceResp:
        request = invoices_pb2.SettleInvoiceMsg(preimage=made.preimage)
        return unary_call(
            self.backend.recipient, methods.SETTLE_INVOICE, request, timeout_seconds=CALL_SECONDS
        )

    def wait_until_accepted(self, made: NewInvoice) -> None:
        eventually(
            lambda: self.recipient.lookup_invoice(made.payment_hash).state == lightning_pb2.Invoice.ACCEPTED
        )

    def local_msat(self) -> int:
        """Return our balance once no HTLC is open: each open one makes us reserve more for the commitment's fee."""
        balance = self.payer.channel_balance()
        ends = time.monotonic() + WAIT_SECONDS
        while balance.unsettled_local_balance.msat or balance.unsettled_remote_balance.msat:
            assert time.monotonic() < ends, f"an HTLC is still open: {balance}"
            time.sleep(POLL_SECONDS)
            balance = self.payer.channel_balance()
        return balance.local_balance.msat

    # Cleanup

    def cancel_invoices(self) -> None:
        """Cancel the invoices that were not paid, which returns held money."""
        for client, payment_hash in self._made:
            with contextlib.suppress(NodeRefused):
                client.cancel_invoice(payment_hash)
        self.backend.reset_clock()


def deadline(after: timedelta = DAY) -> Deadline:
    """Return a deadline for the node's clock only: this process lets every call leave."""
    return Deadline.after(DAY, at=clock.now() + after, read_at_ns=boottime_ns())


def memo() -> str:
    return f"contract suite {uuid.uuid4().hex[:12]}"


def status(payment: Payment) -> str:
    return Payment.PaymentStatus.Name(payment.status)


def reason(payment: Payment) -> str:
    name: Any = lightning_pb2.PaymentFailureReason.Name(payment.failure_reason)
    return str(name).removeprefix("FAILURE_REASON_")


def with_macaroon(access: NodeAccess, macaroon: bytes) -> LndClient:
    return LndClient(
        NodeAccess(
            host=access.host,
            network=access.network,
            tls_cert_path=access.tls_cert_path,
            tls_server_name=access.tls_server_name,
            macaroon_text=macaroon.hex(),
        )
    )


def until(stream: Iterator[Any], wanted: Callable[[Any], bool]) -> Any:
    return next(item for item in stream if wanted(item))
