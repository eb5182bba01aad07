"""The MTN collector: asks a payer on their phone, who approves within five minutes, and reports what arrived."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, xof
from partners.mtn.client import MtnClient, MtnRefused, Row, TokenRefused, code_of, serialized
from partners.mtn.config import NAME, MtnConfig
from partners.mtn.outcomes import FAILED, SUCCESSFUL, TRANSACTION, is_credentials
from partners.mtn.texts import plain
from partners.phones import Phone, read_phone
from partners.references import collection_reference
from partners.wire import Answer, AnswerLost, PartnerError, whole_francs
from transfers.errors import CollectorCredentialsRefused, CollectorNeedsPhone, CollectorUnavailable
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection

OPEN, SETTLED, CANCELLED = "open", "settled", "cancelled"
STATES = {SUCCESSFUL: SETTLED, FAILED: CANCELLED}
TAKEN = (HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)
# So long may the payer approve.
APPROVED_WITHIN = timedelta(minutes=5)


class MtnCollector:
    """Collect francs by MTN. Writes nothing to the database.

    A request is paid once, in full, or fails for good: to ask its payer again takes another collection.
    """

    name = NAME
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, NAME)
    wants_phone = True
    needs_phone = True
    # A request whose outcome MTN has not decided is queried for so long after its end.
    paid_late_for = timedelta(days=2)

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Ask the payer, once per collection.

        Raises: CollectorUnavailable; CollectorNeedsPhone, PhoneUnreadable, PhoneNotOfPartner or PhoneNotMobile.
        """
        config, reference = MtnConfig.from_environment(), self.reference_of(request.collection_id)
        if not request.phone:
            raise CollectorNeedsPhone(method=self.name)
        phone = read_phone(request.phone, rail=NAME, countries=config.countries)
        with self._unavailable_on_error():
            source, body = config.source, _body(request, phone, reference, config)
            self._ask(MtnClient.collecting(config), body, reference)
        return OpenedCollection(
            reference=reference, payment_request="", checkout_url="", expires_at=now + APPROVED_WITHIN, source=source,
        )  # fmt: skip

    def reference_of(self, collection_id: int) -> str:
        """Return the reference of a collection's request, whether it was opened or not."""
        return collection_reference(self.name, collection_id)

    def find(self, reference: str) -> CollectionStatus:
        """Return the state of a request, which is paid once. Raises: CollectorUnavailable.

        One that MTN does not know is reported as cancelled, with our platform as `source`.
        """
        with self._unavailable_on_error():
            config = MtnConfig.from_environment()
            source, currency = config.source, config.environment.currency
            try:
                row = MtnClient.collecting(config).request_status(reference)
            except MtnRefused as refused:
                if not refused.is_unknown_reference:
                    raise
                return CollectionStatus(CANCELLED, xof(0), "", None, source=source)
            return _status_of(row, reference, currency=currency, source=source)

    def cancel(self, reference: str) -> CollectionStatus:
        """Return the state of a request: MTN cannot end one that waits for its payer. Raises: CollectorUnavailable."""
        return self.find(reference)

    def _ask(self, client: MtnClient, body: str, reference: str) -> None:
        """Have MTN ask the payer; after an unknown answer, look whether it did. Raises: PartnerError."""
        try:
            answer = client.request_to_pay(body.encode(), reference=reference)
        except AnswerLost as lost:
            self._require_known(client, reference, lost)
            return
        _require_taken(answer)

    def _require_known(self, client: MtnClient, reference: str, lost: AnswerLost) -> None:
        try:
            client.request_status(reference)
        except MtnRefused as refused:
            raise lost from refused

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        try:
            yield
        except PartnerError as error:
            refused = isinstance(error, MtnRefused) and is_credentials(error.status, error.code)
            refused = refused or isinstance(error, TokenRefused)
            kind = CollectorCredentialsRefused if refused else CollectorUnavailable
            raise kind(collector=self.name, detail=f"{type(error).__name__}: {error}"[:500]) from error


def _require_taken(answer: Answer) -> None:
    """Refuse an answer that is neither "accepted" nor "exists already". Raises: MtnRefused."""
    if answer.status not in TAKEN:
        raise MtnRefused(answer.status, code_of(answer))


def _body(request: CollectionRequest, phone: Phone, reference: str, config: MtnConfig) -> str:
    """Return the body of a request. Raises: NotConfigured."""
    note = plain(request.memo)
    row: Row = {
        "amount": str(request.amount.amount), "currency": config.environment.currency, "externalId": reference,
        "payer": {"partyIdType": "MSISDN", "partyId": phone.digits}, "payerMessage": note, "payeeNote": note,
    }  # fmt: skip
    return serialized(row)


def _status_of(row: Row, reference: str, *, currency: str, source: str) -> CollectionStatus:
    """Translate a status; money counts only when it arrived, in our currency.

    Raises: AnswerLost for what is not our request, or is in another currency, or has no whole amount.
    """
    if row.get("externalId") not in (None, reference):
        raise AnswerLost("a request with another reference")
    state = STATES.get(str(row.get("status")), OPEN)
    if state != SETTLED:
        return CollectionStatus(state, xof(0), "", None, source=source)
    if row.get("currency") != currency:
        raise AnswerLost("a payment in another currency")
    try:
        received = xof(whole_francs(row.get("amount")))
    except ValueError:
        raise AnswerLost("a payment without a whole amount") from None
    number = str(row.get("financialTransactionId", ""))
    return CollectionStatus(
        SETTLED, received, number if TRANSACTION.fullmatch(number) else reference, None, source=source
    )
