"""Problem documents (RFC 9457): the one place where a refusal becomes an HTTP answer."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from sunusav.api.problem_pages import page_of
from sunusav.api.request_ids import current_request_id
from sunusav.core.errors import Conflict, DomainError, Forbidden, Invalid, Missing, Unavailable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
KIND_STATUS: dict[type[DomainError], int] = {
    Missing: 404,
    Conflict: 409,
    Invalid: 422,
    Forbidden: 403,
    Unavailable: 503,
}
DATABASE_RETRY_SECONDS = 5
DATABASE_BUSY_RETRY_SECONDS = 1
# MariaDB error codes: lock wait timeout, deadlock. Source: MariaDB Server error code reference.
_BUSY_CODES = {1205, 1213}

# Problems of the protocol, which are no `DomainError`, by HTTP status. Their pages are in sunusav/api/problem_docs.
PROTOCOL_CODES = {
    400: "malformed-request",
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    411: "length-required",
    413: "body-too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "internal-error",
}
INVALID_REQUEST = "invalid-request"
DATABASE_UNAVAILABLE = "database-unavailable"
DATABASE_BUSY = "database-busy"
PROTOCOL_PROBLEMS = {*PROTOCOL_CODES.values(), INVALID_REQUEST, DATABASE_UNAVAILABLE, DATABASE_BUSY}


class LengthRequired(exceptions.APIException):
    """The body was sent in chunks without a length; WSGI would read it as empty."""

    status_code = 411
    default_detail = "Send the body with its Content-Length."
    default_code = "length-required"


class BodyTooLarge(exceptions.APIException):
    """The body is larger than the limit."""

    status_code = 413
    default_detail = "The body is larger than this server reads."
    default_code = "body-too-large"


@dataclass(frozen=True)
class Problem:
    """A problem document before it is written."""

    code: str
    status: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the body: the standard members first, then the facts."""
        page = page_of(self.code)
        return {
            "type": f"/problems/{self.code}",
            "code": self.code,
            "title": page.title,
            "status": self.status,
            "next": page.next,
            "request_id": current_request_id(),
            **self.facts,
        }


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Answer any exception of a view with a problem document (DRF's `EXCEPTION_HANDLER`)."""
    problem = problem_of(error) or _unexpected(error, context)
    return Response(
        problem.document(), status=problem.status, headers=dict(problem.headers), content_type=CONTENT_TYPE
    )


def problem_of(error: Exception) -> Problem | None:
    """Return the problem that an exception stands for, or None for an unexpected exception."""
    translate = next((known for kind, known in _TRANSLATIONS if isinstance(error, kind)), None)
    return translate(error) if translate else None


def status_of(error: type[DomainError]) -> int:
    """Return the HTTP status of a kind of refusal."""
    return next(status for kind, status in KIND_STATUS.items() if issubclass(error, kind))


def _domain_problem(error: DomainError) -> Problem:
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Problem(error.code, status_of(type(error)), error.facts, headers)


def _protocol_problem(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return Problem(INVALID_REQUEST, 400, {"errors": list(_flat(error.detail))})
    code = PROTOCOL_CODES.get(error.status_code, PROTOCOL_CODES[500])
    return Problem(code, error.status_code, {"detail": str(error.detail)}, dict(_headers(error)))


def _headers(error: exceptions.APIException) -> Iterator[tuple[str, str]]:
    if authenticate := getattr(error, "auth_header", None):
        yield "WWW-Authenticate", authenticate
    if wait := getattr(error, "wait", None):
        yield "Retry-After", str(int(wait))


def _flat(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield one line per field error, whatever the nesting."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flat(inner, path if name == "non_field_errors" else f"{path}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "message": str(detail)}


def _database_problem(error: Exception) -> Problem:
    logger.error("the database is unavailable or busy: %s", type(error).__name__, exc_info=error)
    number = error.args[0] if error.args else None
    if number in _BUSY_CODES or "locked" in str(number):
        return Problem(DATABASE_BUSY, 503, headers={"Retry-After": str(DATABASE_BUSY_RETRY_SECONDS)})
    return Problem(DATABASE_UNAVAILABLE, 503, headers={"Retry-After": str(DATABASE_RETRY_SECONDS)})


def _unexpected(error: Exception, context: dict[str, Any]) -> Problem:
    view = type(context.get("view")).__name__
    logger.error("unexpected %s in %s", type(error).__name__, view, exc_info=error)
    got_request_exception.send(sender=None, request=context.get("request"))
    return Problem(PROTOCOL_CODES[500], 500)


_TRANSLATIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Problem]], ...] = (
    (DomainError, _domain_problem),
    (exceptions.APIException, _protocol_problem),
    (Http404, lambda _: Problem(PROTOCOL_CODES[404], 404)),
    (PermissionDenied, lambda _: Problem(PROTOCOL_CODES[403], 403)),
    (RequestDataTooBig, lambda _: Problem(PROTOCOL_CODES[413], 413)),
    ((OperationalError, InterfaceError), _database_problem),
)
