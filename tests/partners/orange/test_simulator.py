"""The simulated Orange: live oddities, callbacks, pages, and what survives a restart."""

from __future__ import annotations

import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.types import xof
from sandbox.orange.security import DEFAULTS
from tests.partners.orange.calls import deadline, prepared
from tests.partners.orange.harness import ENVIRONMENT, OrangeHarness
from tests.partners.orange.test_collector import REFERENCE, request
from transfers.types import Succeeded

Answer = tuple[int, str]


@pytest.fixture
def token(orange: OrangeHarness) -> str:
    form = {"grant_type": "client_credentials", "client_id": "sunusav", "client_secret": "orange-secret"}
    with urllib.request.urlopen(
        f"{orange.process.url}/oauth/v1/token", data=urlencode(form).encode()
    ) as answer:
        return str(json.load(answer)["access_token"])


def call(
    orange: OrangeHarness, path: str, *, token: str, body: Any = None, kind: str = "application/json"
) -> Answer:
    """Make a call; return status and body."""
    asked = urllib.request.Request(
        f"{orange.process.url}{path}", data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", **({"Content-Type": kind} if kind else {})},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_get_without_a_type_is_415(orange: OrangeHarness, token: str) -> None:
    assert call(orange, "/api/eWallet/v1/transactions", token=token, kind="")[0] == 415


def test_call_without_a_valid_token_is_401_with_code_10(orange: OrangeHarness, token: str) -> None:
    for wrong in ("", "none", f"{token}0"):
        status, text = call(orange, "/api/eWallet/v1/transactions", token=wrong)
        assert (status, json.loads(text)["code"]) == (401, "10")
    orange.control.set(ahead_seconds=300)
    assert call(orange, "/api/eWallet/v1/transactions", token=token)[0] == 401


def test_unknown_path_is_404(orange: OrangeHarness, token: str) -> None:
    status, text = call(orange, "/api/eWallet/v9/cashins", token=token, body={})
    assert (status, json.loads(text)["code"]) == (404, "60")


def test_search_is_a_bare_list_with_floats_and_one_by_type_finds_nothing(
    orange: OrangeHarness, token: str
) -> None:
    order = prepared(orange)
    paid = orange.rail().send(order, deadline=deadline())
    assert isinstance(paid, Succeeded)

    status, text = call(orange, f"/api/eWallet/v1/transactions?reference={order.reference}", token=token)
    [row] = json.loads(text)
    assert (status, row["transactionId"], row["status"]) == (200, paid.proof, "SUCCESS")
    assert '"value": 7960.0' in text
    assert row["metadata"] == {"notification.dispatched": "true"}
    for query in ("type=CASHIN", f"fromDateTime={row['createdAt'].replace('Z', '999Z')}"):
        _, text = call(
            orange, f"/api/eWallet/v1/transactions?reference={order.reference}&{query}", token=token
        )
        assert text == "[]"
    _, text = call(orange, f"/api/eWallet/v1/transactions/{paid.proof}/status", token=token)
    assert json.loads(text) == {"status": "SUCCESS"}


@pytest.mark.parametrize(
    ("identifier", "expected"), [("short", (400, "28")), ("CI260304.1000.C58502", (404, "60"))]
)
def test_status_wants_a_known_id_of_twenty_characters(
    orange: OrangeHarness, token: str, identifier: str, expected: tuple[int, str]
) -> None:
    status, text = call(orange, f"/api/eWallet/v1/transactions/{identifier}/status", token=token)
    assert (status, json.loads(text)["code"]) == expected


def test_token_of_an_unknown_client_is_an_oauth_error(orange: OrangeHarness) -> None:
    form = urlencode(
        {"grant_type": "client_credentials", "client_id": "other", "client_secret": "x"}
    ).encode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{orange.process.url}/oauth/v1/token", data=form)
    assert (refused.value.code, json.load(refused.value)) == (401, {"error": "invalid_client"})


def test_same_reference_again_is_another_payment(orange: OrangeHarness) -> None:
    order = prepared(orange)
    for _ in range(2):
        orange.rail().send(order, deadline=deadline())
    assert len(orange.paid()) == 2


def test_restart_keeps_money_keys_tokens_and_wrong_pins(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.rail().send(order, deadline=deadline())
    orange.control.set(wrong_pins=2)
    orange.kill()
    orange.start()

    assert orange.rail().balance() == xof(992_040)
    assert orange.control.calls("token") == 1
    assert orange.control.calls("public_key") == 1


# Callbacks


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    """Receive callbacks at an address; answer these statuses, then 202."""
    received: Queue[tuple[dict[str, str], bytes]] = Queue()
    answers = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answers.pop(0) if answers else 202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Write no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hooks", received
        server.shutdown()


def test_payment_is_reported_with_key_and_signature_over_moment_comma_and_body(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    orange.control.set(callback_api_key="key-1", callback_secret="endpoint-secret")
    with receiver(500) as (url, received):
        monkeypatch.setenv("ORANGE_CALLBACK_URL", url)
        orange.collector().open(request(), now=datetime.now(UTC))
        orange.pay_in(REFERENCE)
        first, again = received.get(timeout=20), received.get(timeout=20)

    headers, body = again
    moment, _, given = headers["x-sonatel-signature"].partition(",")
    signed = f"{moment.removeprefix('t=')},".encode() + body
    assert given == "v1=" + hmac.new(b"endpoint-secret", signed, "sha256").hexdigest()
    assert (headers["authorization"], headers["user-agent"]) == ("Basic key-1", "Sonatel-Client/1.0")
    assert headers["x-sonatel-idempotency-key"] == first[0]["x-sonatel-idempotency-key"]
    document = json.loads(body)
    assert (document["reference"], document["status"], document["type"]) == (
        REFERENCE,
        "SUCCESS",
        "MERCHANT_PAYMENT",
    )
    assert document["amount"] == {"value": 913, "unit": "XOF"}
    assert document["transactionId"] == orange.collector().find(REFERENCE).payments[0].reference


def test_callback_that_is_refused_with_4xx_is_never_sent_again(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(404) as (url, received):
        monkeypatch.setenv("ORANGE_CALLBACK_URL", url)
        orange.collector().open(request(), now=datetime.now(UTC))
        orange.pay_in(REFERENCE)
        received.get(timeout=20)
        orange.control.call("send_again")
        received.get(timeout=20)

    first, again = orange.control.call("webhooks")
    assert (first["status"], again["tries"]) == (404, 1)


# Pages


def _page(orange: OrangeHarness, path: str) -> str:
    with urllib.request.urlopen(f"{orange.process.url}{path}") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return str(answer.read().decode())


def test_page_shows_phones_with_names_balances_and_movements(orange: OrangeHarness) -> None:
    orange.rail().send(prepared(orange), deadline=deadline())

    shown = _page(orange, "/")

    for text in (
        "+221771234567",
        "Awa Diop",
        "107\u202f960\u00a0XOF",
        "our account",
        "992\u202f040\u00a0XOF",
    ):
        assert text in shown


def test_page_of_a_code_lets_a_person_choose_a_phone_and_pay(orange: OrangeHarness) -> None:
    made = orange.collector().open(request(), now=datetime.now(UTC))
    path = made.checkout_url.removeprefix(orange.process.url)

    shown = _page(orange, path)

    assert "SUNUSAV asks for <strong>913\u00a0XOF</strong>" in shown
    assert "<option>771234567</option>" in shown
    assert "<button>Pay</button>" in shown
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _page(orange, "/pay/none")


def test_environment_of_tests_is_that_of_the_simulator(orange: OrangeHarness) -> None:
    """The demo starts both with the same values."""
    for variable, name in (
        ("ORANGE_CLIENT_ID", "client_id"),
        ("ORANGE_MSISDN", "msisdn"),
        ("ORANGE_PIN", "pin"),
    ):
        assert DEFAULTS[name] == ENVIRONMENT[variable]
