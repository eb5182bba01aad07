"""The MTN client: headers, tokens, and the shapes of answers, against the simulated MTN or a host of fixed answers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.cache import cache

from partners.mtn.client import MtnClient, MtnRefused, TokenRefused, code_of, normal_code
from partners.mtn.config import MtnConfig
from partners.mtn.pace import Pace
from partners.wire import Answer, AnswerLost, NotReached
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.mtn.harness import MtnHarness, environment_of

REFERENCE = "7c1f2f9e-1f2a-4a1b-9c57-1f35a6c0b001"
TOKEN = b'{"access_token": "t-1", "token_type": "access_token", "expires_in": 3600}'


class FixedHost:
    """A host that answers each path with fixed bytes, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        fixed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fixed.asked.append((self.command, self.path, dict(self.headers.items()), body))
                status, text = fixed.answers.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[FixedHost]:
    cache.clear()
    served = FixedHost()
    for variable, value in environment_of(served.url).items():
        monkeypatch.setenv(variable, value)
    served.answers = {f"/{product}/token/": (200, TOKEN) for product in ("disbursement", "collection")}
    yield served
    served.close()


def client() -> MtnClient:
    return MtnClient.paying(MtnConfig.from_environment())


def soon() -> Deadline:
    return Deadline.after(timedelta(seconds=20), at=datetime.now(UTC), read_at_ns=boottime_ns())


# Headers


