"""The rail of Orange Money: pays a phone in Senegal from our retailer account by cash-in, in whole francs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ledger.enums import Currency
from ledger.types import Money, xof
from partners.config import NotConfigured
from partners.errors import AmountOutsidePartnerRange, RecipientNameDiffers, RecipientUnknown
from partners.orange.client import OrangeClient
from partners.orange.config import OrangeConfig, orange_config
from partners.orange.errors import CallRefused, CredentialsRefused
from partners.orange.outcomes import (
    CASH_IN,
    FAILED,
    SUCCESS,
    are_credentials_refused,
    francs_of,
    is_transaction_id,
    outcome_of_answer,
    outcome_of_refusal,
    outcome_of_rows,
)
from partners.phone_rail import PhoneRail
from partners.phones import Phone
from partners.references import new_order_reference
from partners.wire import AnswerLost, NotReached, PartnerError, SendingTooLate
from sunusav.core import clock
from sunusav.core.deadlines import Deadline
from sunusav.core.privacy import mask_phone
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
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
    Unknown,
)

COUNTRIES: Final = ("SN",)
COUNTRY_CODE: Final = "+221"
# An order that did not leave within an hour is given up, and another one is prepared.
VALID_FOR: Final = timedelta(hours=1)
# Clocks differ, and Orange lists only what was created after the moment asked for.
CLOCK_SKEW: Final = timedelta(seconds=120)
# An access token may be accepted a little after its end.
TOKEN_LEEWAY: Final = timedelta(seconds=61)
FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
UNKNOWN_ACCOUNT: Final = ((400, "2000"), (400, "2001"), (404, "60"))
NO_RECEIVING: Final = ("receiver", "both")


class OrangeRail(PhoneRail):
    """Cash-in, which Orange does as often as it is asked to: an order is sent once.

    What may still be accepted after a deadline is bounded by the life of the access token. A final status comes within
    24 hours; until then absence proves nothing.
    """

    name = "orange"
    states_cost = False
    send_deadline_seconds = 20
    search_window = timedelta(hours=24)

    def __init__(self) -> None:
        super().__init__()
        self.late_by = timedelta(seconds=orange_config().token_life_seconds) + TOKEN_LEEWAY

    @property
    def countries(self) -> tuple[str, ...]:
        return COUNTRIES

    @property
    def account_shown(self) -> str:
        retailer = orange_config().retailer
        return mask_phone(f"{COUNTRY_CODE}{retailer}") if retailer else ""

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Ask whether the phone's account can receive, and for the money that is there. Nothing is paid.

        Raises: RailUnavailable, RailCredentialsRefused, RailShort, RecipientUnknown, RecipientNameDiffers,
        AmountOutsidePartnerRange, and as `check`.
        """
        phone, config = self.phone_in(instruction.destination), orange_config()
        self._require_amount_allowed(instruction.amount, config)
        if config.checks_recipient:
            self._require_recipient(phone, instruction.recipient_name, config)
        self._require_money(instruction.amount)
        expires_at = now + VALID_FOR
        with self.unavailable_on_error():
            source = config.msisdn
        return Order(
            rail=self.name, reference=new_order_reference(), payload=phone.e164, amount=instruction.amount,
            cost_limit=self.cost_limit(instruction.amount), payee=self.payee_of(instruction.destination),
            source=source, expires_at=expires_at, give_up_after=expires_at + self.late_by, is_renewable=True,
        )  # fmt: skip

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay the phone, unless the deadline has passed; what was paid is read back.

        Raises: RailUnavailable or RailCredentialsRefused, if certainly nothing was sent.
        """
        config = orange_config()
        if not order.payload:
            raise RailUnavailable(rail=self.name, detail="the order's phone was erased")
        phone = self._phone_of(order)
        with self.unavailable_on_error():
            self._require_same_account(order, config)
        client = OrangeClient(config)
        try:
            answer = client.cash_in(
                phone=phone.national,
                amount_xof=order.amount.amount,
                reference=order.reference,
                deadline=deadline,
            )
        except SendingTooLate as error:
            return TooLate(error.evidence)
        except (NotReached, NotConfigured) as error:
            raise self.unavailable(error) from error
        except AnswerLost as error:
            return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
        except CallRefused as refused:
            return outcome_of_refusal(refused)
        outcome = outcome_of_answer(answer, order)
        return self._read_back(order, outcome) if isinstance(outcome, Succeeded) else outcome

    def find(self, order: Order) -> FindOutcome:
        """Search for the order's reference. Raises: RailUnavailable."""
        config = orange_config()
        since = order.expires_at - VALID_FOR - CLOCK_SKEW
        with self.unavailable_on_error():
            source = config.msisdn
            pages = OrangeClient(config).transactions(reference=order.reference, since=since)
            rows = [row for page in pages for row in page if row.get("reference") == order.reference]
        if rows:
            return outcome_of_rows(rows, order)
        return NotSeen(source, is_resendable=False, evidence={"searched_from": since.isoformat()})

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof is the id of a transaction; Orange signs nothing."""
        return is_transaction_id(proof)

    def balance(self) -> Money:
        """Return what our retailer account holds. Raises: RailUnavailable, RailCredentialsRefused."""
        with self.unavailable_on_error():
            return xof(_francs_held(OrangeClient(orange_config()).balance()))

    def sendable(self) -> Sendable:
        """Return what can be paid, in all and in one payment. Raises: as `balance`."""
        held, most = self.balance(), orange_config().most_payout_xof
        return Sendable(total=held, largest=xof(min(held.amount, most)) if most else held)

    def statement(self) -> Iterator[ProviderPayment]:
        """List every cash-in until now, a page at a time; a row that moved to the next page is left out there.

        Raises: RailUnavailable.
        """
        pages = OrangeClient(orange_config()).transactions(since=FIRST_DAY, until=clock.now() + CLOCK_SKEW)
        before: set[str] = set()
        while True:
            with self.unavailable_on_error():
                rows = next(pages, None)
            if rows is None:
                return
            listed = {str(row.get("transactionId")): row for row in rows if row.get("type") == CASH_IN}
            yield from (_line(row) for name, row in listed.items() if name not in before)
            before = set(listed)

    def unavailable(self, error: PartnerError) -> RailUnavailable:
        """Return why the rail is unavailable: our credentials, or anything else. No call was accepted."""
        is_refused = isinstance(error, CallRefused) and are_credentials_refused(error)
        kind = (
            RailCredentialsRefused if is_refused or isinstance(error, CredentialsRefused) else RailUnavailable
        )
        return kind(rail=self.name, detail=f"{type(error).__name__}: {error}"[:500])

    def _phone_of(self, order: Order) -> Phone:
        return self.phone_in(Destination(rail=self.name, kind=self.destination_kinds[0], value=order.payload))

    def _require_same_account(self, order: Order, config: OrangeConfig) -> None:
        """Refuse to send from another account: it does not know what the order's own account has paid."""
        if config.msisdn != order.source:
            raise NotReached("the order belongs to another account")

    def _require_amount_allowed(self, amount: Money, config: OrangeConfig) -> None:
        least, most = config.least_payout_xof, config.most_payout_xof
        if amount.amount < least or (most and amount.amount > most):
            raise AmountOutsidePartnerRange(
                partner=self.name, amount_xof=amount.amount, least_xof=least, most_xof=most or None
            )

    def _require_recipient(self, phone: Phone, recipient_name: str, config: OrangeConfig) -> None:
        """Ask for the profile of a phone. Raises: RecipientUnknown, RecipientNameDiffers, RailUnavailable."""
        try:
            profile = OrangeClient(config).account(phone.national)
        except CallRefused as refused:
            if (refused.status, refused.code) in UNKNOWN_ACCOUNT:
                raise RecipientUnknown(rail=self.name, phone=str(phone), reason="no-account") from refused
            # Each API is approved on its own: this one may be missing although payments are allowed.
            raise RailUnavailable(rail=self.name, detail=f"the account of a phone: {refused}") from refused
        except PartnerError as error:
            raise self.unavailable(error) from error
        if str(profile.get("suspended", "")).lower() == "yes":
            raise RecipientUnknown(rail=self.name, phone=str(phone), reason="suspended")
        if str(profile.get("barred", "")).lower() in NO_RECEIVING:
            raise RecipientUnknown(rail=self.name, phone=str(phone), reason="barred")
        names = f"{profile.get('firstName') or ''} {profile.get('lastName') or ''}"
        if config.checks_name and not are_names_alike(recipient_name, names):
            raise RecipientNameDiffers(rail=self.name, phone=str(phone))

    def _require_money(self, amount: Money) -> None:
        available, needed = self.balance(), self.needed(amount)
        if available.amount < needed.amount:
            raise RailShort(
                rail=self.name, needed=needed.amount, available=available.amount, currency=Currency.XOF
            )

    def _read_back(self, order: Order, answered: Succeeded) -> SendOutcome:
        """Return what the search says of an order that was answered as paid, since the answer has no amount.

        While the search does not show it, the answer decides; the statement is matched later.
        """
        try:
            found = self.find(order)
        except RailUnavailable:
            return answered
        match found:
            case Succeeded(proof=proof) if proof == answered.proof:
                return found
            case Unknown():
                return found
            case Succeeded() | Refused():
                evidence = {"answered": answered.evidence, "found": found.evidence}
                return Unknown(seen=True, reason="another-payment", suspect=True, evidence=evidence)
            case _:
                return answered


def are_names_alike(ours: str, theirs: str) -> bool:
    """Return whether two names share a word, accents and case aside; a name that is not known is like any."""
    known, reported = _words(ours), _words(theirs)
    return not known or not reported or bool(known & reported)


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return {word for word in plain.replace("-", " ").split() if len(word) > 1}


def _francs_held(answer: dict[str, Any]) -> int:
    """Return a balance in whole francs. Raises: AnswerLost."""
    try:
        return francs_of({"amount": answer})
    except ValueError as error:
        raise AnswerLost("a balance that is no amount in whole francs") from error


def _line(row: dict[str, Any]) -> ProviderPayment:
    """Return a line of the statement; an amount that is not whole francs is 0, which differs from every booking."""
    try:
        amount = francs_of(row)
    except ValueError:
        amount = 0
    status = row.get("status")
    return ProviderPayment(
        reference=str(row.get("reference") or row.get("transactionId")), is_paid=status == SUCCESS,
        is_open=status != SUCCESS and status not in FAILED, amount=xof(amount), cost=None,
    )  # fmt: skip
