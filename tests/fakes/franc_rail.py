"""A mobile-money rail without a provider: it pays whole francs to phones, and returns the outcomes that a test sets."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, xof
from sunusav.core.deadlines import Deadline
from transfers.enums import FailureClass
from transfers.errors import DestinationKindUnsupported, RailShort, RailUnavailable
from transfers.types import (
    Destination,
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    Refused,
    Reversed,
    Sendable,
    SendOutcome,
    Succeeded,
    TooLate,
)

NAME = "franc"
FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, NAME)
CHARGES = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, NAME)
CHARGE_XOF = 5


def phone(number: str) -> Destination:
    """Return a phone as a destination."""
    return Destination(rail=NAME, kind="phone", value=number)


class ScriptedFrancRail:
    """Pay every order at once, unless `script` has the next outcomes or `is_unavailable`.

    `paid` is the provider's own record by reference, `reversals` what it gave back.
    """

    name = NAME
    account = FLOAT
    cost_account = CHARGES
    send_deadline_seconds = 1
    late_by = timedelta(seconds=10)
    search_window = timedelta(0)
    has_statement = True
    states_cost = True
    destination_kinds: tuple[str, ...] = ("phone",)

    def __init__(self) -> None:
        self.script: deque[SendOutcome] = deque()
        self.finds: deque[FindOutcome] = deque()
        self.is_unavailable = False
        self.paid: dict[str, int] = {}
        self.phones: list[str] = []
        self.refused: dict[str, Refused] = {}
        self.reversals: dict[str, Reversed] = {}
        self.sends = 0
        self.balance_xof = 10**9

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        destination = instruction.destination
        if destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=self.name, kind=destination.kind, supported_kinds=list(self.destination_kinds)
            )
        return ""

    def payee_of(self, destination: Destination) -> str:
        return f"phone:{destination.value}"

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        self._require_available()
        needed, available = self.needed(instruction.amount), self.sendable().largest
        if needed.amount > available.amount:
            raise RailShort(
                rail=self.name, needed=needed.amount, available=available.amount, currency=needed.currency
            )
        previous = instruction.previous
        if previous is not None and previous.failure is not FailureClass.FINAL:
            return replace(previous.order, expires_at=now + timedelta(hours=1))
        # After a final refusal the same reference would only be refused again.
        reference = (
            f"{self.name}-{instruction.disbursement_id}"
            if previous is None
            else f"{previous.order.reference}-again"
        )
        return Order(
            rail=self.name, reference=reference, payload=instruction.destination.value,
            amount=instruction.amount, cost_limit=xof(CHARGE_XOF), payee=instruction.destination.value,
            source="franc-account", expires_at=now + timedelta(hours=1), give_up_after=now + timedelta(hours=1),
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
        self._require_available()
        if self.finds:
            return self.finds.popleft()
        if order.reference in self.reversals:
            return self.reversals[order.reference]
        if order.reference in self.paid:
            return self._receipt(order)
        return self.refused.get(order.reference) or NotSeen(source="franc-account")

    def verify(self, reference: str, proof: str) -> bool:
        return proof == f"receipt-of-{reference}"

    def balance(self) -> Money:
        self._require_available()
        return xof(self.balance_xof)

    def sendable(self) -> Sendable:
        balance = self.balance()
        return Sendable(balance, balance)

    def needed(self, amount: Money) -> Money:
        return xof(amount.amount + CHARGE_XOF)

    def statement(self) -> Iterable[ProviderPayment]:
        for reference, amount_xof in self.paid.items():
            is_reversed = reference in self.reversals
            yield ProviderPayment(
                reference, not is_reversed, False, xof(amount_xof), xof(CHARGE_XOF), is_reversed
            )

    def give_back(self, reference: str, *, at: datetime) -> None:
        """Reverse a payment: the francs are on our account again."""
        self.reversals[reference] = Reversed(f"reversal-of-{reference}", xof(self.paid[reference]), at)

    def _pay(self, order: Order) -> SendOutcome:
        self.paid[order.reference] = self.paid.get(order.reference, 0) + order.amount.amount
        self.phones.append(order.payload)
        return self._receipt(order)

    def _receipt(self, order: Order) -> Succeeded:
        proof = f"receipt-of-{order.reference}"
        return Succeeded(proof=proof, amount=order.amount, cost=xof(CHARGE_XOF))

    def _require_available(self) -> None:
        if self.is_unavailable:
            raise RailUnavailable(rail=self.name, detail="the fake is unavailable")


class ScriptedWaveRail(ScriptedFrancRail):
    """The same under the name of a partner, whose settlements it pays."""

    name = "wave"
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "wave")
    cost_account = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, "wave")
