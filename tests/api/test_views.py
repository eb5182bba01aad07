"""What every endpoint does around its own work: permissions, input, problems, headers."""

import json
import logging
from typing import Any

import pytest
from django.test import override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from sunusav.core.roles import Role
from tests.factories.users import client_in, client_of, make_user, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.views")]

ECHO = "/monetization/echo"


def _assert_problem(response: Any, status: int, code: str, **facts: Any) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    document: dict[str, Any] = json.loads(response.content)
    assert document["type"] == f"/problems/{code}"
    assert (document["code"], document["status"]) == (code, status)
    assert document["request_id"] == response["X-Request-Id"]
    assert document["title"]
    for name, value in facts.items():
        assert document[name] == value
    return document


# Permissions


def test_call_without_token_is_refused_with_the_scheme() -> None:
    response = APIClient().get(ECHO)
    _assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token nope", "Token \xff", "Bearer x", ""])
def test_call_with_invalid_token_is_refused(header: str) -> None:
    response = APIClient().get(ECHO, HTTP_AUTHORIZATION=header)
    _assert_problem(response, 401, "not-authenticated")


def test_call_without_the_permission_is_refused() -> None:
    _assert_problem(client_in(Role.PLATFORM).get(ECHO), 403, "not-allowed")


def test_call_with_the_permission_is_answered() -> None:
    response = client_in(Role.AUDITOR).get(ECHO)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"


def test_method_without_a_declaration_is_refused_to_everybody() -> None:
    superuser = make_user(is_superuser=True)
    _assert_problem(client_of(superuser).get("/monetization/undeclared"), 403, "not-allowed")
    _assert_problem(APIClient().get("/monetization/undeclared"), 401, "not-authenticated")


def test_any_of_several_permissions_is_enough() -> None:
    assert client_in(Role.AUDITOR).delete(ECHO).status_code == 204
    assert client_in(Role.OPERATOR).delete(ECHO).status_code == 204
    assert client_in(Role.PLATFORM).delete(ECHO).status_code == 403


def test_all_of_several_permissions_are_needed() -> None:
    assert client_in(Role.AUDITOR).put(ECHO, {}).status_code == 403
    assert client_in(Role.OPERATOR).put(ECHO, {}).status_code == 403


def test_missing_method_is_refused_with_the_allowed_ones() -> None:
    response = client_in(Role.PLATFORM).put("/monetization/undeclared", {})
    _assert_problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "WHATEVER"])
def test_unsupported_method_is_refused(method: str) -> None:
    _assert_problem(APIClient().generic(method, ECHO), 405, "method-not-allowed")


def test_api_sets_no_cookie_and_has_no_session() -> None:
    response = client_in(Role.AUDITOR).get(ECHO)
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")
    assert not hasattr(response.wsgi_request, "session")


def test_head_is_answered_like_get() -> None:
    assert client_in(Role.AUDITOR).head(ECHO).status_code == 200


def test_public_view_answers_with_and_without_a_token() -> None:
    assert APIClient().get("/monetization/public").json() == {"known": False}
    assert client_in(Role.PLATFORM).get("/monetization/public").json() == {"known": True}


def test_public_view_refuses_a_wrong_token() -> None:
    response = APIClient().get("/monetization/public", HTTP_AUTHORIZATION="Token wrong")
    _assert_problem(response, 401, "not-authenticated")


# Input


def test_unknown_fields_are_refused_by_name() -> None:
    document = _assert_problem(
        client_in(Role.OPERATOR).post(ECHO, {"amount": 1, "amuont": 2, "zap": 3}), 400, "invalid-request"
    )
    assert [(e["field"], e["code"]) for e in document["errors"]] == [
        ("amuont", "unknown"),
        ("zap", "unknown"),
    ]


def test_error_inside_a_list_names_its_index() -> None:
    document = _assert_problem(
        client_in(Role.OPERATOR).post(ECHO, {"inner": [1, 2, "3"]}), 400, "invalid-request"
    )
    assert [(e["field"], e["code"]) for e in document["errors"]] == [("inner.2", "invalid")]


def test_messages_are_in_the_language_of_the_api() -> None:
    response = client_in(Role.OPERATOR).post(ECHO, {"inner": 1}, HTTP_ACCEPT_LANGUAGE="fr")
    assert "Expected a list" in response.json()["errors"][0]["message"]


def test_query_reads_numbers_and_booleans_from_text() -> None:
    response = client_in(Role.AUDITOR).get(ECHO, {"amount": "21", "flag": "true", "cursor": "x"})
    assert response.json() == {"amount": 21, "flag": True}


@pytest.mark.parametrize(
    "query", ["amount=21.0", "amount=", "flag=1", "flag=True", "nope=1", "amount=1&amount=2"]
)
def test_malformed_query_is_refused(query: str) -> None:
    _assert_problem(client_in(Role.AUDITOR).get(f"{ECHO}?{query}"), 400, "invalid-request")


