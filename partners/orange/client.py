"""Calls to Orange Money, one method each. What certainly did nothing and what may have been done raise apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from partners.config import NotConfigured
from partners.orange import pins
from partners.orange.config import OrangeConfig
from partners.orange.errors import CallRefused, CredentialsRefused
from partners.orange.keys import encrypted_pin, read_public_key
from partners.tokens import IssuedToken, SharedToken
from partners.wire import JSON_TYPE, Answer, AnswerLost, NotReached, PartnerError, SendingTooLate, Wire
from sunusav.core.deadlines import Deadline

Row = dict[str, Any]
RENEWED_EARLY_SECONDS: Final = 30
# Everything but a payment: what it asks is answered quickly.
QUICK_SECONDS: Final = 4.0
PAGE_SIZE: Final = 500
NOT_AUTHENTICATED: Final = (401, "10")
KEY_REVOKED: Final = (400, "4003")
# Longer texts are not codes or names of members.
SHORT_TEXT: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,40}")
_public_keys: dict[str, RSAPublicKey] = {}


class OrangeClient:
    """Our account at Orange. Each call needs an access token, which is fetched, or shared, first."""

    def __init__(self, config: OrangeConfig) -> None:
        self._config = config
        self._quick = Wire(config.url, min(QUICK_SECONDS, config.timeout_seconds))
        self._slow = Wire(config.url, config.timeout_seconds)

    def cash_in(self, *, phone: str, amount_xof: int, reference: str, deadline: Deadline) -> Row:
        """Pay a phone, of nine digits, unless the deadline has passed. Not idempotent: once per reference.

        It is repeated once, within the deadline, after a refusal of the token or of the public key, which did nothing.
        Raises: NotReached and NotConfigured (nothing was sent), SendingTooLate, AnswerLost, CallRefused.
        """

        def body(encrypted: str) -> Row:
            wallet = {"walletType": self._config.wallet} if self._config.wallet else {}
            return {
                "partner": {
                    "idType": "MSISDN", "id": self._config.msisdn, "encryptedPinCode": encrypted, **wallet,
                },
                "customer": {"idType": "MSISDN", "id": phone},
                "amount": {"value": amount_xof, "unit": "XOF"},
                "reference": reference,
                "receiveNotification": True,
            }  # fmt: skip

        return self._with_pin("/api/eWallet/v1/cashins", body, deadline=deadline).row()

    def balance(self) -> Row:
        """Return what our account holds. Raises: PartnerError."""

        def body(encrypted: str) -> Row:
            return {
                "idType": "MSISDN", "id": self._config.msisdn, "encryptedPinCode": encrypted,
                "wallet": self._config.balance_wallet,
            }  # fmt: skip

        return self._with_pin("/api/eWallet/v1/account/retailer/balance", body).row()

    def account(self, phone: str) -> Row:
        """Return the profile of a customer, whose phone has nine digits. Raises: PartnerError."""
        return self._get("/api/eWallet/v1/account", msisdn=phone, type="customer").row()

    def transactions(
        self, *, reference: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[list[Row]]:
        """Return what a search finds, a page at a time; one for a reference ends with a page that is not full.

        Without `type`: live, a search by type finds nothing. Raises: PartnerError.
        """
        wanted = {"reference": reference, "fromDateTime": _text_of(since), "toDateTime": _text_of(until)}
        query = {name: value for name, value in wanted.items() if value}
        page, before = 0, list[Row]()
        while rows := self._page(query, page):
            if rows == before:
                raise AnswerLost("a search that repeats its pages")
            yield rows
            if reference and len(rows) < PAGE_SIZE:
                return
            page, before = page + 1, rows

    def qr_code(
        self, *, amount_xof: int, reference: str, validity_seconds: int, payer: str = "", name: str
    ) -> Row:
        """Make a QR code and deep links for one payment; each call makes another. Raises: PartnerError."""
        restrictions: Row = {"isSingleUse": True} | ({"payerMsisdn": payer} if payer else {})
        body = {
            "code": self._config.merchant_code, "name": name, "reference": reference,
            "amount": {"value": amount_xof, "unit": "XOF"}, "validity": validity_seconds,
            "metadata": {"reference": reference}, "restrictions": restrictions,
        }  # fmt: skip
        headers = {"X-Callback-Url": self._config.callback_url} if self._config.callback_url else {}
        if self._config.x_api_key:
            headers["X-Api-Key"] = self._config.x_api_key.value()
        return self._post("/api/eWallet/v4/qrcode", body, headers=headers).row()

    def register_callback(self, *, url: str, api_key: str) -> None:
        """Have Orange report payments to an address. Raises: PartnerError."""
        body = {
            "code": self._config.merchant_code, "name": self._config.merchant_name, "callbackUrl": url,
            "apiKey": api_key,
        }  # fmt: skip
        self._post("/api/notification/v1/merchantcallback", body)

    def _page(self, query: Mapping[str, str], page: int) -> list[Row]:
        found = self._get("/api/eWallet/v1/transactions", **query, page=str(page), size=str(PAGE_SIZE))
        rows = found.document()
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise AnswerLost("a search without a list of transactions")
        return rows

    # Calls with a token

    def _get(self, path: str, **query: str) -> Answer:
        def call(token: IssuedToken) -> Answer:
            return self._quick.call("GET", path, headers=_headers(token), query=query)

        return _accepted(self._with_token(call))

    def _post(self, path: str, body: Row, *, headers: Mapping[str, str] | None = None) -> Answer:
        def call(token: IssuedToken) -> Answer:
            return self._slow.call(
                "POST",
                path,
                headers={**_headers(token), **(headers or {})},
                content=json.dumps(body).encode(),
            )

        return _accepted(self._with_token(call))

    def _with_token(
        self, call: Callable[[IssuedToken], Answer], *, deadline: Deadline | None = None
    ) -> Answer:
        """Make a call; once more with a new token if the token was refused, unless the deadline has passed."""
        with _before_sending():
            token = self._token.issued()
        answer = call(token)
        if not _is_refused_as(answer, NOT_AUTHENTICATED):
            return answer
        self._token.forget(token.value)
        _require_in_time(deadline)
        with _before_sending():
            token = self._token.issued()
        return call(token)

    @property
    def _token(self) -> SharedToken:
        config = self._config
        credentials = f"{config.url}\n{config.client}\n{config.client_secret.value()}"
        return SharedToken("orange", credentials, self._fetch_token, RENEWED_EARLY_SECONDS)

    def _fetch_token(self) -> IssuedToken:
        """Return a new token. Raises: CredentialsRefused, NotReached, AnswerLost, NotConfigured."""
        config = self._config
        form = {
            "grant_type": "client_credentials", "client_id": config.client,
            "client_secret": config.client_secret.value(),
        }  # fmt: skip
        answer = self._quick.call(
            "POST", "/oauth/v1/token", content=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        if not answer.is_success:
            raise _no_token(answer)
        row = answer.row()
        value, lasts = row.get("access_token"), row.get("expires_in")
        if not isinstance(value, str) or not value or not str(lasts).isdigit():
            raise NotReached("no access token in the answer")
        return IssuedToken(value, int(str(lasts)))

    # Calls with our PIN

    def _with_pin(self, path: str, body: Callable[[str], Row], *, deadline: Deadline | None = None) -> Answer:
        """Make a call with our PIN; once more with a new public key if that was revoked, within the deadline."""
        config = self._config
        pin = config.pin.value()
        guard = pins.guard_of(url=config.url, msisdn=config.msisdn, pin=pin)
        with guard.used():
            answer = self._sent_with_pin(path, body, pin, deadline=deadline)
            if _is_refused_as(answer, KEY_REVOKED):
                _public_keys.pop(config.url, None)
                _require_in_time(deadline)
                answer = self._sent_with_pin(path, body, pin, deadline=deadline)
            code = _code_in(answer)
            if answer.is_success and answer.row_or_empty():
                guard.accept()
            elif code in pins.REFUSALS:
                guard.refuse(code)
        return _accepted(answer)

    def _sent_with_pin(
        self, path: str, body: Callable[[str], Row], pin: str, *, deadline: Deadline | None
    ) -> Answer:
        with _before_sending():
            encrypted = encrypted_pin(pin, key=self._public_key(), padding=self._config.padding)
        content = json.dumps(body(encrypted)).encode()

        def call(token: IssuedToken) -> Answer:
            if deadline is not None:
                self._require_short_life(token)
            return self._slow.call("POST", path, headers=_headers(token), content=content, deadline=deadline)

        return self._with_token(call, deadline=deadline)

    def _require_short_life(self, token: IssuedToken) -> None:
        """Refuse to pay with a token that would outlive what the engine waits for. Raises: NotReached."""
        longest = self._config.token_life_seconds
        if token.lasts_seconds > longest:
            raise NotReached(
                f"a token that lasts {token.lasts_seconds} s pays nothing: ORANGE_TOKEN_LIFE_SECONDS is {longest}"
            )

    def _public_key(self) -> RSAPublicKey:
        """Return Orange's public key, fetched once per process until it is revoked. Raises: PartnerError."""
        known = _public_keys.get(self._config.url)
        if known is None:
            row = self._get("/api/account/v1/publicKeys").row()
            known = _public_keys[self._config.url] = read_public_key(str(row.get("key", "")))
        return known


