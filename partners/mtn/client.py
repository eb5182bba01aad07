"""Calls to MTN MoMo, one method each. What certainly did nothing and what may have been done are different errors."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from partners.mtn.config import NEW, MtnAccess, MtnConfig
from partners.mtn.pace import Pace
from partners.tokens import IssuedToken, SharedToken
from partners.wire import (
    JSON_TYPE,
    Answer,
    AnswerLost,
    NotReached,
    PartnerError,
    SendingTooLate,
    Wire,
    whole_francs,
)
from sunusav.core.deadlines import Deadline

Row = dict[str, Any]
RENEWED_EARLY_SECONDS: Final = 600
# On the new platform a token took 10 to 20 s.
TOKEN_SECONDS: Final = 25.0
# MTN allows ten a second; several processes of ours read.
STATUS_READS: Final = Pace(0.2)
UNKNOWN_REFERENCE: Final = "RESOURCE_NOT_FOUND"
KEY_REFUSED: Final = "INVALID_SUBSCRIPTION_KEY"
UNAUTHORIZED: Final = "UNAUTHORIZED"
CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}", re.ASCII)


class MtnRefused(PartnerError):
    """MTN answered an error. `code` is its own, in capitals with underscores, or empty."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"status {status} {code}".rstrip())
        self.status, self.code = status, code

    @property
    def is_unknown_reference(self) -> bool:
        """Whether MTN itself says that it has nothing by this name; a gateway's 404 does not."""
        return self.status == HTTPStatus.NOT_FOUND and self.code == UNKNOWN_REFERENCE


class TokenRefused(PartnerError):
    """MTN refused our user, its key or the subscription key: no token, and nothing else was sent."""


