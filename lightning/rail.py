"""The Lightning rail: pays a BOLT 11 invoice, given or fetched, at most once, and finds out what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from lightning.bolt11 import Invoice
from lightning.client import (
    AccessScope,
    LndClient,
    NodeError,
    NodeRefused,
    NodeStream,
    access_for,
)
from lightning.errors import LnurlAnswerMalformed
from lightning.invoices import payable_invoice, read_invoice, require_node_agrees
from lightning.lnurl.addresses import PayAddress, read_lightning_address, read_lnurl
from lightning.lnurl.pay import fetch_invoice
from lightning.networks import invoice_prefix
from lightning.node_facts import NodeFacts
from lightning.outcomes import Payment, is_terminal, outcome_of, preimage_fits
from lightning.statement import provider_payments
from sunusav.core.http import UntrustedHostClient
from transfers.enums import FailureClass
from transfers.errors import DestinationKindUnsupported, RailUnavailable
from transfers.types import (
    Destination,
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    SendOutcome,
    Unknown,
)

logger = logging.getLogger(__name__)

NAME = "lightning"
BOLT11 = "bolt11"
# Where the recipient gives an address at which an invoice can be asked for.
READERS = {"lightning_address": read_lightning_address, "lnurl": read_lnurl}
# A destination is accepted with this much validity left (four sends and the waits of 60, 120 and 240 s
# between them), and sent with this much (one send and the node's clock).
ACCEPT_SECONDS = 15 * 60
SEND_SECONDS = 2 * 60
# After expiry plus this LND refuses the invoice by its own clock (lightning.md 3.7 step 5).
GIVE_UP_AFTER_EXPIRY = timedelta(minutes=10)
# What we add to the node's own timeout before we stop listening and ask instead.
LISTEN_MARGIN_SECONDS = 15
FIND_SECONDS = 10
# lightning.md 3.6: ten sats or one percent, whichever is more.
MIN_FEE_LIMIT_MSAT = 10_000


def fee_limit_msat(amount_msat: int) -> int:
    """Return what routing may cost at most. Rounding: down."""
    return max(MIN_FEE_LIMIT_MSAT, amount_msat // 100)


class LightningRail:
    """Send money through our LND node. Writes nothing; every doubt is `Unknown`."""

    name = NAME
    account = AccountRef(AccountRole.NODE, Currency.MSAT)
    cost_account = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
    destination_kinds = (BOLT11, *READERS)

    def __init__(
        self,
        client: LndClient | None = None,
        *,
        timeout_seconds: int | None = None,
        listen_margin_seconds: int = LISTEN_MARGIN_SECONDS,
        web: UntrustedHostClient | None = None,
    ) -> None:
        self._client = client or LndClient(access_for(AccessScope.PAYING))
        self._node = NodeFacts(self._client)
        self._web = web or UntrustedHostClient()
        self._timeout_seconds = timeout_seconds or settings.LND_PAYMENT_TIMEOUT_SECONDS
        self.send_deadline_seconds = self._timeout_seconds + listen_margin_seconds

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Judge the destination without any network; return an invoice's payment hash, "" for an address.

        Raises: the refusals of `lightning.errors`, what forbids a web address, DestinationKindUnsupported.
        """
        if self._address_in(instruction) is not None:
            return ""
        return self._payable(instruction, now=now, needed_seconds=ACCEPT_SECONDS).payment_hash.hex()

    def payee_of(self, destination: Destination) -> str:
        """Name whom a destination pays: the node of an invoice, else the address that is asked for one.

        A Lightning Address and an LNURL of the same place are one payee. Raises: what `check` refuses as unreadable.
        """
        read = self._reader_of(destination)
        if read is None:
            return f"node:{read_invoice(destination.value).payee.hex()}"
        return f"address:{read(destination.value).url}"

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Judge the invoice again, with the node: its network, its reading, its liquidity.

        The recipient's service is asked for an invoice when our own side is ready, unless the one it made for the
        last attempt still serves. Raises: RailUnavailable, also when the node is short of liquidity;
        DestinationUnavailable; the refusals of `lightning.errors`; what forbids a web address.
        """
        address = self._address_in(instruction)
        if address is None:
            invoice = self._payable(instruction, now=now, needed_seconds=SEND_SECONDS)
            return self._order(invoice, instruction, source=self._ready_node(instruction))
        source = self._ready_node(instruction)
        invoice = self._reusable(instruction, now=now) or self._fetched(address, instruction, now=now)
        return self._order(invoice, instruction, source=source)

    def send(self, order: Order, *, now: datetime) -> SendOutcome:
        """Pay the order and listen until it ends or our deadline comes.

        Raises: RailUnavailable when the node cannot be reached or is another one: nothing was sent.
        Source: lightning.md 3.1, 3.2. No error after the call began is ever a failure.
        """
        self._require_same_node(order)
        try:
            stream = self._client.send_payment(
                payment_request=order.payload,
                fee_limit_msat=order.fee_limit_msat,
                timeout_seconds=self._timeout_seconds,
                deadline_seconds=self.send_deadline_seconds,
            )
        except NodeError as error:
            raise _unavailable(error) from error
        return self._heard(stream, order)

    def find(self, order: Order) -> FindOutcome:
        """Ask the node what it knows of the order's payment hash.

        Raises: RailUnavailable.
        """
        try:
            with self._client.track_payment(
                bytes.fromhex(order.reference), deadline_seconds=FIND_SECONDS
            ) as stream:
                return outcome_of(next(iter(stream)), order)
        except StopIteration:
            return Unknown(seen=False, reason="stream-ended")
        except NodeRefused as refused:
            return self._not_found(refused)
        except NodeError as error:
            raise _unavailable(error) from error

    def verify(self, reference: str, proof: str) -> bool:
        return preimage_fits(reference, proof)

    def balance(self) -> int:
        """Return what the channels hold on our side. Units: msat. Raises: RailUnavailable."""
        try:
            return self._client.channel_balance().local_balance.msat
        except NodeError as error:
            raise _unavailable(error) from error

    def statement(self) -> Iterator[ProviderPayment]:
        """List every payment the node knows, oldest first. Raises: RailUnavailable."""
        try:
            yield from provider_payments(self._client)
        except NodeError as error:
            raise _unavailable(error) from error

    def _reader_of(self, destination: Destination) -> Callable[[str], PayAddress] | None:
        """Return what reads an address that is asked for an invoice; None for an invoice.

        Raises: DestinationKindUnsupported.
        """
        if destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=NAME, kind=destination.kind, supported_kinds=list(self.destination_kinds)
            )
        return READERS.get(destination.kind)

    def _address_in(self, instruction: Instruction) -> PayAddress | None:
        """Read an address that is asked for an invoice; None for an invoice. Raises: as `check`."""
        read = self._reader_of(instruction.destination)
        return read(instruction.destination.value) if read else None

    def _payable(self, instruction: Instruction, *, now: datetime, needed_seconds: int) -> Invoice:
        return self._judged(
            instruction.destination.value, instruction, now=now, needed_seconds=needed_seconds
        )

    def _judged(self, text: str, instruction: Instruction, *, now: datetime, needed_seconds: int) -> Invoice:
        return payable_invoice(
            text,
            amount_msat=instruction.amount_msat,
            prefix=invoice_prefix(self._client.access.network),
            now=now,
            needed_seconds=needed_seconds,
        )

    def _reusable(self, instruction: Instruction, *, now: datetime) -> Invoice | None:
        """Return the invoice of the last attempt, unless it is spent or runs out: another could be paid as well."""
        previous = instruction.previous
        if previous is None or previous.failure is FailureClass.RENEW:
            return None
        if previous.order.expires_at < now + timedelta(seconds=SEND_SECONDS):
            return None
        return self._judged(previous.order.payload, instruction, now=now, needed_seconds=SEND_SECONDS)

    def _fetched(self, address: PayAddress, instruction: Instruction, *, now: datetime) -> Invoice:
        """Ask the recipient's service for an invoice, and judge it like any other."""
        fetched = fetch_invoice(
            address,
            amount_msat=instruction.amount_msat,
            comment=f"SunuSav payout {instruction.disbursement_id}",
            fetch=self._web.get_json,
        )
        invoice = self._judged(fetched.payment_request, instruction, now=now, needed_seconds=SEND_SECONDS)
        previous = instruction.previous
        if previous is not None and previous.order.payload == invoice.text:
            raise LnurlAnswerMalformed(host=address.host, reason="the same invoice again")
        if invoice.description_hash != fetched.description_hash:
            # LUD-06 asks for it; many services send a description instead, and the amount is what binds us.
            logger.warning("%s made an invoice that is not bound to its metadata", address.host)
        return invoice

    def _ready_node(self, instruction: Instruction) -> str:
        """Return the identity of our node, when it can pay this. Raises: RailUnavailable."""
        needed_msat = instruction.amount_msat + fee_limit_msat(instruction.amount_msat)
        try:
            source = self._node.ready_pubkey()
            available_msat = self._node.local_balance_msat()
        except NodeError as error:
            raise _unavailable(error) from error
        if available_msat < needed_msat:
            raise RailUnavailable(rail=NAME, detail=f"liquidity: {available_msat} msat in channels")
        return source

    def _order(self, invoice: Invoice, instruction: Instruction, *, source: str) -> Order:
        """Freeze an invoice that our node reads as we do. Raises: RailUnavailable, refusals."""
        try:
            answer = self._client.decode_invoice(invoice.text)
        except NodeError as error:
            raise _unavailable(error) from error
        require_node_agrees(invoice, answer, our_pubkey=source)
        return Order(
            rail=NAME,
            reference=invoice.payment_hash.hex(),
            payload=invoice.text,
            amount_msat=instruction.amount_msat,
            fee_limit_msat=fee_limit_msat(instruction.amount_msat),
            payee=invoice.payee.hex(),
            source=source,
            expires_at=invoice.expires_at,
            give_up_after=_give_up_after(invoice.expires_at),
            is_renewable=_is_renewable(instruction),
        )

    def _require_same_node(self, order: Order) -> None:
        """Another node does not know what the first one paid: only the order's own node may send it."""
        try:
            source = self._node.ready_pubkey()
        except NodeError as error:
            raise _unavailable(error) from error
        if source != order.source:
            raise RailUnavailable(
                rail=NAME, detail=f"the node is {source}, the order belongs to {order.source}"
            )

    def _heard(self, stream: NodeStream[Payment], order: Order) -> SendOutcome:
        last: Payment | None = None
        with stream:
            try:
                for last in stream:
                    if is_terminal(last):
                        return outcome_of(last, order)
            except NodeRefused as refused:
                return self._asked_instead(order, refused) if refused.knows_payment else _doubt(last, refused)
            except NodeError as error:
                return _doubt(last, error)
        return Unknown(seen=last is not None, reason="stream-ended")

    def _asked_instead(self, order: Order, refused: NodeRefused) -> SendOutcome:
        """Find out what became of a payment that the node has already."""
        try:
            found = self.find(order)
        except RailUnavailable:
            return Unknown(seen=True, reason="known-to-the-node", evidence=refused.evidence)
        if isinstance(found, NotSeen):
            return Unknown(seen=True, reason="known-then-not-found", suspect=True, evidence=refused.evidence)
        return found

    def _not_found(self, refused: NodeRefused) -> FindOutcome:
        if not refused.knows_not:
            return Unknown(seen=False, reason="node-refused", evidence=refused.evidence)
        try:
            source = self._node.pubkey_now()
        except NodeError as error:
            raise _unavailable(error) from error
        return NotSeen(source=source, evidence=refused.evidence)


def _is_renewable(instruction: Instruction) -> bool:
    """Say whether the destination may be asked once more: an address that was not asked again already.

    Source: lightning.md 3.8: fetch again once.
    """
    if instruction.destination.kind not in READERS:
        return False
    previous = instruction.previous
    return previous is None or (previous.order.is_renewable and previous.failure is not FailureClass.RENEW)


def _unavailable(error: NodeError) -> RailUnavailable:
    return RailUnavailable(rail=NAME, detail=str(error)[:500])


def _doubt(last: Payment | None, error: NodeError) -> Unknown:
    """After the call began an error says nothing about the money."""
    reason = {"NodeUnavailable": "connection-lost", "NodeRefused": "node-refused"}.get(
        type(error).__name__, "no-answer"
    )
    return Unknown(seen=last is not None, reason=reason, evidence=error.evidence)


def _give_up_after(expires_at: datetime) -> datetime:
    latest = datetime.max.replace(tzinfo=UTC)
    return latest if latest - expires_at < GIVE_UP_AFTER_EXPIRY else expires_at + GIVE_UP_AFTER_EXPIRY
