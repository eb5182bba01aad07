"""One HTTP call to a partner. What certainly did nothing and what may have been done are different errors.

Each call has a connection of its own, opened before its latest moment is compared: a process that is frozen between the
comparison and the first byte wakes to a connection that the partner has closed. Nothing is repeated or redirected, no
proxy, cookie or compression is used, and bodies are limited in size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from time import monotonic
from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from sunusav.core.deadlines import Deadline

# MTN's gateway refuses the usual name of the library.
USER_AGENT = "SunuSav-monetization/1.0"
CONNECT_SECONDS = 5.0
MAX_BYTES = 2_000_000
CHUNK_BYTES = 65_536
DETAIL_LENGTH = 200
JSON_TYPE = "application/json"


class PartnerError(Exception):
    """A call to a partner got no usable answer."""

    @property
    def evidence(self) -> dict[str, Any]:
        """Return what may be stored and shown: no header, body or address of the call."""
        return {"error": type(self).__name__, "detail": str(self)[:DETAIL_LENGTH]}


class NotReached(PartnerError):
    """No byte of the call left: it certainly did nothing."""


class AnswerLost(PartnerError):
    """The call left, and no usable answer came back: it may have done what it asked for."""


class SendingTooLate(PartnerError):
    """The latest moment of the call had passed before its first byte, and none left."""


@dataclass(frozen=True)
class Answer:
    """What a partner answered: any status, and a body that may be empty, JSON or a gateway's page."""

    status: int
    content_type: str
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def document(self) -> Any:
        """Return the body as JSON; numbers with a point become exact decimals. Raises: AnswerLost."""
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise AnswerLost(f"status {self.status} without JSON") from error

    def row(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises: AnswerLost."""
        found = self.document()
        if not isinstance(found, dict):
            raise AnswerLost(f"status {self.status} without a JSON object")
        return found

    def row_or_empty(self) -> dict[str, Any]:
        """Return the body as a JSON object, an empty one for anything else: for errors, whose status says enough."""
        try:
            return self.row()
        except AnswerLost:
            return {}


def whole_francs(value: object) -> int:
    """Return an amount as a partner writes it ("10", 10, 10.0, "5.0") in whole francs.

    Raises: ValueError for anything that is not a whole number of at most fifteen digits.
    """
    is_text = isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit()
    if not is_text and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
        raise ValueError("not an amount")
    amount = Decimal(str(value))
    if amount != amount.to_integral_value() or abs(amount) >= 10**15:
        raise ValueError("not a whole amount")
    return int(amount)


@dataclass(frozen=True)
class Wire:
    """Calls to one host of a partner. A call takes at most `timeout_seconds`, connecting not included."""

    base_url: str
    timeout_seconds: float
    max_bytes: int = MAX_BYTES

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        deadline: Deadline | None = None,
    ) -> Answer:
        """Make one call; no byte of it leaves after the deadline.

        Raises: NotReached, AnswerLost, SendingTooLate.
        """
        sending = _Sending(deadline)
        sent = {
            "User-Agent": USER_AGENT,
            "Accept": JSON_TYPE,
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            for scheme in ("http://", "https://"):
                session.mount(scheme, _FencedAdapter(sending))
            try:
                response = session.request(
                    method, f"{self.base_url}{path}", headers=sent, params=query, data=content, stream=True,
                    timeout=(CONNECT_SECONDS, self.timeout_seconds), allow_redirects=False,
                )  # fmt: skip
                body = self._body(response)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise (AnswerLost if sending.has_begun else NotReached)(_name(error)) from error
        return Answer(response.status_code, response.headers.get("Content-Type", ""), body)

    def _body(self, response: requests.Response) -> bytes:
        """Read the body within the limits of size and time. Raises: AnswerLost."""
        ends, body = monotonic() + self.timeout_seconds, b""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise AnswerLost("a compressed answer")
        while chunk := response.raw.read1(CHUNK_BYTES):
            body += chunk
            if len(body) > self.max_bytes:
                raise AnswerLost("an answer that is too long")
            if monotonic() > ends:
                raise AnswerLost("an answer that is too slow")
        return body


class _Sending:
    """Whether the first byte of a call has left, which its deadline decides."""

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        self.has_begun = False

    def begin(self) -> None:
        """Allow the first byte. Raises: SendingTooLate."""
        if not self.has_begun and self._deadline is not None and self._deadline.has_passed:
            raise SendingTooLate("the latest moment to send had passed")
        self.has_begun = True


class _FencedAdapter(HTTPAdapter):
    """Compares the deadline once the connection is open, directly before the first byte."""

    def __init__(self, sending: _Sending) -> None:
        self._sending = sending
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        sending = self._sending

        class Plain(HTTPConnection):
            def send(self, data: Any) -> None:
                _begin(self, sending)
                super().send(data)

        class Encrypted(HTTPSConnection):
            def send(self, data: Any) -> None:
                _begin(self, sending)
                super().send(data)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}


def _begin(connection: HTTPConnection, sending: _Sending) -> None:
    if connection.sock is None:
        connection.connect()
    sending.begin()


def _name(error: Exception) -> str:
    """Return what kind of error it is; its text may contain the address, and that a phone."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    return f"{type(error).__name__} {type(reason).__name__}" if reason is not None else type(error).__name__


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
