"""The collector of Orange Money: a QR code and deep links by which a customer pays our merchant code once.

Orange lists a request only once it was paid, and cannot cancel one: an old QR code stays payable until it ends, so that
two codes of one request may both be paid. Both payments have the request's reference, and each its own id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, xof
from partners.errors import AmountOutsidePartnerRange
from partners.orange.client import OrangeClient
from partners.orange.config import OrangeConfig, orange_config
from partners.orange.errors import CallRefused, CredentialsRefused
from partners.orange.outcomes import (
    CASH_IN,
    SUCCESS,
    francs_of,
    is_transaction_id,
    moment_of,
)
from partners.orange.rail import COUNTRIES
from partners.phones import read_phone
from partners.references import collection_reference
from partners.wire import AnswerLost, PartnerError
from transfers.errors import CollectorCredentialsRefused, CollectorUnavailable
from transfers.types import CollectedPayment, CollectionRequest, CollectionStatus, OpenedCollection

LONGEST_VALIDITY_SECONDS: Final = 86_400
# Longer addresses cannot be stored.
LONGEST_LINK: Final = 500
OPEN, SETTLED = "open", "settled"


class OrangeCollector:
    """Collect francs from a phone, which a request may name or leave open."""

    name = "orange"
    account = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "orange")
    wants_phone = True
    needs_phone = False
    # A code that was made and not recorded lasts a day, and a payment has its final status within a day more.
    paid_late_for = timedelta(hours=48)

    def open(self, request: CollectionRequest, *, now: datetime) -> OpenedCollection:
        """Make a QR code; each call makes another one of the same reference.

        Raises: CollectorUnavailable, CollectorCredentialsRefused, AmountOutsidePartnerRange, PhoneUnreadable,
        PhoneNotOfPartner, PhoneNotMobile.
        """
        config = orange_config()
        self._require_amount_allowed(request, config)
        payer = read_phone(request.phone, rail=self.name, countries=COUNTRIES) if request.phone else None
        reference = self.reference_of(request.collection_id)
        validity = min(request.expires_in_seconds, LONGEST_VALIDITY_SECONDS)
        with self._unavailable_on_error():
            made = OrangeClient(config).qr_code(
                amount_xof=request.amount.amount, reference=reference, validity_seconds=validity,
                payer=payer.national if payer else "", name=config.merchant_name,
            )  # fmt: skip
            return OpenedCollection(
                reference=reference, payment_request="", checkout_url=_link_in(made),
                expires_at=_end_in(made) or now + timedelta(seconds=validity), source=config.merchant_code,
            )  # fmt: skip

    def reference_of(self, collection_id: int) -> str:
        return collection_reference(self.name, collection_id)

    def find(self, reference: str) -> CollectionStatus:
        """Return every payment of a request; without any, whether it may still be paid only its end says.

        Raises: CollectorUnavailable, also for a payment in another currency or to another merchant.
        """
        config = orange_config()
        with self._unavailable_on_error():
            pages = OrangeClient(config).transactions(reference=reference)
            rows = [row for page in pages for row in page if row.get("reference") == reference]
            payments = tuple(_payments_in(rows, config))
            source = config.merchant_code
        return CollectionStatus(
            state=SETTLED if payments else OPEN,
            received=xof(sum(payment.received.amount for payment in payments)),
            proof="",
            settled_at=payments[-1].received_at if payments else None,
            source=source,
            payments=payments,
            is_unlisted=not payments,
        )

    def cancel(self, reference: str) -> CollectionStatus:
        """Return the state of a request: Orange cannot cancel one. Raises: as `find`."""
        return self.find(reference)

    def _require_amount_allowed(self, request: CollectionRequest, config: OrangeConfig) -> None:
        if request.amount.amount < config.least_request_xof:
            raise AmountOutsidePartnerRange(
                partner=self.name,
                amount_xof=request.amount.amount,
                least_xof=config.least_request_xof,
                most_xof=None,
            )

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        try:
            yield
        except PartnerError as error:
            # Each API is approved on its own: one that is missing (403) says nothing about paying out.
            is_refused = isinstance(error, CallRefused) and error.status == HTTPStatus.UNAUTHORIZED
            is_refused |= isinstance(error, CredentialsRefused)
            kind = CollectorCredentialsRefused if is_refused else CollectorUnavailable
            raise kind(collector=self.name, detail=f"{type(error).__name__}: {error}"[:500]) from error


def _payments_in(rows: list[dict[str, Any]], config: OrangeConfig) -> Iterator[CollectedPayment]:
    """Yield what was paid, each transaction once. Raises: AnswerLost for what cannot be counted."""
    paid = {row.get("transactionId"): row for row in rows if row.get("status") == SUCCESS}
    for name, row in paid.items():
        partner = row.get("partner")
        is_ours = isinstance(partner, dict) and partner.get("id") == config.merchant_code
        if not is_ours or not is_transaction_id(name) or row.get("type") == CASH_IN:
            raise AnswerLost("a payment that is not to our merchant code")
        try:
            received = xof(francs_of(row))
        except ValueError as error:
            raise AnswerLost(f"{name} is not in whole francs") from error
        yield CollectedPayment(str(name), received, str(name), moment_of(row, "updatedAt"))


def _link_in(made: dict[str, Any]) -> str:
    """Return the link that opens either of Orange's apps. Raises: AnswerLost."""
    link = made.get("deepLink")
    if not isinstance(link, str) or not 0 < len(link) <= LONGEST_LINK:
        raise AnswerLost("a QR code without a usable link")
    return link


def _end_in(made: dict[str, Any]) -> datetime | None:
    valid_for = made.get("validFor")
    return moment_of(valid_for, "endDateTime") if isinstance(valid_for, dict) else None
