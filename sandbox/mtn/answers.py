"""MTN's answers that are not about one payment: errors of its own, of its gateway, and of tokens."""

from __future__ import annotations

from types import MappingProxyType

from sandbox.simulator.dialect import Response

# The status of each code as an error of a call.
STATUSES = MappingProxyType({
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_ALREADY_EXIST": 409,
    "FORBIDDEN IP": 403,
    "SERVICE_UNAVAILABLE": 503,
    "NOT_ALLOWED": 500,
    "NOT_ALLOWED_TARGET_ENVIRONMENT": 500,
    "INVALID_CALLBACK_URL_HOST": 500,
    "INVALID_CURRENCY": 500,
    "NOT_ENOUGH_FUNDS": 500,
    "PAYEE_NOT_FOUND": 500,
    "PAYER_LIMIT_REACHED": 500,
})  # fmt: skip
SUBSCRIPTION_KEY = "ACCESS DENIED DUE TO INVALID SUBSCRIPTION KEY"
BLOCKED_PAGE = b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>"


def refused(code: str) -> Response:
    """Answer a refusal by its code."""
    if code == SUBSCRIPTION_KEY:
        return wrong_subscription_key()
    return Response.of(STATUSES[code], {"code": code, "message": code.replace("_", " ").capitalize()})


def malformed(message: str) -> Response:
    return Response.of(400, {"message": message})


def wrong_subscription_key() -> Response:
    text = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
    return Response.of(401, {"statusCode": 401, "message": text})


def wrong_token() -> Response:
    return Response.of(401, {"message": "Unauthorized", "error": "Unauthorized"})


def no_token(status: int, error: str) -> Response:
    return Response.of(status, {"error": error})


def blocked_agent() -> Response:
    return Response(403, BLOCKED_PAGE, "text/html")


def error(status: int) -> Response:
    """Answer an error that has nothing to do with the call."""
    by_status = {401: wrong_token(), 503: refused("SERVICE_UNAVAILABLE")}
    gateway = Response.of(
        status, {"statusCode": status, "message": "Resource not found" if status == 404 else "Error"}
    )
    return by_status.get(status, gateway)
