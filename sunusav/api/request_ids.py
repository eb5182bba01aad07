"""The id that ties an answer to its log lines: taken from `X-Request-Id` when well-formed, else made."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-Id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request this thread answers or answered last, or nothing before the first."""
    return _current.get()


class RequestIdMiddleware:
    """Give every request an id, and say it in the answer.

    It stays until the thread's next request: Django logs refusals after the last middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _current.set(_id_of(request))
        response = self.get_response(request)
        response.headers[HEADER] = _current.get()
        return response


class RequestIdFilter(logging.Filter):
    """Put the request's id into every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get() or "-"
        return True


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if _WELL_FORMED.fullmatch(given) else uuid4().hex
