"""Comparison of a response with /openapi.json, exact in its fields."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from sunusav.api.documentation import openapi_document
from tests.architecture.access_table import ACCESS

# Pages and documents about the API, not of it.
PAGES = {"openapi.json", "docs", "redoc", "problems", "problems/<str:code>"}
# Described by LUD-03; tests/lightning/test_withdrawal_pages.py holds these answers.
FOR_WALLETS = {"lnurl/withdraw/<str:secret>", "lnurl/withdraw/<str:secret>/callback"}
FOR_READERS = {f"receipts/<str:token>{file}" for file in ("", "/pdf", "/csv", "/xlsx")}
FOR_PAYERS = {"partners/wave/done"}
# Described by the partners; tests/partners/webhooks holds these answers.
FOR_PARTNERS = {
    "monetization/partners/<str:partner>/webhooks",
    "monetization/partners/<str:partner>/webhooks/<str:path_token>",
}
DESCRIBED = sorted(set(ACCESS) - PAGES - FOR_WALLETS - FOR_READERS - FOR_PAYERS - FOR_PARTNERS)

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_utc_moment(value: Any) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


@FORMATS.checks("decimal")
def _is_decimal(value: Any) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value))


@FORMATS.checks("uri")
def _is_url(value: Any) -> bool:
    return not isinstance(value, str) or urlsplit(value).scheme in {"http", "https"}


def described_path(route: str) -> str:
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)


def operation(method: str, route: str) -> dict[str, Any]:
    described: dict[str, Any] = openapi_document()["paths"][described_path(route)][method.lower()]
    return described


def success_statuses(method: str, route: str) -> set[int]:
    return {int(status) for status in operation(method, route)["responses"] if status.startswith("2")}


def assert_described(response: Any) -> None:
    """Fail unless status, content type and body are those that the document describes for the called endpoint."""
    called = operation(response.request["REQUEST_METHOD"], response.wsgi_request.resolver_match.route)
    [(content_type, media)] = called["responses"][str(response.status_code)]["content"].items()
    assert response.headers["Content-Type"].partition(";")[0] == content_type
    body = response.json() if content_type == "application/json" else response.content.decode()
    assert_fits(body, media["schema"])


def assert_fits(body: Any, schema: dict[str, Any]) -> None:
    errors = Draft202012Validator(_exact(schema), format_checker=FORMATS).iter_errors(body)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def _exact(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as a JSON Schema that requires each described field and allows no other."""
    if isinstance(schema, list):
        return [_exact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _exact(openapi_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    exact = {name: _exact(value) for name, value in schema.items() if name != "nullable"}
    if isinstance(schema.get("properties"), dict):
        exact["required"] = sorted(schema["properties"])
        exact.setdefault("additionalProperties", False)
    assert exact.get("format") in {None, *FORMATS.checkers}, "a format that nothing checks"
    return {"anyOf": [exact, {"type": "null"}]} if schema.get("nullable") else exact
