"""Calls to Wave's API: one method per call, with every header; nothing is repeated here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from partners.wave.config import WaveAccess, WaveConfig
from partners.wave.signing import signature
from partners.wire import JSON_TYPE, Answer, AnswerLost, PartnerError, Wire, whole_francs
from sunusav.core import clock
from sunusav.core.deadlines import Deadline

Row = dict[str, Any]
CURRENCY = "XOF"
# A code of Wave; anything else in its place is not repeated to people, since it may hold a phone.
CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
MOST_ON_A_PAGE = 1000


class WaveRefused(PartnerError):
    """Wave answered with an error: a status and, where the body has one, its code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"status {status} {code}".strip())
        self.status = status
        self.code = code

    @property
    def evidence(self) -> Row:
        return {"http_status": self.status, "code": self.code}


def code_of(row: Mapping[str, Any]) -> str:
    """Return the code of an error, in any of the four shapes of its body; "" if there is none."""
    inside = row.get("payout_error")
    if isinstance(inside, Mapping):
        return code_of(inside)
    for name in ("code", "error_code", "error"):
        code = row.get(name)
        if isinstance(code, str) and CODE.fullmatch(code):
            return code
    return ""


def francs_of(value: object) -> int:
    """Return an amount of Wave in whole francs; it may be negative. Raises: ValueError."""
    if isinstance(value, str) and value.startswith("-"):
        return -whole_francs(value[1:])
    return whole_francs(value)


@dataclass(frozen=True)
class WaveClient:
    """Calls with one key. A read raises: NotReached, AnswerLost, WaveRefused, NotConfigured."""

    access: WaveAccess
    wire: Wire

    @classmethod
    def paying(cls, config: WaveConfig) -> WaveClient:
        return cls(config.payouts, Wire(config.url, config.timeout_seconds))

    @classmethod
    def collecting(cls, config: WaveConfig) -> WaveClient:
        return cls(config.checkout, Wire(config.url, config.timeout_seconds))

    def pay(self, body: bytes, *, idempotency_key: str, deadline: Deadline) -> Answer:
        """Pay a phone; the answer may be an error. Raises: NotReached, AnswerLost, SendingTooLate, NotConfigured."""
        headers = {"Idempotency-Key": idempotency_key}
        return self._call("POST", "/v1/payout", content=body, headers=headers, deadline=deadline)

    def payouts_named(self, reference: str) -> list[Row]:
        """Return the payouts with this reference of ours."""
        return self._found("/v1/payouts/search", reference)

    def verify_recipient(self, asked: Mapping[str, str]) -> Row:
        """Return whether a wallet can receive an amount, and whether its owner's name is like the given one."""
        return _row(self._call("POST", "/v1/verify_recipient", content=_json(asked)))

    def balance(self) -> int:
        """Return what the wallet holds, in francs; it may be negative."""
        found = _row(self._call("GET", "/v1/balance"))
        if found.get("currency") != CURRENCY:
            raise AnswerLost("a wallet of another currency")
        return _francs(found.get("amount"))

    def transactions(self, *, day: date, after: str = "") -> Row:
        """Return one page of the transactions of a day (UTC), oldest first."""
        query = {"date": day.isoformat(), "first": str(MOST_ON_A_PAGE), **({"after": after} if after else {})}
        return _row(self._call("GET", "/v1/transactions", query=query))

    def create_session(self, wanted: Mapping[str, str]) -> Row:
        """Open a checkout session, each time another one."""
        return _row(self._call("POST", "/v1/checkout/sessions", content=_json(wanted)))

    def sessions_named(self, reference: str) -> list[Row]:
        """Return the checkout sessions with this reference of ours, paid, open or expired."""
        return self._found("/v1/checkout/sessions/search", reference)

    def expire_session(self, session_id: str) -> None:
        """End an open session; one that was paid or has ended stays as it is."""
        answer = self._call("POST", f"/v1/checkout/sessions/{quote(session_id, safe='')}/expire", content=b"")
        if answer.status != HTTPStatus.CONFLICT:
            _require_success(answer)

    def _found(self, path: str, reference: str) -> list[Row]:
        """Return the rows of a search, without those of other references."""
        rows = _row(self._call("GET", path, query={"client_reference": reference})).get("result")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise AnswerLost("a search without a list of results")
        if not all(isinstance(row.get("client_reference"), str) for row in rows):
            raise AnswerLost("a search with a result without our reference")
        return [row for row in rows if row["client_reference"] == reference]

    def _call(
        self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None, deadline: Deadline | None = None,
    ) -> Answer:  # fmt: skip
        sent = {
            "Authorization": f"Bearer {self.access.key.value()}",
            **self._signed(content),
            **(headers or {}),
        }
        if content:
            sent["Content-Type"] = JSON_TYPE
        return self.wire.call(method, path, headers=sent, query=query, content=content, deadline=deadline)

    def _signed(self, content: bytes | None) -> dict[str, str]:
        """Return the signature of a call, for a key that was made with one."""
        if not self.access.signing_secret:
            return {}
        timestamp = int(clock.now().timestamp())
        digest = signature(self.access.signing_secret.value(), timestamp=timestamp, body=content or b"")
        return {"Wave-Signature": f"t={timestamp},v1={digest}"}


def _row(answer: Answer) -> Row:
    _require_success(answer)
    return answer.row()


def _require_success(answer: Answer) -> None:
    if not answer.is_success:
        raise WaveRefused(answer.status, code_of(answer.row_or_empty()))


def _json(document: Mapping[str, str]) -> bytes:
    return json.dumps(document).encode()


def _francs(value: object) -> int:
    try:
        return francs_of(value)
    except ValueError as error:
        raise AnswerLost("an amount that is not in whole francs") from error
