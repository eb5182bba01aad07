"""What Orange answers: documents, problem documents, and the titles of its errors."""

from __future__ import annotations

import json
from typing import Any, Final

from sandbox.simulator.dialect import Response

TITLES: Final = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    415: "Unsupported Media Type", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable",
}  # fmt: skip
# The code of an error that has nothing to do with the call.
CODES: Final = {401: "10", 403: "11", 404: "60", 405: "61", 429: "9", 500: "50", 502: "2", 503: "5"}


class Refusal(Exception):
    """The call is refused with an HTTP status and a code."""

    def __init__(self, status: int, code: str, detail: str = "", *, field: str = "") -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.field = status, code, detail, field


def problem(status: int, code: str = "", detail: str = "", *, path: str = "", field: str = "") -> Response:
    """Answer a problem document; the HTTP status in it is a text."""
    title = TITLES.get(status, "Error")
    document: dict[str, Any] = {
        "type": f"https://developers.orange-sonatel.com/documentation/errors/{title.lower().replace(' ', '-')}",
        "title": title, "instance": path, "status": str(status), "detail": detail or title,
    }  # fmt: skip
    document |= {"code": code} if code else {}
    document |= {"violations": [{"field": field, "message": detail}]} if field else {}
    return Response(status, json.dumps(document).encode(), "application/problem+json")


def error(status: int) -> Response:
    """Answer an error by its status alone."""
    return problem(status, CODES.get(status, ""))


def money(francs: int, unit: str = "XOF") -> dict[str, Any]:
    """Return an amount as Orange writes it: a number with a point."""
    return {"value": float(francs), "unit": unit}
