"""Errors of the simulated Wave, in each of the shapes that Wave's pages show."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from sandbox.simulator.dialect import Response

# Wave's pages give few numbers; the others are chosen so that each kind of error has one.
STATUSES = MappingProxyType({
    "missing-auth-header": 401,
    "invalid-auth": 401,
    "api-key-not-provided": 401,
    "no-matching-api-key": 401,
    "api-key-revoked": 401,
    "missing-signature": 401,
    "invalid-wallet": 403,
    "disabled-wallet": 403,
    "authorization-error": 403,
    "not-found": 404,
    "checkout-session-not-found": 404,
    "idempotency-mismatch": 409,
    "checkout-session-ended": 409,
    "request-not-json": 400,
    "request-parsing-error": 400,
    "request-validation-error": 400,
    "too-many-requests": 429,
    "internal-server-error": 500,
    "service-unavailable": 503,
})  # fmt: skip
BUSINESS_STATUS = 422
# Of a status that has nothing to do with the call.
CODES = MappingProxyType({
    400: "request-validation-error",
    401: "no-matching-api-key",
    403: "disabled-wallet",
    404: "not-found",
    429: "too-many-requests",
    500: "internal-server-error",
    503: "service-unavailable",
})  # fmt: skip
SHAPES = ("code", "error", "error_code")


class Refusal(Exception):
    """A call that is refused with a code of Wave."""

    def __init__(self, code: str, message: str = "", details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.details = code, message, details


def error_response(refusal: Refusal, shape: str, *, status: int = 0) -> Response:
    """Answer an error: {code, message, details}, {error, message} or {error_code, error_message}."""
    message = refusal.message or refusal.code.replace("-", " ").capitalize() + "."
    number = status or STATUSES.get(refusal.code, BUSINESS_STATUS)
    if shape == "error":
        return Response.of(number, {"error": refusal.code, "message": message})
    if shape == "error_code":
        return Response.of(number, {"error_code": refusal.code, "error_message": message})
    details = {"details": refusal.details} if refusal.details else {}
    return Response.of(number, {"code": refusal.code, "message": message, **details})
