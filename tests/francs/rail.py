"""The franc rail: pays a phone in whole francs at the franc partner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.enums import Currency
from ledger.types import Money, xof
from partners.config import NotConfigured
from partners.errors import RecipientUnknown
from partners.phone_rail import PhoneRail
from partners.phones import Phone
from partners.references import new_order_reference
from partners.wire import AnswerLost, NotReached, PartnerError, SendingTooLate
from sunusav.core.deadlines import Deadline
from sunusav.core.privacy import mask_phone
from tests.francs.client import CallRefused, FrancClient, KeyRefused
from tests.francs.config import FrancConfig
from transfers.enums import FailureClass
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
from transfers.types import (
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
PROOF = re.compile(r"FR-\d+")
# Refusals that the partner has published; another one needs a person.
FAILURES = {
    "no_such_wallet": FailureClass.FINAL,
    "wallet_full": FailureClass.FINAL,
    "try_later": FailureClass.RENEW,
    "insufficient_float": FailureClass.HOLD,
}
# A reference that was not paid within a day is given up; a new one is made for the next attempt.
VALID_FOR = timedelta(days=1)
PAGE_SIZE = 100
# Of several payouts with one reference, the first of the first of these states is reported.
PRECEDENCE = ("paid", "pending", "reversed")
Row = dict[str, Any]


class FrancRail(PhoneRail):
    """Send francs to a phone. The partner pays one reference once, and refuses what comes after its latest moment."""

    name = NAME
    countries = ("SN",)
    # A send makes two calls, and connecting may take as long for each.
    send_deadline_seconds = 20
    late_by = timedelta(seconds=10)
    search_window = timedelta(0)
    has_statement = True
    states_cost = True
    is_idempotent = True
    is_fenced = True

    def __init__(self) -> None:
        super().__init__()
        self._client = FrancClient(FrancConfig.from_environment())

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Ask for the wallet and the money that is there.

        Raises: RailUnavailable, RailShort, RecipientUnknown, and as `check`.
        """
        phone = self.phone_in(instruction.destination)
        self._require_wallet(phone)
        balance = self._balance()
        needed = self.needed(instruction.amount)
        if balance["available"] < needed.amount:
            raise RailShort(
                rail=self.name, needed=needed.amount, available=balance["available"], currency=Currency.XOF
            )
        expires_at = now + VALID_FOR
        return Order(
            rail=self.name, reference=new_order_reference(), payload=phone.e164, amount=instruction.amount,
            cost_limit=self.cost_limit(instruction.amount), payee=self.payee_of(instruction.destination),
            source=balance["account"], expires_at=expires_at, give_up_after=expires_at + self.late_by,
            is_renewable=True,
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay the phone, unless the deadline has passed.

        Raises: RailUnavailable when the partner was not reached, is closed, or holds another account.
        """
        self._require_same_account(order)
        body: Row = {"reference": order.reference, "phone": order.payload, "amount": order.amount.amount}
        if self.is_fenced:
            body["not_after"] = deadline.at.astimezone(UTC).isoformat(timespec="microseconds")
        try:
            paid = self._client.post("payouts", deadline=deadline, **body)
        except SendingTooLate as error:
            return TooLate(error.evidence)
        except (NotReached, NotConfigured) as error:
            raise self.unavailable(error) from error
        except AnswerLost as error:
            return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
        except CallRefused as refused:
            return _outcome_of_refused_call(refused)
        outcome = _outcome_of(paid, order)
        if isinstance(outcome, Reversed):
            return Unknown(seen=True, reason="reversed", evidence=outcome.evidence)
        return outcome

    def find(self, order: Order) -> FindOutcome:
        """Look for the order's reference. Raises: RailUnavailable."""
        with self.unavailable_on_error():
            try:
                found = self._client.get(f"payouts/{order.reference}")
            except CallRefused as refused:
                if refused.code != "not_found":
                    raise
                source = refused.answer["account"]
                return NotSeen(source=source, is_resendable=self.is_idempotent, evidence=refused.evidence)
        paid = [row["id"] for row in found["payouts"] if row["status"] == "paid"]
        if len(paid) > 1:
            return Unknown(seen=True, reason="paid-twice", suspect=True, evidence={"payouts": paid})
        return _outcome_of(_decisive(found["payouts"]), order)

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof is a number of a payout; the partner signs nothing."""
        return PROOF.fullmatch(proof) is not None

    def balance(self) -> Money:
        """Return what the account holds. Raises: RailUnavailable."""
        return xof(self._balance()["balance"])

    def sendable(self) -> Sendable:
        """Return what can be paid out, charges included. Raises: RailUnavailable."""
        available = xof(self._balance()["available"])
        return Sendable(total=available, largest=available)

    def statement(self) -> Iterator[ProviderPayment]:
        """List every payout, oldest first, page by page. Raises: RailUnavailable."""
        after: int | None = 0
        while after is not None:
            with self.unavailable_on_error():
                page = self._client.get("statement", after=after, limit=PAGE_SIZE)
            yield from map(_line, page["payouts"])
            after = page["next"]

    def unavailable(self, error: PartnerError) -> RailUnavailable:
        if isinstance(error, KeyRefused | NotConfigured):
            return RailCredentialsRefused(rail=self.name, detail=f"{type(error).__name__}: {error}")
        return super().unavailable(error)

    def _require_wallet(self, phone: Phone) -> None:
        with self.unavailable_on_error():
            try:
                self._client.get(f"recipients/{phone.e164}")
            except CallRefused as refused:
                if refused.code != "no_such_wallet":
                    raise
                raise RecipientUnknown(rail=self.name, phone=str(phone), reason=refused.code) from refused

    def _require_same_account(self, order: Order) -> None:
        """Refuse to send from another account: it does not know what the order's own account has paid."""
        account = self._balance()["account"]
        if account != order.source:
            raise RailUnavailable(
                rail=self.name, detail=f"the account is {account}, the order belongs to {order.source}"
            )

    def _balance(self) -> Row:
        with self.unavailable_on_error():
            return self._client.get("balance")


class UnfencedFrancRail(FrancRail):
    """The partner pays however late a call arrives: a call may be under way for a minute."""

    is_fenced = False
    late_by = timedelta(minutes=1)


class RepeatingFrancRail(UnfencedFrancRail):
    """The partner pays one reference as often as it is asked to, and may take an hour to show a payment."""

    is_idempotent = False
    search_window = timedelta(hours=1)


def _decisive(payouts: list[Row]) -> Row:
    """Return the payout that says what became of a reference: of refused ones, the last."""
    ranked = [row for status in PRECEDENCE for row in payouts if row["status"] == status]
    return ranked[0] if ranked else payouts[-1]


def _outcome_of(row: Row, order: Order) -> Succeeded | Refused | Unknown | Reversed:
    """Translate a payout. One to another phone or of another amount or currency is not ours: people must decide."""
    evidence = {**row, "phone": mask_phone(row["phone"])}
    if (row["phone"], row["amount"], row["currency"]) != (order.payload, order.amount.amount, Currency.XOF):
        return Unknown(seen=True, reason="another-payment", suspect=True, evidence=evidence)
    match row["status"]:
        case "paid":
            return Succeeded(
                proof=row["id"], amount=xof(row["amount"]), cost=xof(row["fee"]), evidence=evidence,
                started_at=datetime.fromisoformat(row["created_at"]),
            )  # fmt: skip
        case "refused":
            failure = FAILURES.get(row["code"], FailureClass.REVIEW)
            return Refused(row["code"].replace("_", "-"), failure, evidence=evidence, verdict=row["id"])
        case "reversed":
            back = row["reversal"]
            at = datetime.fromisoformat(back["at"])
            return Reversed(reference=back["id"], amount=xof(back["amount"]), at=at, evidence=evidence)
        case status:
            return Unknown(seen=True, reason=str(status), evidence=evidence)


def _outcome_of_refused_call(refused: CallRefused) -> TooLate | Refused | Unknown:
    reason = refused.code.replace("_", "-")
    if isinstance(refused, KeyRefused):
        return Refused(reason, FailureClass.STOP, evidence=refused.evidence, is_recorded=False)
    if refused.code == "too_late":
        return TooLate(refused.evidence)
    is_contradiction = refused.code == "reference_used_otherwise"
    return Unknown(seen=is_contradiction, reason=reason, suspect=is_contradiction, evidence=refused.evidence)


def _line(row: Row) -> ProviderPayment:
    status = row["status"]
    return ProviderPayment(
        reference=row["reference"], is_paid=status == "paid", is_open=status == "pending",
        amount=xof(row["amount"]), cost=xof(row["fee"]), is_reversed=status == "reversed",
    )  # fmt: skip
