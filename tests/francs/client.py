"""Calls to the franc partner: what certainly did nothing, what was refused and what is lost are different errors."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from partners.wire import JSON_TYPE, Answer, AnswerLost, NotReached, PartnerError, Wire
from sunusav.core.deadlines import Deadline
from tests.francs.config import FrancConfig

Row = dict[str, Any]


class CallRefused(PartnerError):
    """The partner refused the call as such, with a code: this call did nothing."""

    def __init__(self, code: str, answer: Row) -> None:
        super().__init__(code)
        self.code, self.answer = code, answer


class KeyRefused(CallRefused):
    """The partner refused our key."""


class FrancClient:
    """The partner at the address of the configuration."""

    def __init__(self, config: FrancConfig) -> None:
        self._key = config.api_key
        self._wire = Wire(config.url, config.timeout_seconds)

    def get(self, path: str, **query: int) -> Row:
        """Raises: NotConfigured, NotReached, AnswerLost, CallRefused."""
        return self._call("GET", path, query={name: str(value) for name, value in query.items()})

    def post(self, path: str, *, deadline: Deadline | None = None, **body: Any) -> Row:
        """Raises: as `get`, and SendingTooLate."""
        return self._call("POST", path, content=json.dumps(body).encode(), deadline=deadline)

    def _call(self, method: str, path: str, **content: Any) -> Row:
        headers = {"Authorization": f"Bearer {self._key.value()}", "Content-Type": JSON_TYPE}
        return _usable(self._wire.call(method, f"/v1/{path}", headers=headers, **content))


def _usable(answer: Answer) -> Row:
    if answer.status == HTTPStatus.OK:
        return answer.row()
    refusal = answer.row_or_empty()
    code = str(refusal.get("code", answer.status))
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and code == "closed":
        raise NotReached("closed")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise KeyRefused(code, refusal)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise AnswerLost(f"status {answer.status}")
    raise CallRefused(code, refusal)
