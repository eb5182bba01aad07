"""The Wave collector: opens a checkout session that the payer opens in a browser, and reports what arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, xof
from partners.phones import read_phone
from partners.references import collection_reference
from partners.wave.client import CURRENCY, Row, WaveClient, WaveRefused, francs_of
from partners.wave.config import NAME, WaveConfig
from partners.wave.outcomes import is_credentials
from partners.wire import AnswerLost, PartnerError
from transfers.errors import CollectorCredentialsRefused, CollectorUnavailable
from transfers.types import CollectedPayment, CollectionRequest, CollectionStatus, OpenedCollection

OPEN, SETTLED, CANCELLED = "open", "settled", "cancelled"
# Wave's states of a session and of its payment.
IS_OPEN, COMPLETE, EXPIRED = "open", "complete", "expired"
SUCCEEDED, PAYMENT_CANCELLED = "succeeded", "cancelled"


class WaveCollector:
    """Collect francs by Wave. Writes nothing to the database.

    A request may have several sessions, since Wave opens another at each call; each that is paid is a payment.
    """

    name = NAME
    # The payer's phone may be left out; with it, only that phone can pay.
    wants_phone = True
    needs_phone = False
    # A session whose opening was not answered may be paid for as long as any session lasts: 24 hours by Wave's samples.
    paid_late_for = timedelta(days=2)

    def __init__(self) -> None:
        self.account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, self.name)

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Open a session, or return the one that exists for this collection.

        Raises: CollectorUnavailable; PhoneUnreadable, PhoneNotOfPartner or PhoneNotMobile for the payer's phone.
        """
        config, reference = WaveConfig.from_environment(), self.reference_of(request.collection_id)
        wanted = _wanted(request, reference, config)
        with self._unavailable_on_error():
            client, source = WaveClient.collecting(config), config.checkout.source
            known = client.sessions_named(reference)
            session = _usable(known, request) or self._created(client, wanted, request)
            return _opened(session, reference, source)

    def reference_of(self, collection_id: int) -> str:
        """Return the reference of a collection's sessions, whether there are any or not."""
        return collection_reference(self.name, collection_id)

    def find(self, reference: str) -> CollectionStatus:
        """Return the state of a collection's sessions and every payment of them. Raises: CollectorUnavailable.

        No session at all is reported as cancelled, with our wallet as `source`.
        """
        with self._unavailable_on_error():
            config = WaveConfig.from_environment()
            source = config.checkout.source
            return _status_of(WaveClient.collecting(config).sessions_named(reference), source)

    def cancel(self, reference: str) -> CollectionStatus:
        """End the open sessions of a collection; return its state, which may be paid. Raises: CollectorUnavailable."""
        with self._unavailable_on_error():
            client = WaveClient.collecting(WaveConfig.from_environment())
            for session in client.sessions_named(reference):
                if session.get("checkout_status") == IS_OPEN:
                    client.expire_session(_text(session, "id"))
        return self.find(reference)

    def _created(self, client: WaveClient, wanted: dict[str, str], request: CollectionRequest) -> Row:
        """Open a session; after an unknown answer, look for it once."""
        try:
            return client.create_session(wanted)
        except AnswerLost:
            session = _usable(client.sessions_named(wanted["client_reference"]), request)
            if session is None:
                raise
            return session

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        try:
            yield
        except PartnerError as error:
            refused = isinstance(error, WaveRefused) and is_credentials(error.code)
            kind = CollectorCredentialsRefused if refused else CollectorUnavailable
            raise kind(collector=self.name, detail=f"{type(error).__name__}: {error}"[:500]) from error


def _wanted(request: CollectionRequest, reference: str, config: WaveConfig) -> dict[str, str]:
    """Return the session to open. The memo is not sent: a session has no place for it."""
    page = settings.PUBLIC_BASE_URL + reverse("wave-done")
    wanted = {
        "amount": str(request.amount.amount), "currency": CURRENCY, "client_reference": reference,
        "success_url": page, "error_url": page,
    }  # fmt: skip
    if request.phone:
        phone = read_phone(request.phone, rail=NAME, countries=(config.country,))
        wanted["restrict_payer_mobile"] = phone.e164
    return wanted


def _usable(sessions: Sequence[Row], request: CollectionRequest) -> Row | None:
    """Return the session that a request has already: the paid one, or else the oldest open one of its amount."""
    paid = [session for session in sessions if _is_paid(session)]
    is_open = [one for one in sessions if one.get("checkout_status") == IS_OPEN and _asks_for(one, request)]
    found = [*paid, *sorted(is_open, key=lambda one: str(one.get("when_created")))]
    return found[0] if found else None


def _asks_for(session: Row, request: CollectionRequest) -> bool:
    return session.get("currency") == CURRENCY and _francs(session) == request.amount.amount


def _opened(session: Row, reference: str, source: str) -> OpenedCollection:
    return OpenedCollection(
        reference=reference, payment_request="", checkout_url=_text(session, "wave_launch_url"),
        expires_at=_moment(session, "when_expires"), source=source,
    )  # fmt: skip


def _status_of(sessions: Sequence[Row], source: str) -> CollectionStatus:
    """Return what arrived by all sessions. Raises: AnswerLost for a payment in another currency or without a number."""
    by_id = {_text(one, "transaction_id"): one for one in sessions if _is_paid(one)}
    payments = tuple(_payment(one, by_id[one]) for one in by_id)
    return CollectionStatus(
        state=_state_of(sessions), received=xof(sum(one.received.amount for one in payments)), proof="",
        settled_at=max((one.received_at for one in payments if one.received_at), default=None), source=source,
        payments=payments,
    )  # fmt: skip


def _state_of(sessions: Sequence[Row]) -> str:
    if not all(_is_over(session) or _is_paid(session) for session in sessions):
        return OPEN
    return SETTLED if any(map(_is_paid, sessions)) else CANCELLED


def _is_paid(session: Row) -> bool:
    return (session.get("checkout_status"), session.get("payment_status")) == (COMPLETE, SUCCEEDED)


def _is_over(session: Row) -> bool:
    """Return whether nobody can pay a session any more; one in a state that we do not know may be paid."""
    status, payment = session.get("checkout_status"), session.get("payment_status")
    if status == EXPIRED:
        return payment != SUCCEEDED
    return status == COMPLETE and payment == PAYMENT_CANCELLED


def _payment(transaction_id: str, session: Row) -> CollectedPayment:
    if session.get("currency") != CURRENCY:
        raise AnswerLost("a payment in another currency")
    return CollectedPayment(
        transaction_id, xof(_francs(session)), transaction_id, _moment(session, "when_completed")
    )


def _francs(session: Row) -> int:
    try:
        return francs_of(session.get("amount"))
    except ValueError as error:
        raise AnswerLost("a session that is not in whole francs") from error


def _text(session: Row, name: str) -> str:
    value: Any = session.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerLost(f"a session without {name}")
    return value


def _moment(session: Row, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(session, name))
    except ValueError as error:
        raise AnswerLost(f"a session whose {name} is no moment") from error
    if moment.tzinfo is None:
        raise AnswerLost(f"a session whose {name} has no time zone")
    return moment
