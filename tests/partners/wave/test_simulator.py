"""The simulated Wave speaks as Wave's pages say, where our own client does not ask."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from ledger.types import xof
from partners.references import collection_reference
from partners.wire import Answer, Wire
from tests.partners.wave.harness import COLLECTING_KEY, PAYING_KEY, WaveHarness
from transfers.types import CollectionRequest

PAYOUT = {"currency": "XOF", "receive_amount": "500", "mobile": WaveHarness.phone, "client_reference": "r-1"}
PATIENCE_SECONDS = 10.0


def call(
    wave: WaveHarness, method: str, path: str, body: Any = None, *, key: str = PAYING_KEY, **headers: str
) -> Answer:
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if method == "GET" else json.dumps(body).encode()
    return Wire(wave.url, 5).call(method, path, headers=sent, content=content)


def pay(wave: WaveHarness, key: str = "k-1", **changes: Any) -> Answer:
    return call(wave, "POST", "/v1/payout", {**PAYOUT, **changes}, Idempotency_Key=key)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "missing-auth-header"),
        ({"Authorization": "Basic eDp5"}, 401, "invalid-auth"),
        ({"Authorization": "Bearer wave_sn_prod_other"}, 401, "no-matching-api-key"),
        ({"Authorization": f"Bearer {COLLECTING_KEY}"}, 403, "authorization-error"),
        ({"Idempotency-Key": ""}, 400, "request-validation-error"),
        ({"Content-Type": "text/plain"}, 400, "request-not-json"),
    ],
)
def test_call_without_what_it_needs_is_refused(
    wave: WaveHarness, headers: dict[str, str], status: int, code: str
) -> None:
    answer = call(wave, "POST", "/v1/payout", PAYOUT, **{"Idempotency-Key": "k-1", **headers})

    assert (answer.status, answer.row()["code"]) == (status, code)
    assert wave.payouts() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("currency", "EUR"), ("receive_amount", 500), ("receive_amount", "0500"), ("receive_amount", "5.00"),
        ("receive_amount", "0"), ("mobile", "771234567"), ("mobile", None), ("payment_reason", "x" * 41),
        ("client_reference", "x" * 256),
    ],
)  # fmt: skip
def test_field_that_breaks_its_rule_is_named(wave: WaveHarness, name: str, value: Any) -> None:
    answer = pay(wave, **{name: value})

    assert answer.status == 400
    assert answer.row()["details"][0]["loc"] == [name]
    assert wave.payouts() == []


def test_key_pays_one_body_once(wave: WaveHarness) -> None:
    first = pay(wave)

    assert pay(wave).row() == first.row()
    assert (pay(wave, receive_amount="501").status, len(wave.paid())) == (409, 1)
    assert pay(wave, "k-2").row()["id"] != first.row()["id"]
    assert len(wave.paid()) == 2


def test_refused_call_is_tried_again_under_its_key(wave: WaveHarness) -> None:
    wave.refuse_next("recipient")

    assert (pay(wave).status, pay(wave).status) == (422, 200)


def test_payout_is_read_by_its_id_and_given_back_once(wave: WaveHarness) -> None:
    path = f"/v1/payout/{pay(wave).row()['id']}"

    assert call(wave, "GET", path).row()["status"] == "succeeded"
    for _ in range(2):
        answer = call(wave, "POST", f"{path}/reverse")
        assert (answer.status, answer.body) == (200, b"")
    assert call(wave, "GET", path).row()["status"] == "reversed"
    assert wave.balance_xof() == 1_000_000
    assert call(wave, "GET", "/v1/payout/pt-0").status == 404


def test_payout_is_not_given_back_after_three_days(wave: WaveHarness) -> None:
    path = f"/v1/payout/{pay(wave).row()['id']}/reverse"
    wave.control.set(ahead_seconds=3 * 86_400 + 1)

    assert call(wave, "POST", path).row()["code"] == "payout-reversal-time-limit-exceeded"


def test_what_was_answered_outlasts_a_kill(wave: WaveHarness) -> None:
    first = pay(wave).row()
    wave.kill()
    wave.start()

    assert pay(wave).row() == first
    assert len(wave.paid()) == 1


def test_transactions_have_the_balance_after_each(wave: WaveHarness) -> None:
    pay(wave)
    [item] = call(wave, "GET", "/v1/transactions").row()["items"]

    shown = ("transaction_type", "amount", "fee", "balance", "is_reversal", "client_reference")
    assert [item[name] for name in shown] == ["api_payout", "-505", "5", "999495", False, "r-1"]


def test_session_is_found_by_its_transaction(wave: WaveHarness) -> None:
    reference = opened(wave)
    wave.pay_in(reference)
    [session] = wave.control.call("sessions")

    path = f"/v1/checkout/sessions?transaction_id={session['transaction_id']}"
    assert call(wave, "GET", path, key=COLLECTING_KEY).row()["id"] == session["session_id"]
    path = f"/v1/checkout/sessions/{session['session_id']}"
    assert call(wave, "GET", path, key=COLLECTING_KEY).row()["checkout_status"] == "complete"
    assert call(wave, "POST", f"{path}/expire", {}, key=COLLECTING_KEY).status == 409
    assert call(wave, "GET", "/v1/checkout/sessions/cos-0", key=COLLECTING_KEY).status == 404


# Webhooks


class Inbox:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks"

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.received) < count:
            assert time.monotonic() < deadline, "no webhook came"
            time.sleep(0.01)


@pytest.fixture
def inbox(wave: WaveHarness) -> Iterator[Inbox]:
    found = Inbox()
    Thread(target=found.server.serve_forever, daemon=True).start()
    wave.control.set(webhook_url=found.url)
    yield found
    found.server.shutdown()
    found.server.server_close()


def opened(wave: WaveHarness) -> str:
    """Open a request for 913 francs; return its reference."""
    found = wave.collector().open(CollectionRequest(7, xof(913), "", 86_400), now=datetime.now(UTC))
    assert found.reference == collection_reference("wave", 7)
    return found.reference


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Return whether one of the signatures is of this secret: over the timestamp and, without a mark, the body."""
    parts = [part.partition("=")[::2] for part in headers["wave-signature"].split(",")]
    timestamp = dict(parts)["t"]
    digest = hmac.digest(secret.encode(), timestamp.encode() + body, "sha256").hex()
    return digest in [value for name, value in parts if name == "v1"]