def forget_public_keys() -> None:
    """Forget every public key, as a restart does."""
    _public_keys.clear()


@contextmanager
def _before_sending() -> Iterator[None]:
    """Raise NotReached for whatever goes wrong before the call itself: that has not been made."""
    try:
        yield
    except (NotReached, NotConfigured):
        raise
    except PartnerError as error:
        raise NotReached(f"{type(error).__name__}: {error}") from error


def _require_in_time(deadline: Deadline | None) -> None:
    if deadline is not None and deadline.has_passed:
        raise SendingTooLate("refused without effect, and the latest moment to send has passed")


def _headers(token: IssuedToken) -> dict[str, str]:
    """Return the headers of every call; Orange wants the type on a GET, too."""
    return {"Authorization": f"Bearer {token.value}", "Content-Type": JSON_TYPE}


def _accepted(answer: Answer) -> Answer:
    """Return an answer of success. Raises: CallRefused."""
    if answer.is_success:
        return answer
    raise CallRefused(answer.status, _code_in(answer), _fields_in(answer))


def _is_refused_as(answer: Answer, refusal: tuple[int, str]) -> bool:
    return (answer.status, _code_in(answer)) == refusal


def _code_in(answer: Answer) -> str:
    code = str(answer.row_or_empty().get("code", ""))
    return code if SHORT_TEXT.fullmatch(code) else ""


def _fields_in(answer: Answer) -> tuple[str, ...]:
    violations = answer.row_or_empty().get("violations")
    rows = violations if isinstance(violations, list) else []
    names = [str(row.get("field", "")) for row in rows if isinstance(row, dict)]
    return tuple(name for name in names if SHORT_TEXT.fullmatch(name))


def _no_token(answer: Answer) -> NotReached:
    """Return why there is no token: our client, if Orange names it as the reason."""
    error = str(answer.row_or_empty().get("error", ""))
    if answer.status in (400, 401, 403) and error in (
        "invalid_client",
        "unauthorized_client",
        "access_denied",
    ):
        return CredentialsRefused(f"no token: {error}")
    return NotReached(f"no token: status {answer.status}")


def _text_of(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