class MtnClient:
    """One product of our account at MTN. Each call needs an access token, which is shared, or fetched first."""

    def __init__(self, config: MtnConfig, access: MtnAccess) -> None:
        self._config, self._access = config, access
        self._wire = Wire(config.url, config.timeout_seconds)

    @classmethod
    def paying(cls, config: MtnConfig) -> MtnClient:
        return cls(config, config.disbursement)

    @classmethod
    def collecting(cls, config: MtnConfig) -> MtnClient:
        return cls(config, config.collection)

    def transfer(self, body: bytes, *, reference: str, deadline: Deadline) -> Answer:
        """Order a payment; the answer is any status. The same reference is taken once, however often it is sent.

        Raises: TokenRefused, NotReached, NotConfigured (nothing was sent), SendingTooLate, AnswerLost.
        """
        return self._post("transfer", body, reference=reference, deadline=deadline)

    def transfer_status(self, reference: str) -> Row:
        """Return what became of a payment. Raises: PartnerError."""
        STATUS_READS.wait()
        return self._get(f"transfer/{reference}").row()

    def request_to_pay(self, body: bytes, *, reference: str) -> Answer:
        """Ask a payer for money; the answer is any status. The same reference is taken once. Raises: PartnerError."""
        return self._post("requesttopay", body, reference=reference)

    def request_status(self, reference: str) -> Row:
        """Return what became of a request. Raises: PartnerError."""
        STATUS_READS.wait()
        return self._get(f"requesttopay/{reference}").row()

    def balance(self) -> int:
        """Return what our account holds, in whole francs. Raises: PartnerError."""
        row = self._get("account/balance").row()
        if row.get("currency") != self._config.environment.currency:
            raise AnswerLost("a balance in another currency")
        try:
            return whole_francs(row.get("availableBalance"))
        except ValueError:
            raise AnswerLost("a balance that is no whole amount") from None

    def is_active(self, msisdn: str) -> bool:
        """Return whether a phone has a wallet that is in use. Raises: PartnerError."""
        found = self._get(f"accountholder/{self._config.id_type}/{msisdn}/active").document()
        result = found.get("result") if isinstance(found, dict) else found
        if not isinstance(result, bool):
            raise AnswerLost("no answer to whether a phone is active")
        return result

    def holder_name(self, msisdn: str) -> str:
        """Return the name of the owner of a wallet; "" if MTN does not say. Raises: PartnerError."""
        row = self._get(f"accountholder/{self._config.id_type}/{msisdn}/basicuserinfo").row()
        parts = [row.get("name")] if row.get("name") else [row.get("given_name"), row.get("family_name")]
        return " ".join(part for part in parts if isinstance(part, str))

    # Calls with a token

    def _get(self, path: str) -> Answer:
        """Read something. Raises: MtnRefused, TokenRefused and other PartnerErrors."""
        answer = self._with_token(
            lambda token: self._wire.call("GET", self._path(path), headers=self._headers(token))
        )
        if not answer.is_success:
            raise MtnRefused(answer.status, code_of(answer))
        return answer

    def _post(self, path: str, body: bytes, *, reference: str, deadline: Deadline | None = None) -> Answer:
        def call(token: str) -> Answer:
            headers = {**self._headers(token), "X-Reference-Id": reference, "Content-Type": JSON_TYPE}
            if self._config.callback_url:
                headers["X-Callback-Url"] = self._config.callback_url
            return self._wire.call("POST", self._path(path), headers=headers, content=body, deadline=deadline)

        return self._with_token(call, deadline=deadline)

    def _with_token(self, call: Callable[[str], Answer], *, deadline: Deadline | None = None) -> Answer:
        """Make a call; once more with a new token after a 401, which did nothing, unless the deadline has passed.

        Raises: SendingTooLate if it has.
        """
        token = self._token()
        answer = call(token)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        self._shared_token.forget(token)
        if deadline is not None and deadline.has_passed:
            raise SendingTooLate("the token was refused, and the latest moment to send had passed")
        return call(self._token())

    def _path(self, path: str) -> str:
        return f"/{self._access.product}/v1_0/{path}"

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}", "X-Target-Environment": self._config.environment.name,
            "Ocp-Apim-Subscription-Key": self._access.subscription.value(),
        }  # fmt: skip

    # Tokens

    def _token(self) -> str:
        """Return an access token. Raises: TokenRefused, NotConfigured; NotReached for any other reason."""
        shared = self._shared_token
        try:
            return shared.get()
        except (AnswerLost, MtnRefused) as error:
            raise NotReached(f"no token: {error}") from error

    @property
    def _shared_token(self) -> SharedToken:
        access = self._access
        secrets = (access.user.value(), access.key.value(), access.subscription.value())
        credentials = "\n".join((self._config.url, self._config.environment.name, *secrets))
        return SharedToken(f"mtn-{access.product}", credentials, self._fetch_token, RENEWED_EARLY_SECONDS)

    def _fetch_token(self) -> IssuedToken:
        """Have MTN issue a token. Raises: TokenRefused, PartnerError."""
        access = self._access
        # As they are: escaped like a URL, they are answered with 500.
        basic = b64encode(f"{access.user.value()}:{access.key.value()}".encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "Ocp-Apim-Subscription-Key": access.subscription.value(),
        }
        if self._config.platform == NEW:
            headers["X-Target-Environment"] = self._config.environment.name
        # A body is answered with 400.
        answer = Wire(self._config.url, TOKEN_SECONDS).call(
            "POST", f"/{access.product}/token/", headers=headers
        )
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and code_of(answer):
            raise TokenRefused(f"no token: status {answer.status} {code_of(answer)}")
        if not answer.is_success:
            raise MtnRefused(answer.status, code_of(answer))
        return _issued(answer.row())


def code_of(answer: Answer) -> str:
    """Return the code of an error in capitals with underscores; "" for none.

    It is in `code`, of a token in `error`; of a gateway only the status and a message are read.
    """
    row = answer.row_or_empty()
    for given in (row.get("code"), row.get("error")):
        code = normal_code(given)
        if code:
            return KEY_REFUSED if KEY_REFUSED in code else code
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return ""
    return KEY_REFUSED if KEY_REFUSED in normal_code(row.get("message"), is_text=True) else UNAUTHORIZED


def normal_code(given: object, *, is_text: bool = False) -> str:
    """Return a code as MTN writes most of them; "" for anything that is none. A text is cut to its beginning."""
    if not isinstance(given, str):
        return ""
    code = re.sub(r"[^A-Z0-9]+", "_", given.upper().strip())
    code = code[:64] if is_text else code
    return code if CODE.fullmatch(code) else ""


def _issued(row: Row) -> IssuedToken:
    """Return the token in an answer. Raises: AnswerLost."""
    value, lasts = row.get("access_token"), row.get("expires_in")
    if not isinstance(value, str) or not value or not str(lasts).isdigit():
        raise AnswerLost("an answer without a token")
    return IssuedToken(value, int(str(lasts)))


def serialized(row: Row) -> str:
    """Return a body as it is sent, the same each time."""
    return json.dumps(row, separators=(",", ":"))
