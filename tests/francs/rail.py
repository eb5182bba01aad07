"""The franc rail: pays a phone in whole francs at the franc provider."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, xof
from sunusav.core.deadlines import Deadline
from sunusav.core.errors import Invalid
from tests.francs.client import CONNECT_SECONDS, AnswerLost, CallRefused, FrancClient, FrancError, NotReached
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
    Unknown,
)

NAME = "franc"
OWNER = "franc"
PHONE = re.compile(r"\+221\d{9}")
PROOF = re.compile(r"FR-\d+")
# Refusals that the provider has published; another one needs a person.
FAILURES = {
    "no_such_wallet": FailureClass.FINAL,
    "wallet_full": FailureClass.FINAL,
    "try_later": FailureClass.RETRY,
    "reference_expired": FailureClass.RENEW,
    "insufficient_float": FailureClass.HOLD,
}
SENT_AGAIN = (FailureClass.RETRY, FailureClass.HOLD)
# A reference that was not paid within a day is given up; a new one is made for the next attempt.
VALID_FOR = timedelta(days=1)
MIN_COST_LIMIT_XOF, COST_LIMIT_PERCENT = 100, 2
PAGE_SIZE = 100
# Of several payouts with one reference, the first of the first of these states is reported.
PRECEDENCE = ("paid", "pending", "reversed")
Row = dict[str, Any]


class PhoneUnreadable(Invalid):
    value: str


class WalletMissing(Invalid):
    """No wallet belongs to this phone."""

    phone: str


def cost_limit(amount: Money) -> Money:
    """Return the most that sending may cost: 100 francs and 2 percent. Rounding: up."""
    return xof(MIN_COST_LIMIT_XOF - -amount.amount * COST_LIMIT_PERCENT // 100)


class FrancRail:
    """Send francs to a phone. The provider pays one reference once, and refuses what comes after its latest moment."""

    name = NAME
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, OWNER)
    cost_account = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, OWNER)
    destination_kinds: tuple[str, ...] = ("phone",)
    send_deadline_seconds = 10
    late_by = timedelta(seconds=10)
    search_window = timedelta(0)
    is_idempotent = True
    is_fenced = True

    def __init__(self) -> None:
        # A send makes two calls.
        self._client = FrancClient(timeout_seconds=self.send_deadline_seconds / 2 - CONNECT_SECONDS)

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Check the phone. Its reference is made by `prepare`. Raises: DestinationKindUnsupported, PhoneUnreadable."""
        self._phone_in(instruction.destination)
        return ""

    def payee_of(self, destination: Destination) -> str:
        """Return the phone that is paid. Raises: as `check`."""
        return f"phone:{self._phone_in(destination)}"

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Ask for the wallet and the money that is there.

        Raises: RailUnavailable, RailShort, WalletMissing, and as `check`.
        """
        phone = self._phone_in(instruction.destination)
        self._require_wallet(phone)
        balance = self._balance()
        needed = self.needed(instruction.amount)
        if balance["available"] < needed.amount:
            raise RailShort(
                rail=self.name, needed=needed.amount, available=balance["available"], currency=Currency.XOF
            )
        reference, expires_at = _reference_of(instruction, now=now)
        return Order(
            rail=self.name, reference=reference, payload=phone, amount=instruction.amount,
            cost_limit=cost_limit(instruction.amount), payee=f"phone:{phone}", source=balance["account"],
            expires_at=expires_at, give_up_after=expires_at + self.late_by, is_renewable=True,
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay the phone, unless the deadline has passed.

        Raises: RailUnavailable when the provider was not reached, is closed, or holds another account.
        """
        self._require_same_account(order)
        if deadline.has_passed:
            return TooLate()
        body: Row = {"reference": order.reference, "phone": order.payload, "amount": order.amount.amount}
        if self.is_fenced:
            body["not_after"] = deadline.at.astimezone(UTC).isoformat(timespec="microseconds")
        try:
            paid = self._client.post("payouts", **body)
        except NotReached as error:
            raise self._unavailable(error) from error
        except AnswerLost as error:
            return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
        except CallRefused as refused:
            return _outcome_of_refused_call(refused)
        outcome = _outcome_of(paid, order)
        if isinstance(outcome, Reversed):
            return Unknown(seen=True, reason="reversed", evidence=paid)
        return outcome

    def find(self, order: Order) -> FindOutcome:
        """Look for the order's reference. Raises: RailUnavailable."""
        try:
            with self._unavailable_on_error():
                found = self._client.get(f"payouts/{order.reference}")
        except CallRefused as refused:
            if refused.code != "not_found":
                raise self._unavailable(refused) from refused
            return NotSeen(
                source=refused.answer["account"], is_resendable=self.is_idempotent, evidence=refused.evidence
            )
        return _outcome_of(_decisive(found["payouts"]), order)

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof is a number of a payout; the provider signs nothing."""
        return PROOF.fullmatch(proof) is not None

    def balance(self) -> Money:
        """Return what the account holds. Raises: RailUnavailable."""
        return xof(self._balance()["balance"])

    def sendable(self) -> Sendable:
        """Return what can be paid out, charges included. Raises: RailUnavailable."""
        available = xof(self._balance()["available"])
        return Sendable(total=available, largest=available)

    def needed(self, amount: Money) -> Money:
        return xof(amount.amount + cost_limit(amount).amount)

    def statement(self) -> Iterator[ProviderPayment]:
        """List every payout, oldest first, page by page. Raises: RailUnavailable."""
        after: int | None = 0
        while after is not None:
            with self._unavailable_on_error():
                page = self._client.get("statement", after=after, limit=PAGE_SIZE)
            yield from map(_line, page["payouts"])
            after = page["next"]

    def _phone_in(self, destination: Destination) -> str:
        if destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=self.name, kind=destination.kind, supported_kinds=list(self.destination_kinds)
            )
        phone = destination.value.replace(" ", "")
        if not PHONE.fullmatch(phone):
            raise PhoneUnreadable(value=destination.value)
        return phone

    def _require_wallet(self, phone: str) -> None:
        try:
            with self._unavailable_on_error():
                self._client.get(f"recipients/{phone}")
        except CallRefused as refused:
            raise WalletMissing(phone=phone) from refused

    def _require_same_account(self, order: Order) -> None:
        """Refuse to send from another account: it does not know what the order's own account has paid."""
        account = self._balance()["account"]
        if account != order.source:
            raise RailUnavailable(
                rail=self.name, detail=f"the account is {account}, the order belongs to {order.source}"
            )

    def _balance(self) -> Row:
        with self._unavailable_on_error():
            return self._client.get("balance")

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        """Raise RailUnavailable for a call that got no answer and cannot have paid."""
        try:
            yield
        except (NotReached, AnswerLost) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: FrancError) -> RailUnavailable:
        return RailUnavailable(rail=self.name, detail=f"{type(error).__name__}: {error}")