def test_transfer_has_every_header(host: FixedHost, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "https://money.example.org"
    monkeypatch.setenv("MTN_WEBHOOK_TOKENS", "unguessable,older")
    host.answers["/disbursement/v1_0/transfer"] = (202, b"")

    answer = client().transfer(b"{}", reference=REFERENCE, deadline=soon())

    assert (answer.status, answer.body) == (202, b"")
    (_, token_path, token_headers, token_body), (method, path, headers, body) = host.asked
    assert (token_path, token_body) == ("/disbursement/token/", b"")
    user_and_key = base64.b64decode(token_headers["Authorization"].removeprefix("Basic ")).decode()
    assert user_and_key == "0d6b1c6e-6a1f-4c9b-9a38-51a04c3f7f01:mtn-demo-api-key"
    assert "X-Target-Environment" not in token_headers
    assert (method, path, body) == ("POST", "/disbursement/v1_0/transfer", b"{}")
    expected = {
        "Authorization": "Bearer t-1", "X-Target-Environment": "mtnivorycoast", "X-Reference-Id": REFERENCE,
        "Ocp-Apim-Subscription-Key": "mtn-disbursement-key", "Content-Type": "application/json",
        "X-Callback-Url": "https://money.example.org/monetization/partners/mtn/webhooks/unguessable",
        "User-Agent": "SunuSav-monetization/1.0",
    }  # fmt: skip
    assert {name: headers.get(name) for name in expected} == expected


def test_callback_host_may_be_another_and_none_is_sent_without_a_secret(
    host: FixedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MtnConfig.from_environment().callback_url == ""
    host.answers["/disbursement/v1_0/transfer"] = (202, b"")
    client().transfer(b"{}", reference=REFERENCE, deadline=soon())
    assert "X-Callback-Url" not in host.asked[-1][2]

    monkeypatch.setenv("MTN_WEBHOOK_TOKENS", "unguessable")
    monkeypatch.setenv("MTN_CALLBACK_HOST", "hooks.example.org")
    assert MtnConfig.from_environment().callback_url.endswith(
        "//hooks.example.org/monetization/partners/mtn/webhooks/unguessable"
    )


def test_new_platform_has_the_target_environment_on_tokens_and_another_host(
    mtn: MtnHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mtn.control.set(platform="new")
    with pytest.raises(NotReached, match="status 400"):
        client().balance()

    monkeypatch.setenv("MTN_TOKEN_PLATFORM", "new")

    assert client().balance() == 1_000_000
    monkeypatch.delenv("MTN_URL")
    assert MtnConfig.from_environment().url == "https://momoapi.momo.africa"


def test_id_type_is_written_as_set(host: FixedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTN_PARTY_ID_TYPE_CASE", "upper")
    host.answers["/disbursement/v1_0/accountholder/MSISDN/2250707000001/active"] = (200, b'{"result": true}')

    assert client().is_active("2250707000001")


# Tokens


def test_token_is_fetched_once_by_many_callers(mtn: MtnHarness) -> None:
    with ThreadPoolExecutor(8) as callers:
        balances = list(callers.map(lambda _: client().balance(), range(16)))

    assert (set(balances), mtn.control.calls("token")) == ({1_000_000}, 1)


def test_products_have_tokens_of_their_own(mtn: MtnHarness) -> None:
    client().balance()
    MtnClient.collecting(MtnConfig.from_environment()).balance()

    assert mtn.control.calls("token") == 2


def test_ended_token_is_renewed_for_a_query(mtn: MtnHarness) -> None:
    client().balance()
    mtn.control.set(ahead_seconds=3_601)

    assert client().balance() == 1_000_000
    assert mtn.control.calls("token") == 2


def test_refused_user_is_no_transient_error(mtn: MtnHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTN_API_KEY", "another")

    with pytest.raises(TokenRefused, match="status 401 LOGIN_FAILED"):
        client().balance()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", b"{}", b'{"access_token": "t"}', b'{"access_token": "", "expires_in": 3600}'],
)
def test_answer_without_a_token_means_that_nothing_was_sent(host: FixedHost, body: bytes) -> None:
    host.answers["/disbursement/token/"] = (200, body)

    with pytest.raises(NotReached, match="no token"):
        client().balance()


def test_lifetime_of_a_token_may_be_a_text(host: FixedHost) -> None:
    host.answers["/disbursement/token/"] = (200, TOKEN.replace(b"3600", b'"3600"'))
    host.answers["/disbursement/v1_0/account/balance"] = (
        200,
        b'{"availableBalance": "0", "currency": "XOF"}',
    )

    assert client().balance() == 0


# Shapes of answers


@pytest.mark.parametrize(
    ("body", "held"),
    [(b'{"availableBalance":"200","currency":"XOF"}', 200), (b'{"availableBalance":1000,"currency":"XOF"}', 1_000),
     (b'{"availableBalance":"1000.00","currency":"XOF"}', 1_000)],
)  # fmt: skip
def test_balance_is_a_text_or_a_number(host: FixedHost, body: bytes, held: int) -> None:
    host.answers["/disbursement/v1_0/account/balance"] = (200, body)

    assert client().balance() == held


@pytest.mark.parametrize(
    "body",
    [b'{"availableBalance":"0.5","currency":"XOF"}', b'{"currency":"XOF"}', b'{"availableBalance":"1"}', b""],
)
def test_unreadable_balance_is_no_answer(host: FixedHost, body: bytes) -> None:
    host.answers["/disbursement/v1_0/account/balance"] = (200, body)

    with pytest.raises(AnswerLost):
        client().balance()


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"result": true}', True), (b'{"result": false}', False), (b"true", True), (b"false", False)],
)
def test_active_is_an_object_or_a_bare_text(host: FixedHost, body: bytes, expected: bool) -> None:
    host.answers["/disbursement/v1_0/accountholder/msisdn/2250707000001/active"] = (200, body)

    assert client().is_active("2250707000001") is expected


@pytest.mark.parametrize("body", [b"", b'{"result": "yes"}', b"[]", b'"true"'])
def test_unreadable_active_is_no_answer(host: FixedHost, body: bytes) -> None:
    host.answers["/disbursement/v1_0/accountholder/msisdn/2250707000001/active"] = (200, body)

    with pytest.raises(AnswerLost):
        client().is_active("2250707000001")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (
            b'{"sub":"0","name":"Sand Box","given_name":"Sand","family_name":"Box","updated_at":1678355127}',
            "Sand Box",
        ),
        (b'{"given_name":"Sand","family_name":"Box"}', "Sand Box"),
        (b'{"sub":"0"}', ""),
    ],
)
def test_name_of_a_holder(host: FixedHost, body: bytes, name: str) -> None:
    host.answers["/disbursement/v1_0/accountholder/msisdn/2250707000001/basicuserinfo"] = (200, body)

    assert client().holder_name("2250707000001") == name


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, b'{"code":"RESOURCE_NOT_FOUND","message":"Requested resource was not found."}', "RESOURCE_NOT_FOUND"),
        (500, b'{"message":"not allowed","code":"NOT_ALLOWED"}', "NOT_ALLOWED"),
        (403, b'{"code":"FORBIDDEN IP"}', "FORBIDDEN_IP"),
        (401, b'{"error":"invalid_client"}', "INVALID_CLIENT"),
        (401, b'{"statusCode":401,"message":"Access denied due to invalid subscription key. Make sure"}',
         "INVALID_SUBSCRIPTION_KEY"),
        (401, b"", "UNAUTHORIZED"),
        (429, b'{"statusCode":429,"message":"Rate limit is exceeded. Try again in 1 seconds."}', ""),
        (403, b"<html></html>", ""),
        (500, b'{"code": 500}', ""),
        (500, b'{"code": "+225 07 07 00 00 01"}', ""),
    ],
)  # fmt: skip
def test_code_of_an_error_in_every_shape(status: int, body: bytes, code: str) -> None:
    assert code_of(Answer(status, "", body)) == code


