"""HTTP calls to the franc provider, one connection each: what is refused or lost is told apart by its exception."""

from __future__ import annotations

import os
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

CONNECT_SECONDS = 1.0
Answer = dict[str, Any]


class FrancError(Exception):
    """A call did not succeed."""

    @property
    def evidence(self) -> Answer:
        return {"error": type(self).__name__, "detail": str(self)[:200]}


class NotReached(FrancError):
    """The provider is unreachable or closed: the call certainly did nothing."""


class AnswerLost(FrancError):
    """The call left, and no usable answer came back: it may have done what it asked for."""


class CallRefused(FrancError):
    """The provider refused the call as such, with a code: this call did nothing."""

    def __init__(self, code: str, answer: Answer) -> None:
        super().__init__(code)
        self.code, self.answer = code, answer

    @property
    def evidence(self) -> Answer:
        return self.answer


class FrancClient:
    """The provider that the environment variable FRANC_URL names."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = (CONNECT_SECONDS, timeout_seconds)

    def get(self, path: str, **query: int) -> Answer:
        """Raises: NotReached, AnswerLost, CallRefused."""
        return self._call("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Answer:
        """Raises: NotReached, AnswerLost, CallRefused."""
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **content: Any) -> Answer:
        url = f"{os.environ['FRANC_URL']}/v1/{path}"
        try:
            response = requests.request(method, url, timeout=self._timeout, allow_redirects=False, **content)
            answer: Answer = response.json()
        except requests.ConnectTimeout as error:
            raise NotReached(type(error).__name__) from error
        except requests.ConnectionError as error:
            raise (NotReached if _was_not_connected(error) else AnswerLost)(type(error).__name__) from error
        except requests.RequestException as error:
            raise AnswerLost(type(error).__name__) from error
        return _usable(response.status_code, answer)


def _usable(status: int, answer: Answer) -> Answer:
    if status == requests.codes.ok:
        return answer
    if status == requests.codes.service_unavailable and answer.get("code") == "closed":
        raise NotReached("closed")
    if status >= requests.codes.server_error:
        raise AnswerLost(f"status {status}")
    raise CallRefused(str(answer.get("code", status)), answer)


def _was_not_connected(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
