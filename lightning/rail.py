"""The Lightning rail: pays a BOLT 11 invoice, given or fetched, at most once, and finds its outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, msat
from lightning.bolt11 import Invoice
from lightning.client import (
    AccessScope,
    LndClient,
    NodeError,
    NodeMacaroonRefused,
    NodeRefused,
    NodeStream,
    NodeTooLate,
    access_for,
)
from lightning.errors import LnurlAnswerMalformed
from lightning.invoices import payable_invoice, read_invoice, require_node_agrees
from lightning.left_in_flight import evidence_of_search, is_left_in_flight
from lightning.lnurl.addresses import PayAddress, read_lightning_address, read_lnurl
from lightning.lnurl.pay import fetch_invoice
from lightning.networks import invoice_prefix
from lightning.node_clock import COMPARE_EVERY_SECONDS, LATE_BY, NodeClock, now_by
from lightning.node_facts import NodeFacts
from lightning.node_failures import NAME, unavailable, unavailable_on_error, unknown_after
from lightning.outcomes import Payment, evidence_of, is_terminal, outcome_of, preimage_fits
from lightning.statement import provider_payments
from sunusav.core import clock
from sunusav.core.clock import Clock
from sunusav.core.deadlines import Deadline
from sunusav.core.http import UntrustedHostClient
from transfers.enums import FailureClass
from transfers.errors import DestinationKindUnsupported, RailShort, RailUnavailable
from transfers.types import (
    Destination,
    Instruction,
    NotSeen,
    Order,
    PreviousOrder,
    ProviderPayment,
    Refused,
    Sendable,
    SendOutcome,
    Succeeded,
    TooLate,
    Unknown,
)

logger = logging.getLogger(__name__)

# A payment over Lightning is final: none is given back.
Found = Succeeded | Refused | Unknown | NotSeen
BOLT11 = "bolt11"
# Destination kinds from which an invoice is fetched.
ADDRESS_READERS = {"lightning_address": read_lightning_address, "lnurl": read_lnurl}
# The validity that must remain when a destination is accepted (four sends and the pauses of 60, 120 and 240 s
# between them), and when it is sent (one send and the difference of the node's clock).
MIN_VALIDITY_TO_ACCEPT_SECONDS = 15 * 60
MIN_VALIDITY_TO_SEND_SECONDS = 2 * 60
# LND refuses an expired invoice. The margin covers a node clock that is up to ten minutes slow.
GIVE_UP_AFTER_EXPIRY = timedelta(minutes=10)
# The stream stays open this much longer than the node's own timeout; after that `find` is used.
LISTEN_MARGIN_SECONDS = 15
FIND_TIMEOUT_SECONDS = 10
# Routing may cost ten sats or one percent, whichever is more (docs/decisions/routing-fees.md).
MIN_FEE_LIMIT_MSAT = 10_000


def fee_limit_msat(amount_msat: int) -> int:
    """Return the most that routing may cost. Rounding: down."""
    return max(MIN_FEE_LIMIT_MSAT, amount_msat // 100)


class LightningRail:
    """Send money through our LND node. Writes nothing to the database; an unclear outcome is `Unknown`."""

    name = NAME
    account = AccountRef(AccountRole.NODE, Currency.MSAT)
    cost_account = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
    destination_kinds = (BOLT11, *ADDRESS_READERS)
    late_by = LATE_BY
    # The node pays one payment hash once.
    search_window = timedelta(0)
    has_statement = True
    states_cost = True

    def __init__(
        self,
        client: LndClient | None = None,
        *,
        timeout_seconds: int | None = None,
        listen_margin_seconds: int = LISTEN_MARGIN_SECONDS,
        web: UntrustedHostClient | None = None,
        compare_clock_seconds: float = COMPARE_EVERY_SECONDS,
        now: Clock = clock.now,
    ) -> None:
        self._client = client or LndClient(access_for(AccessScope.PAYING))
        self._node = NodeFacts(self._client)
        # Two comparisons, since only that of a send is exact: the `now` of `prepare` may be old by then.
        self._clock_at_prepare = NodeClock(self._client, keep_seconds=compare_clock_seconds)
        self._clock_at_send = NodeClock(self._client, keep_seconds=compare_clock_seconds)
        self._now = now
        self._web = web or UntrustedHostClient()
        self._timeout_seconds = timeout_seconds or settings.LND_PAYMENT_TIMEOUT_SECONDS
        self.send_deadline_seconds = self._timeout_seconds + listen_margin_seconds

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Check the destination without any network; return an invoice's payment hash, "" for an address.

        Raises: the refusals of `lightning.errors` and of a web address, DestinationKindUnsupported.
        """
        if self._address_in(instruction) is not None:
            return ""
        invoice = self._payable(
            instruction.destination.value, instruction, now=now, needed_seconds=MIN_VALIDITY_TO_ACCEPT_SECONDS
        )
        return invoice.payment_hash.hex()

    def payee_of(self, destination: Destination) -> str:
        """Identify the payee of a destination: the node of an invoice, else the URL that invoices are fetched from.

        A Lightning Address and an LNURL with the same URL are one payee. Raises: as `check` for unreadable texts.
        """
        read = self._reader_of(destination)
        if read is None:
            return f"node:{read_invoice(destination.value).payee.hex()}"
        return f"address:{read(destination.value).url}"

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Check the invoice again, this time with the node: its network, what it reads, its liquidity.

        For an address, fetch an invoice once our node is ready, or reuse the last attempt's invoice while it can be
        paid. Raises: RailUnavailable; RailShort; DestinationUnavailable; the refusals of `lightning.errors` and of a
        web address.
        """
        address = self._address_in(instruction)
        if address is None:
            text = instruction.destination.value
            invoice = self._payable(text, instruction, now=now, needed_seconds=MIN_VALIDITY_TO_SEND_SECONDS)
            return self._order(invoice, instruction, source=self._ready_node(instruction, now=now))
        source = self._ready_node(instruction, now=now)
        invoice = self._reusable_invoice(instruction, now=now) or self._fetch_invoice(
            address, instruction, now=now
        )
        return self._order(invoice, instruction, source=source)

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay the order before the deadline, and follow the payment until it ends or `send_deadline_seconds` are over.

        Raises: RailUnavailable when the node is unreachable, another one, would take late calls, or refuses the
        macaroon: this call sent nothing. Once it has begun, no other error proves that, except `TooLate`.
        """
        if deadline.has_passed:
            return TooLate()
        self._require_same_node(order)
        with unavailable_on_error():
            self._clock_at_send.require_agreement(partial(now_by, deadline))
            try:
                stream = self._client.send_payment(
                    payment_request=order.payload,
                    fee_limit_msat=order.cost_limit.amount,
                    timeout_seconds=self._timeout_seconds,
                    stream_seconds=self.send_deadline_seconds,
                    deadline=deadline,
                )
            except NodeTooLate as late:
                return TooLate(late.evidence)
        return self._outcome_of_stream(stream, order)

    def find(self, order: Order) -> Found:
        """Query the node for the order's payment hash; its channels too for one that has expired and is in flight.

        Raises: RailUnavailable.
        """
        payment_hash = bytes.fromhex(order.reference)
        with unavailable_on_error():
            try:
                with self._client.track_payment(
                    payment_hash, deadline_seconds=FIND_TIMEOUT_SECONDS
                ) as stream:
                    payment = next(iter(stream), None)
            except NodeRefused as refused:
                return self._outcome_of_refusal(refused)
        if payment is None:
            return Unknown(seen=False, reason="stream-ended")
        found = outcome_of(payment, order)
        is_under_way = isinstance(found, Unknown) and found.seen and not found.suspect
        if is_under_way and self._now() > order.give_up_after:
            return self._stuck(payment, order) or found
        return found

    def _stuck(self, payment: Payment, order: Order) -> Unknown | None:
        """Return that a payment is left in flight, if it is in no channel of the node that paid it."""
        try:
            if self._node.fresh_pubkey() != order.source:
                return None
            channels = self._client.list_channels().channels
        except NodeError:
            return None
        if not is_left_in_flight(payment, channels):
            return None
        evidence = {**evidence_of(payment), **evidence_of_search(payment, channels)}
        return Unknown(seen=True, reason="in-flight-nowhere", is_stuck=True, evidence=evidence)

    def verify(self, reference: str, proof: str) -> bool:
        return preimage_fits(reference, proof)

    def balance(self) -> Money:
        """Return our balance in the channels. Raises: RailUnavailable."""
        with unavailable_on_error():
            return msat(self._client.channel_balance().local_balance.msat)

    def sendable(self) -> Sendable:
        """Return what our active channels can send: without reserves, and in one payment with its parts.

        Raises: RailUnavailable, also while a recent comparison of clocks stops all sends, and when the macaroon lacks a
        right to pay.
        """
        with unavailable_on_error():
            for compared in (self._clock_at_prepare, self._clock_at_send):
                compared.require_no_disagreement()
            return self._node.sendable()

    def needed(self, amount: Money) -> Money:
        """Return the amount with the most that routing may cost."""
        return msat(amount.amount + fee_limit_msat(amount.amount))

    def statement(self) -> Iterator[ProviderPayment]:
        """List every payment of the node, oldest first. Raises: RailUnavailable."""
        with unavailable_on_error():
            yield from provider_payments(self._client)

    def _reader_of(self, destination: Destination) -> Callable[[str], PayAddress] | None:
        """Return the function that reads an address of this kind; None for an invoice.

        Raises: DestinationKindUnsupported.
        """
        if destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=NAME, kind=destination.kind, supported_kinds=list(self.destination_kinds)
            )
        return ADDRESS_READERS.get(destination.kind)

    def _address_in(self, instruction: Instruction) -> PayAddress | None:
        """Return the address from which an invoice is fetched; None for an invoice. Raises: as `check`."""
        read = self._reader_of(instruction.destination)
        return read(instruction.destination.value) if read else None

    def _payable(self, text: str, instruction: Instruction, *, now: datetime, needed_seconds: int) -> Invoice:
        return payable_invoice(
            text,
            amount_msat=instruction.amount.amount,
            prefix=invoice_prefix(self._client.access.network),
            now=now,
            needed_seconds=needed_seconds,
        )

    def _reusable_invoice(self, instruction: Instruction, *, now: datetime) -> Invoice | None:
        """Return the invoice of the last attempt, unless the recipient refused it or it is about to expire.

        A second invoice is not fetched while the first can be paid, because both could then be paid.
        """
        previous = _previous(instruction)
        if previous is None or previous.failure is FailureClass.RENEW:
            return None
        if previous.order.expires_at < now + timedelta(seconds=MIN_VALIDITY_TO_SEND_SECONDS):
            return None
        return self._payable(
            previous.order.payload, instruction, now=now, needed_seconds=MIN_VALIDITY_TO_SEND_SECONDS
        )

    def _fetch_invoice(self, address: PayAddress, instruction: Instruction, *, now: datetime) -> Invoice:
        """Fetch an invoice from the recipient's service and check it like any other."""
        fetched = fetch_invoice(
            address,
            amount_msat=instruction.amount.amount,
            comment=f"SunuSav payout {instruction.disbursement_id}",
            fetch=self._web.get_json,
        )
        invoice = self._payable(
            fetched.payment_request, instruction, now=now, needed_seconds=MIN_VALIDITY_TO_SEND_SECONDS
        )
        previous = _previous(instruction)
        if previous is not None and previous.order.payload == invoice.text:
            raise LnurlAnswerMalformed(host=address.host, reason="the same invoice again")
        if invoice.description_hash != fetched.description_hash:
            # LUD-06 requires it; many services send a description instead, and only the amount matters to us.
            logger.warning("the invoice from %s does not contain the hash of its metadata", address.host)
        return invoice

    def _ready_node(self, instruction: Instruction, *, now: datetime) -> str:
        """Return our node's public key when it can pay this amount. Raises: RailUnavailable, RailShort."""
        needed = self.needed(instruction.amount)
        with unavailable_on_error():
            source = self._node.ready_pubkey()
            self._clock_at_prepare.require_agreement(lambda: now)
            available = self._node.sendable().largest
        if available.amount < needed.amount:
            raise RailShort(
                rail=NAME, needed=needed.amount, available=available.amount, currency=needed.currency
            )
        return source

    def _order(self, invoice: Invoice, instruction: Instruction, *, source: str) -> Order:
        """Make the order of an invoice that our node reads as we do. Raises: RailUnavailable, refusals."""
        with unavailable_on_error():
            answer = self._client.decode_invoice(invoice.text)
        require_node_agrees(invoice, answer, our_pubkey=source)
        return Order(
            rail=NAME,
            reference=invoice.payment_hash.hex(),
            payload=invoice.text,
            amount=instruction.amount,
            cost_limit=msat(fee_limit_msat(instruction.amount.amount)),
            payee=invoice.payee.hex(),
            source=source,
            expires_at=invoice.expires_at,
            give_up_after=_give_up_after(invoice.expires_at),
            is_renewable=_is_renewable(instruction),
        )

    def _require_same_node(self, order: Order) -> None:
        """Refuse to send from another node: it does not know what the order's own node has paid."""
        with unavailable_on_error():
            source = self._node.ready_pubkey()
        if source != order.source:
            raise RailUnavailable(
                rail=NAME, detail=f"the node is {source}, the order belongs to {order.source}"
            )

    def _outcome_of_stream(self, stream: NodeStream[Payment], order: Order) -> SendOutcome:
        last: Payment | None = None
        with stream:
            try:
                for last in stream:
                    if is_terminal(last):
                        return outcome_of(last, order)
            except NodeError as error:
                return self._outcome_of_error(error, last, order)
        return Unknown(seen=last is not None, reason="stream-ended")

    def _outcome_of_error(self, error: NodeError, last: Payment | None, order: Order) -> SendOutcome:
        """Return the outcome of a send that ended with an error, after its `last` message.

        Raises: RailUnavailable when the node refused the macaroon before any message: then this call sent nothing.
        """
        match error:
            case NodeTooLate() if last is None:
                return TooLate(error.evidence)
            case NodeMacaroonRefused() if last is None:
                raise unavailable(error) from error
            case NodeRefused() if error.is_duplicate_payment:
                return self._outcome_of_duplicate(order, error)
            case _:
                return unknown_after(error, last)

    def _outcome_of_duplicate(self, order: Order, refused: NodeRefused) -> SendOutcome:
        """Query the outcome of a payment that the node already has."""
        try:
            found = self.find(order)
        except RailUnavailable:
            return Unknown(seen=True, reason="known-to-the-node", evidence=refused.evidence)
        if isinstance(found, NotSeen):
            return Unknown(seen=True, reason="known-then-not-found", suspect=True, evidence=refused.evidence)
        return found

    def _outcome_of_refusal(self, refused: NodeRefused) -> Found:
        if not refused.is_not_found:
            return Unknown(seen=False, reason="node-refused", evidence=refused.evidence)
        with unavailable_on_error():
            source = self._node.fresh_pubkey()
        return NotSeen(source=source, evidence=refused.evidence)


def _previous(instruction: Instruction) -> PreviousOrder | None:
    """Return the last order, unless it was refused for good: then everything begins anew."""
    previous = instruction.previous
    return None if previous is None or previous.failure is FailureClass.FINAL else previous


def _is_renewable(instruction: Instruction) -> bool:
    """Return whether an invoice may be fetched again: from an address, and only once."""
    if instruction.destination.kind not in ADDRESS_READERS:
        return False
    previous = _previous(instruction)
    return previous is None or (previous.order.is_renewable and previous.failure is not FailureClass.RENEW)


def _give_up_after(expires_at: datetime) -> datetime:
    latest = datetime.max.replace(tzinfo=UTC)
    return latest if latest - expires_at < GIVE_UP_AFTER_EXPIRY else expires_at + GIVE_UP_AFTER_EXPIRY
