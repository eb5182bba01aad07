"""A Lightning rail without a node: it reads fake invoices and returns the outcomes that a test sets."""

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, msat
from lightning.errors import (
    InvoiceAmountDiffers,
    InvoiceExpired,
    InvoiceForAnotherNetwork,
    InvoiceUnreadable,
    InvoiceWithoutAmount,
)
from sunusav.core.deadlines import Deadline
from transfers.errors import DestinationKindUnsupported, RailShort, RailUnavailable
from transfers.types import (
    Destination,
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    Refused,
    Sendable,
    SendOutcome,
    Succeeded,
    TooLate,
)

NETWORK = "regtest"
ROUTING_FEE_MSAT = 1_500
NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FakeInvoice:
    """An invoice whose text is its fields and whose preimage is the hash of its name."""

    name: str
    amount_msat: int | None
    network: str = NETWORK
    expires_at: datetime = NEVER

    @property
    def text(self) -> str:
        amount = "" if self.amount_msat is None else str(self.amount_msat)
        return f"fake|{self.network}|{amount}|{self.expires_at.isoformat()}|{self.name}"

    @property
    def preimage(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()

    @property
    def payment_hash(self) -> str:
        return hashlib.sha256(self.preimage).hexdigest()

    @classmethod
    def read(cls, text: str) -> "FakeInvoice":
        parts = text.split("|")
        if len(parts) != 5 or parts[0] != "fake":
            raise InvoiceUnreadable(reason="not-ours")
        _, network, amount, expires_at, name = parts
        return cls(name, int(amount) if amount else None, network, datetime.fromisoformat(expires_at))


def invoice(name: str, sats: int, **fields: object) -> Destination:
    """Return a destination: an invoice for this amount."""
    text = FakeInvoice(name, sats * 1_000, **fields).text  # type: ignore[arg-type]
    return Destination(rail="lightning", kind="bolt11", value=text)


class ScriptedRail:
    """Pay every order at once, unless `script` has the next outcomes or `is_unavailable`.

    `paid` is the fake's own record by payment hash, in which a test finds double payments.
    """

    name = "lightning"
    account = AccountRef(AccountRole.NODE, Currency.MSAT)
    cost_account = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
    send_deadline_seconds = 1
    late_by = timedelta(seconds=10)
    search_window = timedelta(0)
    has_statement = True
    states_cost = True
    destination_kinds = ("bolt11",)

    def __init__(self) -> None:
        self.script: deque[SendOutcome] = deque()
        self.is_unavailable = False
        self.paid: dict[str, int] = {}
        self.refused: dict[str, Refused] = {}
        self.sends = 0
        self.balance_msat = 10**12

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        return self._payable(instruction, now).payment_hash

    def payee_of(self, destination: Destination) -> str:
        """Return the node in an invoice's name: the part after "@", else "wallet"."""
        return f"node:{FakeInvoice.read(destination.value).name.partition('@')[2] or 'wallet'}"

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        self._require_available()
        payable = self._payable(instruction, now)
        needed, available = self.needed(instruction.amount), self.sendable().largest
        if needed.amount > available.amount:
            raise RailShort(
                rail=self.name, needed=needed.amount, available=available.amount, currency=needed.currency
            )
        return Order(
            rail=self.name, reference=payable.payment_hash, payload=payable.text, amount=instruction.amount,
            cost_limit=msat(10_000), payee="payee", source="node", expires_at=payable.expires_at,
            give_up_after=payable.expires_at + timedelta(minutes=10),
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        self._require_available()
        if deadline.has_passed:
            return TooLate()
        self.sends += 1
        outcome = self.script.popleft() if self.script else self._pay(order)
        if isinstance(outcome, Refused):
            self.refused[order.reference] = outcome
        return outcome

    def find(self, order: Order) -> FindOutcome:
        """Answer as a node does: paid, refused as before, or not seen."""
        self._require_available()
        if order.reference in self.paid:
            return self._receipt(order)
        return self.refused.get(order.reference) or NotSeen(source="node")

    def verify(self, reference: str, proof: str) -> bool:
        try:
            secret = bytes.fromhex(proof)
        except ValueError:
            return False
        return hashlib.sha256(secret).hexdigest() == reference

    def balance(self) -> Money:
        self._require_available()
        return msat(self.balance_msat)

    def sendable(self) -> Sendable:
        balance = self.balance()
        return Sendable(balance, balance)

    def needed(self, amount: Money) -> Money:
        return amount

    def statement(self) -> Iterable[ProviderPayment]:
        for reference, amount_msat in self.paid.items():
            yield ProviderPayment(reference, True, False, msat(amount_msat), msat(ROUTING_FEE_MSAT))

    def _pay(self, order: Order) -> SendOutcome:
        self.paid[order.reference] = self.paid.get(order.reference, 0) + order.amount.amount
        return self._receipt(order)

    def _receipt(self, order: Order) -> Succeeded:
        proof = FakeInvoice.read(order.payload).preimage.hex()
        return Succeeded(proof=proof, amount=order.amount, cost=msat(ROUTING_FEE_MSAT))

    def _require_available(self) -> None:
        if self.is_unavailable:
            raise RailUnavailable(rail=self.name, detail="the fake is unavailable")

    def _payable(self, instruction: Instruction, now: datetime) -> FakeInvoice:
        if instruction.destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=self.name,
                kind=instruction.destination.kind,
                supported_kinds=list(self.destination_kinds),
            )
        given = FakeInvoice.read(instruction.destination.value)
        if given.network != NETWORK:
            raise InvoiceForAnotherNetwork(invoice_network=given.network, our_network=NETWORK)
        if given.amount_msat is None:
            raise InvoiceWithoutAmount(expected_msat=instruction.amount.amount)
        if given.amount_msat != instruction.amount.amount:
            raise InvoiceAmountDiffers(
                expected_msat=instruction.amount.amount, invoice_msat=given.amount_msat
            )
        if given.expires_at < now:
            raise InvoiceExpired(expired_at=given.expires_at.isoformat())
        return given