class UnfencedFrancRail(FrancRail):
    """The provider pays however late a call arrives: a call may be under way for a minute."""

    is_fenced = False
    late_by = timedelta(minutes=1)


class RepeatingFrancRail(UnfencedFrancRail):
    """The provider pays one reference as often as it is asked to, and may take an hour to show a payment."""

    is_idempotent = False
    search_window = timedelta(hours=1)


def _reference_of(instruction: Instruction, *, now: datetime) -> tuple[str, datetime]:
    """Return an instruction's reference and until when it may be sent.

    It is the one of the last order while that may be sent again, so that the provider itself recognizes it. Otherwise
    it follows from the instruction and the last order: prepared twice, it is the same.
    """
    previous = instruction.previous
    if previous is not None and previous.failure in SENT_AGAIN and now < previous.order.expires_at:
        return previous.order.reference, previous.order.expires_at
    last = previous.order.reference if previous else ""
    facts = (instruction.disbursement_id, instruction.destination_digest, instruction.amount.amount, last)
    return sha256(repr(facts).encode()).hexdigest()[:40], now + VALID_FOR


def _decisive(payouts: list[Row]) -> Row:
    """Return the payout that says what became of a reference: of refused ones, the last."""
    ranked = [row for status in PRECEDENCE for row in payouts if row["status"] == status]
    return ranked[0] if ranked else payouts[-1]


def _outcome_of(row: Row, order: Order) -> Succeeded | Refused | Unknown | Reversed:
    """Translate a payout. One to another phone or of another amount is not ours: people must decide."""
    if (row["phone"], row["amount"]) != (order.payload, order.amount.amount):
        return Unknown(seen=True, reason="another-payment", suspect=True, evidence=row)
    match row["status"]:
        case "paid":
            return Succeeded(
                proof=row["id"], amount=xof(row["amount"]), cost=xof(row["fee"]), evidence=row,
                started_at=datetime.fromisoformat(row["created_at"]),
            )  # fmt: skip
        case "refused":
            failure = FAILURES.get(row["code"], FailureClass.REVIEW)
            return Refused(row["code"].replace("_", "-"), failure, evidence=row, verdict=row["id"])
        case "reversed":
            back = row["reversal"]
            at = datetime.fromisoformat(back["at"])
            return Reversed(reference=back["id"], amount=xof(back["amount"]), at=at, evidence=row)
        case status:
            return Unknown(seen=True, reason=str(status), evidence=row)


def _outcome_of_refused_call(refused: CallRefused) -> TooLate | Unknown:
    if refused.code == "too_late":
        return TooLate(refused.evidence)
    is_contradiction = refused.code == "reference_used_otherwise"
    reason = refused.code.replace("_", "-")
    return Unknown(seen=is_contradiction, reason=reason, suspect=is_contradiction, evidence=refused.evidence)


def _line(row: Row) -> ProviderPayment:
    status = row["status"]
    return ProviderPayment(
        reference=row["reference"], is_paid=status == "paid", is_open=status == "pending",
        amount=xof(row["amount"]), cost=xof(row["fee"]), is_reversed=status == "reversed",
    )  # fmt: skip
