"""The MTN rail: orders a payment once per reference, and reads from its status what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.enums import Currency
from ledger.types import Money, xof
from partners.config import NotConfigured
from partners.errors import RecipientNameDiffers, RecipientUnknown
from partners.mtn.client import MtnClient, MtnRefused, Row, TokenRefused, serialized
from partners.mtn.config import NAME, MtnConfig
from partners.mtn.outcomes import (
    REASONS,
    TRANSACTION,
    is_credentials,
    may_be_short,
    outcome_of_call,
    outcome_of_status,
)
from partners.mtn.texts import are_alike, plain
from partners.phone_rail import PhoneRail
from partners.phones import Phone
from partners.references import new_order_reference
from partners.wire import AnswerLost, NotReached, PartnerError, SendingTooLate
from sunusav.core.deadlines import Deadline
from transfers.enums import FailureClass
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
from transfers.types import (
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    Refused,
    Sendable,
    SendOutcome,
    TooLate,
    Unknown,
    Unusable,
)

NOTE = "SunuSav {number}"
COLLECTION_WALLET = "mtn-collection-wallet"


class MtnRail(PhoneRail):
    """Send francs to a phone by MTN. Writes nothing to the database; an unclear outcome is `Unknown`."""

    name = NAME
    send_deadline_seconds = 20
    late_by = timedelta(minutes=5)
    # MTN takes one reference once. It may not know for half a minute what it acknowledged.
    search_window = timedelta(minutes=2)
    has_statement = False
    states_cost = False

    @property
    def countries(self) -> tuple[str, ...]:
        return MtnConfig.from_environment().countries

    @property
    def account_shown(self) -> str:
        return MtnConfig.from_environment().environment_name

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Check the recipient and what our wallet holds; a new order each time, with a reference of its own.

        Raises: RailUnavailable, RailShort, RecipientUnknown, RecipientNameDiffers, and as `check`.
        """
        phone, config = self.phone_in(instruction.destination), MtnConfig.from_environment()
        with self.unavailable_on_error():
            client, source = MtnClient.paying(config), config.source
            self._require_active(client, phone)
            if config.compares_names and instruction.recipient_name:
                self._require_name(client, phone, instruction.recipient_name)
            held = client.balance()
        needed = self.needed(instruction.amount)
        if held < needed.amount:
            raise RailShort(rail=self.name, needed=needed.amount, available=held, currency=Currency.XOF)
        reference, expires_at = new_order_reference(), now + timedelta(minutes=config.order_valid_minutes)
        return Order(
            rail=self.name, reference=reference, payload=_body(instruction, phone, reference, config),
            amount=instruction.amount, cost_limit=self.cost_limit(instruction.amount),
            payee=self.payee_of(instruction.destination), source=source, expires_at=expires_at,
            give_up_after=expires_at + self.late_by, is_renewable=True,
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Order the payment, unless the deadline has passed: the same body by the same reference, however often.

        Raises: RailUnavailable when MTN was not reached, gave no token, or is another platform than the order's.
        """
        if deadline.has_passed:
            return TooLate()
        config = MtnConfig.from_environment()
        self._require_same_platform(order, config)
        try:
            answer = MtnClient.paying(config).transfer(
                order.payload.encode(), reference=order.reference, deadline=deadline
            )
        except (NotReached, NotConfigured, TokenRefused) as error:
            raise self.unavailable(error) from error
        except SendingTooLate as error:
            return TooLate(error.evidence)
        except AnswerLost as error:
            return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
        return outcome_of_call(answer)

    def find(self, order: Order) -> FindOutcome:
        """Read the status of the order's reference, on the platform that took it. Raises: RailUnavailable."""
        config = MtnConfig.from_environment()
        self._require_same_platform(order, config)
        client = MtnClient.paying(config)
        with self.unavailable_on_error():
            try:
                row = client.transfer_status(order.reference)
            except MtnRefused as refused:
                if not refused.is_unknown_reference:
                    raise
                return NotSeen(source=order.source, evidence=refused.evidence)
        outcome = outcome_of_status(row, order, currency=config.environment.currency)
        if isinstance(outcome, Refused) and may_be_short(row):
            return self._judged_by_balance(outcome, order, client)
        return outcome

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof has the form of a transaction's number, or is the reference; MTN signs nothing."""
        return TRANSACTION.fullmatch(proof) is not None

    def balance(self) -> Money:
        """Return what our wallet holds; of two, both. Raises: RailUnavailable."""
        config = MtnConfig.from_environment()
        with self.unavailable_on_error():
            return xof(MtnClient.paying(config).balance() + self._held_apart(config))

    def sendable(self) -> Sendable:
        """Return what our wallet can pay, charges included; a wallet for collections pays nothing.

        Raises: RailUnavailable.
        """
        config = MtnConfig.from_environment()
        with self.unavailable_on_error():
            held, apart = xof(max(MtnClient.paying(config).balance(), 0)), self._held_apart(config)
        unusable = (Unusable(COLLECTION_WALLET, xof(apart)),) if apart else ()
        return Sendable(total=held, largest=held, unusable=unusable)

    def statement(self) -> Iterable[ProviderPayment]:
        """Refuse: MTN lists no payments. Raises: RailUnavailable."""
        raise RailUnavailable(rail=self.name, detail="MTN lists no payments")

    def unavailable(self, error: PartnerError) -> RailUnavailable:
        refused = isinstance(error, MtnRefused) and is_credentials(error.status, error.code)
        if refused or isinstance(error, TokenRefused):
            return RailCredentialsRefused(rail=self.name, detail=str(error))
        return super().unavailable(error)

    def _require_active(self, client: MtnClient, phone: Phone) -> None:
        try:
            is_active = client.is_active(phone.digits)
        except MtnRefused as refused:
            if REASONS.get(refused.code) is not FailureClass.FINAL and not refused.is_unknown_reference:
                raise
            is_active = False
        if not is_active:
            raise RecipientUnknown(rail=self.name, phone=str(phone), reason="not-active")

    def _require_name(self, client: MtnClient, phone: Phone, name: str) -> None:
        known = client.holder_name(phone.digits)
        if known and not are_alike(name, known):
            raise RecipientNameDiffers(rail=self.name, phone=str(phone))

    def _require_same_platform(self, order: Order, config: MtnConfig) -> None:
        """Refuse to ask or to send elsewhere: another platform does not know what the order's own has paid."""
        with self.unavailable_on_error():
            source = config.source
        if source != order.source:
            raise RailUnavailable(
                rail=self.name, detail=f"the platform is {source}, the order belongs to {order.source}"
            )

    def _judged_by_balance(self, refused: Refused, order: Order, client: MtnClient) -> Refused:
        """Return a refusal as one for too little money if our wallet holds too little; it is final in any case."""
        try:
            held = client.balance()
        except PartnerError:
            return refused
        if held >= self.needed(order.amount).amount:
            return refused
        evidence = {**refused.evidence, "available": held}
        return replace(refused, failure=FailureClass.HOLD, evidence=evidence)

    def _held_apart(self, config: MtnConfig) -> int:
        """Return what a wallet of its own for collections holds. Raises: PartnerError."""
        return MtnClient.collecting(config).balance() if config.has_separate_wallets else 0


def _body(instruction: Instruction, phone: Phone, reference: str, config: MtnConfig) -> str:
    """Return the body of a transfer, which is sent unchanged each time. Raises: NotConfigured."""
    note = plain(NOTE.format(number=instruction.disbursement_id))
    row: Row = {
        "amount": str(instruction.amount.amount), "currency": config.environment.currency, "externalId": reference,
        "payee": {"partyIdType": "MSISDN", "partyId": phone.digits}, "payerMessage": note, "payeeNote": note,
    }  # fmt: skip
    return serialized(row)