def test_only_mtns_own_404_says_that_a_reference_is_unknown() -> None:
    assert MtnRefused(404, "RESOURCE_NOT_FOUND").is_unknown_reference
    assert not MtnRefused(404, "").is_unknown_reference
    assert not MtnRefused(500, "RESOURCE_NOT_FOUND").is_unknown_reference


def test_code_that_is_too_long_is_none() -> None:
    assert normal_code("A" * 65) == ""


# Variables


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MTN_TOKEN_PLATFORM", "old"), ("MTN_PARTY_ID_TYPE_CASE", "x"), ("MTN_NAME_CHECK", "on"),
     ("MTN_COLLECTION_WALLET", "two"), ("MTN_TIMEOUT_SECONDS", "7s")],
)  # fmt: skip
def test_impossible_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ValueError, match=variable):
        MtnConfig.from_environment()


@pytest.mark.parametrize(
    ("name", "countries", "currency", "url"),
    [
        ("mtnivorycoast", ("CI",), "XOF", "https://proxy.momoapi.mtn.com"),
        ("mtnbenin", ("BJ",), "XOF", "https://proxy.momoapi.mtn.com"),
        ("sandbox", ("CI", "BJ", "SE"), "EUR", "https://sandbox.momodeveloper.mtn.com"),
    ],
)
def test_target_environment_gives_countries_currency_and_host(
    monkeypatch: pytest.MonkeyPatch, *, name: str, countries: tuple[str, ...], currency: str, url: str
) -> None:
    monkeypatch.setenv("MTN_TARGET_ENVIRONMENT", name)
    config = MtnConfig.from_environment()

    assert (config.countries, config.environment.currency, config.url) == (countries, currency, url)


def test_environment_in_another_currency_serves_no_country(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTN_TARGET_ENVIRONMENT", "mtncongo")

    assert MtnConfig.from_environment().countries == ()


def test_configuration_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment_of("http://127.0.0.1:1").items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("MTN_WEBHOOK_TOKENS", "unguessable")
    config = MtnConfig.from_environment()

    shown = repr(config) + repr(MtnClient.paying(config)) + repr(MtnClient.paying(config)._shared_token)
    for secret in ("mtn-demo-api-key", "mtn-disbursement-key", "unguessable", "0d6b1c6e"):
        assert secret not in shown


# Pace


def test_pace_lets_one_call_at_a_time_pass_its_interval() -> None:
    now, pauses = [100.0], list[float]()
    pace = Pace(0.5, clock=lambda: now[0], pause=pauses.append)

    pace.wait()
    pace.wait()
    now[0] = 100.25
    pace.wait()
    now[0] = 200.0
    pace.wait()

    assert pauses == [0.5, 0.75]
