"""The id that connects an answer with its log lines: a well-formed `X-Request-Id`, or a new one."""

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
    """Return the id of this thread's present or last request; before the first it is empty."""
    return _current.get()


class RequestIdMiddleware:
    """Give every request an id and return it in `X-Request-Id`.

    The id is kept until the thread's next request, because Django logs refusals after the last middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _current.set(_id_of(request))
        response = self.get_response(request)
        response.headers[HEADER] = _current.get()
        return response


class RequestIdFilter(logging.Filter):
    """Add the request's id to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get() or "-"
        return True


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if _WELL_FORMED.fullmatch(given) else uuid4().hex