@pytest.mark.parametrize(
    ("event", "happens"),
    [
        ("checkout.session.completed", WaveHarness.pay_in),
        (
            "checkout.session.payment_failed",
            lambda wave, reference: wave.control.call("fail_session", reference=reference),
        ),
    ],
)
def test_event_of_a_session_is_sent_signed(
    wave: WaveHarness, inbox: Inbox, event: str, happens: Callable[[WaveHarness, str], None]
) -> None:
    reference = opened(wave)
    happens(wave, reference)
    inbox.wait_for(1)

    [(headers, body)] = inbox.received
    assert is_signed(headers, body, "wave_sn_WHS_demo")
    assert not is_signed(headers, body, "wave_sn_WHS_other")
    document = json.loads(body)
    assert (document["type"], document["id"][:3]) == (event, "EV_")
    assert document["data"]["client_reference"] == reference


def test_event_is_signed_with_both_secrets_while_one_is_replaced(wave: WaveHarness, inbox: Inbox) -> None:
    wave.control.set(webhook_secrets="old,new")
    wave.pay_in(opened(wave))
    inbox.wait_for(1)

    assert all(is_signed(*inbox.received[0], secret) for secret in ("old", "new"))


def test_event_may_have_a_shared_secret_and_come_again(wave: WaveHarness, inbox: Inbox) -> None:
    wave.control.set(webhook_bearer="shared")
    wave.pay_in(opened(wave))
    inbox.wait_for(1)
    wave.control.call("send_webhooks_again")
    inbox.wait_for(2)

    (headers, body), again = inbox.received
    assert headers["authorization"] == "Bearer shared"
    assert "wave-signature" not in headers
    assert again[1] == body


def test_payout_has_no_event(wave: WaveHarness, inbox: Inbox) -> None:
    pay(wave)

    assert wave.control.call("webhooks") == []
    assert inbox.received == []