def test_answer_in_another_type_is_refused() -> None:
    response = client_in(Role.AUDITOR).get(ECHO, HTTP_ACCEPT="text/html")
    _assert_problem(response, 406, "not-acceptable")


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/html, */*;q=0.1", "application/problem+json"]
)
def test_answer_in_json_is_given(accept: str) -> None:
    assert client_in(Role.AUDITOR).get(ECHO, HTTP_ACCEPT=accept).status_code == 200


# Problems


@pytest.mark.parametrize(
    ("what", "status", "code", "facts"),
    [
        ("conflict", 409, "kettle", {"cups": 3}),
        ("missing", 404, "tea-missing", {}),
        ("invalid", 422, "tea-invalid", {}),
        ("forbidden", 403, "tea-forbidden", {}),
        ("unavailable", 503, "tea-unavailable", {}),
        ("database", 503, "database-unavailable", {}),
        ("deadlock", 503, "database-busy", {}),
    ],
)
def test_refusal_becomes_a_problem_with_its_facts(
    what: str, status: int, code: str, facts: dict[str, Any]
) -> None:
    response = client_in(Role.OPERATOR).post(f"/monetization/raising/{what}", {})
    _assert_problem(response, status, code, **facts)


def test_unavailable_dependency_answers_retry_after() -> None:
    client = client_in(Role.OPERATOR)
    assert client.post("/monetization/raising/unavailable", {})["Retry-After"] == "7"
    assert client.post("/monetization/raising/database", {})["Retry-After"] == "5"
    assert client.post("/monetization/raising/deadlock", {})["Retry-After"] == "1"


def test_bug_is_answered_without_any_detail_and_logged_with_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = client_in(Role.OPERATOR)
    client.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="sunusav.api.problems"):
        response = client.post("/monetization/raising/bug", {}, HTTP_X_REQUEST_ID="req-1")
    _assert_problem(response, 500, "internal-error", request_id="req-1")
    assert b"secret" not in response.content
    assert b"ZeroDivision" not in response.content
    assert caplog.records[0].exc_info


@override_settings(DEBUG=True)
def test_bug_is_answered_alike_when_debugging() -> None:
    client = client_in(Role.OPERATOR)
    client.raise_request_exception = False
    _assert_problem(client.post("/monetization/raising/bug", {}), 500, "internal-error")


def test_database_error_does_not_name_the_host() -> None:
    response = client_in(Role.OPERATOR).post("/monetization/raising/database", {})
    assert b"secret-host" not in response.content


def test_unknown_path_is_a_problem_for_programs_and_a_page_for_browsers() -> None:
    _assert_problem(APIClient().get("/monetization/nothing"), 404, "not-found")
    _assert_problem(APIClient().get("/nothing"), 404, "not-found")
    page = APIClient().get("/nothing", HTTP_ACCEPT="text/html")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")


@override_settings(ALLOWED_HOSTS=["good.example"])
def test_wrong_host_is_a_problem() -> None:
    response = APIClient().get(ECHO, HTTP_HOST="bad.example")
    _assert_problem(response, 400, "malformed-request")


# Request ids


@pytest.mark.parametrize("given", ["abc-1", "A" * 64])
def test_request_id_that_is_well_formed_is_kept(given: str) -> None:
    assert APIClient().get("/health", HTTP_X_REQUEST_ID=given)["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "A" * 65, "a b", "a\nb", "é", "<x>"])
def test_request_id_that_is_not_is_replaced(given: str) -> None:
    made = APIClient().get("/health", HTTP_X_REQUEST_ID=given)["X-Request-Id"]
    assert len(made) == 32
    assert made != given


# Second factor


def test_service_has_no_second_factor() -> None:
    _assert_problem(client_in(Role.OPERATOR).post("/monetization/approving", {}), 403, "person-required")


def test_person_without_device_passes_only_where_none_is_required() -> None:
    client = client_in(Role.FINANCE)
    assert client.post("/monetization/approving", {}).status_code == 200
    with override_settings(SECOND_FACTOR_REQUIRED=True):
        _assert_problem(client.post("/monetization/approving", {}), 403, "second-factor-not-enrolled")


def test_person_with_device_sends_a_fresh_code_once() -> None:
    user = make_user(Role.FINANCE)
    device = TOTPDevice.objects.create(user=user, confirmed=True)
    client = client_of(user)
    code = f"{totp(device.bin_key):06d}"
    _assert_problem(client.post("/monetization/approving", {}), 403, "second-factor-refused")
    assert client.post("/monetization/approving", {}, HTTP_X_OTP=code).status_code == 200
    _assert_problem(client.post("/monetization/approving", {}, HTTP_X_OTP=code), 403, "second-factor-refused")


def test_token_with_five_wrong_codes_waits_and_another_does_not() -> None:
    user = make_user(Role.FINANCE)
    device = TOTPDevice.objects.create(user=user, confirmed=True)
    client = client_of(user)
    for _ in range(5):
        wrong = client.post("/monetization/approving", {}, HTTP_X_OTP="000000")
        _assert_problem(wrong, 403, "second-factor-refused")

    code = f"{totp(device.bin_key):06d}"
    _assert_problem(client.post("/monetization/approving", {}, HTTP_X_OTP=code), 403, "too-many-wrong-codes")
    assert client_of(user).post("/monetization/approving", {}, HTTP_X_OTP=code).status_code == 200


def test_actor_is_the_account() -> None:
    user = make_user(Role.OPERATOR, username="watch-tower")
    assert client_of(user).post(ECHO, {}).json() == {"actor": "watch-tower"}


def test_token_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    token = token_of(make_user(Role.OPERATOR))
    with caplog.at_level(logging.DEBUG):
        client = APIClient(raise_request_exception=False)
        client.post("/monetization/raising/bug", {}, HTTP_AUTHORIZATION=f"Token {token}")
    assert token not in caplog.text
