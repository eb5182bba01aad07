"""The Wave rail: pays a phone once per order, and finds what became of it by our reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus

from ledger.enums import Currency
from ledger.types import Money, xof
from partners.errors import RecipientNameDiffers, RecipientUnknown
from partners.phone_rail import PhoneRail
from partners.phones import Phone
from partners.references import new_order_reference
from partners.wave.client import CURRENCY, Row, WaveClient, WaveRefused
from partners.wave.config import NAME, WaveConfig
from partners.wave.outcomes import is_credentials, outcome_of_call, outcome_of_rows, phone_in
from partners.wave.statement import payments_since
from partners.wire import AnswerLost, NotReached, PartnerError, SendingTooLate
from sunusav.core import clock
from sunusav.core.deadlines import Deadline
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
from transfers.types import (
    FindOutcome,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    Sendable,
    SendOutcome,
    TooLate,
    Unknown,
)

PROOF = re.compile(r"pt-[0-9A-Za-z]{1,60}")
# Wave's key never ends; ours does: docs/decisions/partner-late-sends.md.
VALID_FOR = timedelta(hours=24)
# What the recipient reads beside the amount: at most 40 plain characters.
REASON = "Paiement SunuSav {number}"
LONGEST_REASON = 40
NO_MATCH = "NO_MATCH"


class WaveRail(PhoneRail):
    """Send francs to a phone by Wave. Writes nothing to the database; an unclear outcome is `Unknown`."""

    name = NAME
    send_deadline_seconds = 20
    late_by = timedelta(minutes=5)
    # Wave pays one key once.
    search_window = timedelta(0)

    @property
    def countries(self) -> tuple[str, ...]:
        return (WaveConfig.from_environment().country,)

    @property
    def account_shown(self) -> str:
        return WaveConfig.from_environment().payouts.wallet

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Check the recipient and what our wallet holds; a new order each time, with a reference of its own.

        Raises: RailUnavailable, RailShort, RecipientUnknown, RecipientNameDiffers, and as `check`.
        """
        phone, config = self.phone_in(instruction.destination), WaveConfig.from_environment()
        with self.unavailable_on_error():
            source = config.payouts.source
            client = WaveClient.paying(config)
            self._require_recipient(client, phone, instruction, compares_names=config.compares_names)
            held = client.balance()
        needed = self.needed(instruction.amount)
        if held < needed.amount:
            raise RailShort(rail=self.name, needed=needed.amount, available=held, currency=Currency.XOF)
        reference, expires_at = new_order_reference(), now + VALID_FOR
        return Order(
            rail=self.name, reference=reference, payload=_body(instruction, phone, reference),
            amount=instruction.amount, cost_limit=self.cost_limit(instruction.amount),
            payee=self.payee_of(instruction.destination), source=source, expires_at=expires_at,
            give_up_after=expires_at + self.late_by, is_renewable=True,
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay the phone, unless the deadline has passed: the same bytes with the same key, however often.

        Raises: RailUnavailable when Wave was not reached, the key is missing or of another wallet, or the phone was
        erased.
        """
        if deadline.has_passed:
            return TooLate()
        config = WaveConfig.from_environment()
        self._require_same_wallet(order, config)
        if not phone_in(order):
            raise RailUnavailable(rail=self.name, detail="the order's phone was erased")
        try:
            answer = WaveClient.paying(config).pay(
                order.payload.encode(), idempotency_key=order.reference, deadline=deadline
            )
        except NotReached as error:
            raise self.unavailable(error) from error
        except SendingTooLate as error:
            return TooLate(error.evidence)
        except AnswerLost as error:
            return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
        return outcome_of_call(answer, order)

    def find(self, order: Order) -> FindOutcome:
        """Search for the order's reference in the wallet that our key belongs to. Raises: RailUnavailable."""
        config = WaveConfig.from_environment()
        with self.unavailable_on_error():
            source = config.payouts.source
            rows = WaveClient.paying(config).payouts_named(order.reference)
        return outcome_of_rows(rows, order) or NotSeen(source=source)

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof is a number of a payout; Wave signs nothing."""
        return PROOF.fullmatch(proof) is not None

    def balance(self) -> Money:
        """Return what our wallet holds. Raises: RailUnavailable."""
        with self.unavailable_on_error():
            return xof(WaveClient.paying(WaveConfig.from_environment()).balance())

    def sendable(self) -> Sendable:
        """Return what our wallet can pay, charges included. Raises: RailUnavailable."""
        held = xof(max(self.balance().amount, 0))
        return Sendable(total=held, largest=held)

    def statement(self) -> Iterator[ProviderPayment]:
        """List every payout since WAVE_STATEMENT_FROM, the newest day first. Raises: RailUnavailable."""
        config = WaveConfig.from_environment()
        if config.statement_from is None:
            raise RailUnavailable(rail=self.name, detail="WAVE_STATEMENT_FROM is not set")
        with self.unavailable_on_error():
            yield from payments_since(
                config.statement_from, today=clock.now().date(), client=WaveClient.paying(config)
            )

    def unavailable(self, error: PartnerError) -> RailUnavailable:
        if isinstance(error, WaveRefused) and is_credentials(error.code):
            return RailCredentialsRefused(rail=self.name, detail=str(error))
        return super().unavailable(error)

    def _require_recipient(
        self, client: WaveClient, phone: Phone, instruction: Instruction, *, compares_names: bool
    ) -> None:
        """Refuse a wallet that Wave says cannot receive the amount, or whose owner has another name."""
        asked = {"mobile": phone.e164, "amount": str(instruction.amount.amount), "currency": CURRENCY}
        if compares_names and instruction.recipient_name:
            asked["name"] = instruction.recipient_name
        found = self._verified(client, phone, asked)
        if found.get("within_limits") is False:
            raise RecipientUnknown(rail=self.name, phone=str(phone), reason="recipient-limit-exceeded")
        if found.get("name_match") == NO_MATCH:
            raise RecipientNameDiffers(rail=self.name, phone=str(phone))

    def _verified(self, client: WaveClient, phone: Phone, asked: dict[str, str]) -> Row:
        """Return what Wave knows of a recipient; nothing where it does not answer that (too often, not activated)."""
        try:
            return client.verify_recipient(asked)
        except WaveRefused as refused:
            if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR or is_credentials(refused.code):
                raise
            if refused.code.startswith("recipient-"):
                raise RecipientUnknown(rail=self.name, phone=str(phone), reason=refused.code) from refused
            return {}

    def _require_same_wallet(self, order: Order, config: WaveConfig) -> None:
        """Refuse to send from another wallet: it does not know what the order's own wallet has paid."""
        with self.unavailable_on_error():
            source = config.payouts.source
        if source != order.source:
            raise RailUnavailable(
                rail=self.name, detail=f"our wallet is {source}, the order belongs to {order.source}"
            )


def _body(instruction: Instruction, phone: Phone, reference: str) -> str:
    """Return the body of a payout, which is sent unchanged each time."""
    return json.dumps({
        "currency": CURRENCY,
        "receive_amount": str(instruction.amount.amount),
        "mobile": phone.e164,
        "payment_reason": REASON.format(number=instruction.disbursement_id)[:LONGEST_REASON],
        "client_reference": reference,
    })  # fmt: skip
