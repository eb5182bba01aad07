"""The simulated MTN by itself: what it refuses, what it keeps, what it sends, and what a person sees of it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from uuid import uuid4

import pytest
import requests

from ledger.types import xof
from sandbox.mtn.numbers import FIRST, REQUEST, TRANSFER
from sandbox.mtn.security import KEY, SUBSCRIPTIONS, USER
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.mtn.harness import MtnHarness
from transfers.types import CollectionRequest, Destination, Instruction, Refused, Succeeded, Unknown

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
PHONE = "2250707000001"


class Caller:
    """A client of MTN that sends what a test says."""

    def __init__(self, mtn: MtnHarness, product: str = "disbursement") -> None:
        self.url, self.product = mtn.process.url, product
        self.headers = {
            "User-Agent": "a test", "Ocp-Apim-Subscription-Key": SUBSCRIPTIONS[product],
            "X-Target-Environment": "mtnivorycoast",
        }  # fmt: skip

    def token(self, user: str = USER, key: str = KEY, data: bytes = b"") -> requests.Response:
        basic = base64.b64encode(f"{user}:{key}".encode()).decode()
        headers = {**self.headers, "Authorization": f"Basic {basic}"}
        return requests.post(f"{self.url}/{self.product}/token/", headers=headers, data=data, timeout=10)

    def signed_in(self) -> Caller:
        self.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"
        return self

    def get(self, path: str) -> tuple[int, Any]:
        answer = requests.get(f"{self.url}/{self.product}/v1_0/{path}", headers=self.headers, timeout=10)
        return answer.status_code, answer.json()

    def pay(self, reference: str, **changes: Any) -> tuple[int, str]:
        """Order a transfer or a request to pay; return the status and the code of an error."""
        is_transfer = self.product == "disbursement"
        headers = {**self.headers, "X-Reference-Id": reference, **changes.pop("headers", {})}
        body = {
            "amount": "983", "currency": "XOF", "externalId": reference, "payerMessage": "SunuSav", "payeeNote": "",
            "payee" if is_transfer else "payer": {"partyIdType": "MSISDN", "partyId": PHONE}, **changes,
        }  # fmt: skip
        path = "transfer" if is_transfer else "requesttopay"
        answer = requests.post(
            f"{self.url}/{self.product}/v1_0/{path}", json=body, headers=headers, timeout=10
        )
        return answer.status_code, answer.json().get("code", "malformed") if answer.content else ""


@pytest.fixture
def caller(mtn: MtnHarness) -> Caller:
    return Caller(mtn).signed_in()


# Access


def test_token_needs_an_empty_body_the_right_user_and_the_products_key(mtn: MtnHarness) -> None:
    given = Caller(mtn)

    answered = [given.token(), given.token(data=b"x"), given.token(key="another"), given.token(user="a%3D")]

    assert [answer.status_code for answer in answered] == [200, 400, 401, 500]
    assert {**answered[0].json(), "access_token": ""} == {
        "access_token": "", "token_type": "access_token", "expires_in": 3_600,
    }  # fmt: skip
    assert answered[2].json() == {"error": "login_failed"}
    given.headers["Ocp-Apim-Subscription-Key"] = SUBSCRIPTIONS["collection"]
    assert (given.token().status_code, given.token().json()["statusCode"]) == (401, 401)


def test_usual_agent_of_the_library_gets_a_page_of_the_gateway(mtn: MtnHarness) -> None:
    given = Caller(mtn)
    given.headers["User-Agent"] = "python-requests/2.32"

    answer = given.token()

    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Authorization", "Bearer other", (401, "malformed")),
        ("Ocp-Apim-Subscription-Key", "other", (401, "malformed")),
        ("X-Target-Environment", "mtnbenin", (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")),
        ("X-Target-Environment", "", (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")),
    ],
)
def test_call_without_the_right_headers_is_refused(
    mtn: MtnHarness, caller: Caller, header: str, value: str, expected: tuple[int, str]
) -> None:
    assert caller.pay(str(uuid4()), headers={header: value}) == expected
    assert mtn.paid() == []


def test_token_ends(mtn: MtnHarness, caller: Caller) -> None:
    mtn.control.set(ahead_seconds=3_600)

    assert caller.pay(str(uuid4()))[0] == 401


def test_double_slash_in_an_address_is_refused(mtn: MtnHarness, caller: Caller) -> None:
    answer = requests.get(
        f"{mtn.process.url}/disbursement//v1_0/account/balance", headers=caller.headers, timeout=10
    )

    assert answer.status_code == 400


# Payments


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": "0"}, (400, "malformed")),
        ({"amount": 983}, (400, "malformed")),
        ({"payerMessage": "l'été"}, (400, "malformed")),
        ({"payeeNote": "a" * 161}, (400, "malformed")),
        ({"payee": {"partyIdType": "msisdn", "partyId": PHONE}}, (400, "malformed")),
        ({"currency": "EUR"}, (500, "INVALID_CURRENCY")),
        ({"headers": {"X-Callback-Url": ""}}, (500, "INVALID_CALLBACK_URL_HOST")),
        ({"headers": {"X-Reference-Id": "00000000-0000-1000-8000-000000000000"}}, (400, "malformed")),
        ({"headers": {"X-Reference-Id": "r-1"}}, (400, "malformed")),
    ],
)
def test_malformed_transfer_is_refused(
    mtn: MtnHarness, caller: Caller, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert caller.pay(str(uuid4()), **changes) == expected
    assert mtn.paid() == []


def test_callback_of_another_host_than_the_registered_one_is_refused(mtn: MtnHarness, caller: Caller) -> None:
    mtn.control.set(callback_host="hooks.example.org")

    elsewhere = caller.pay(str(uuid4()), headers={"X-Callback-Url": "http://127.0.0.1/x"})
    right = caller.pay(str(uuid4()), headers={"X-Callback-Url": "http://hooks.example.org/x"})

    assert (elsewhere, right) == ((500, "INVALID_CALLBACK_URL_HOST"), (202, ""))


def test_same_reference_is_taken_once_by_many_calls_at_once(mtn: MtnHarness, caller: Caller) -> None:
    reference = str(uuid4())
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda _: caller.pay(reference), range(32)))

    assert sorted(answers) == [(202, "")] + [(409, "RESOURCE_ALREADY_EXIST")] * 31
    assert len(mtn.paid()) == 1
    assert mtn.balance_xof() == 1_000_000 - 983


def test_transfer_is_pending_for_a_while_and_then_paid(mtn: MtnHarness, caller: Caller) -> None:
    mtn.control.set_clock(NOW)
    mtn.control.set(transfer_seconds=30, fee_francs=9)
    reference = str(uuid4())
    caller.pay(reference, amount="983.0")
    assert caller.get(f"transfer/{reference}") == (
        200,
        {
            "amount": "983.0", "currency": "XOF", "externalId": reference, "payerMessage": "SunuSav", "payeeNote": "",
            "payee": {"partyIdType": "MSISDN", "partyId": PHONE}, "status": "PENDING",
        },
    )  # fmt: skip

    mtn.control.set(ahead_seconds=30)

    _, paid = caller.get(f"transfer/{reference}")
    assert (paid["status"], paid["financialTransactionId"]) == ("SUCCESSFUL", "363440463")
    assert mtn.balance_xof() == 1_000_000 - 983 - 9


@pytest.mark.parametrize(
    ("state", "code"), [("unknown", "PAYEE_NOT_FOUND"), ("blocked", "PAYEE_NOT_ALLOWED_TO_RECEIVE")]
)
def test_transfer_to_a_wallet_that_takes_nothing_fails(
    mtn: MtnHarness, caller: Caller, state: str, code: str
) -> None:
    mtn.control.call("set_state", phone=PHONE, state=state)
    reference = str(uuid4())
    caller.pay(reference)

    _, failed = caller.get(f"transfer/{reference}")

    assert (failed["status"], failed["reason"]["code"]) == ("FAILED", code)
    assert "financialTransactionId" not in failed
    assert mtn.balance_xof() == 1_000_000


@pytest.mark.parametrize("short_reason", ["NOT_ENOUGH_FUNDS", "INTERNAL_PROCESSING_ERROR"])
def test_transfer_beyond_our_wallet_fails(mtn: MtnHarness, caller: Caller, short_reason: str) -> None:
    mtn.control.set(short_reason=short_reason)
    reference = str(uuid4())

    assert caller.pay(reference, amount="1000001") == (202, "")

    assert caller.get(f"transfer/{reference}")[1]["reason"]["code"] == short_reason


def test_duplicate_act_finds_its_reference_used(mtn: MtnHarness, caller: Caller) -> None:
    mtn.script_payout("duplicate")

    assert caller.pay(str(uuid4())) == (409, "RESOURCE_ALREADY_EXIST")
    assert len(mtn.paid()) == 1


def test_unknown_reference_is_not_found_and_neither_is_another_products(
    mtn: MtnHarness, caller: Caller
) -> None:
    reference = str(uuid4())
    asked = Caller(mtn, "collection").signed_in()
    asked.pay(reference)

    assert asked.get(f"requesttopay/{reference}")[1]["status"] == "PENDING"
    not_found = (404, {"code": "RESOURCE_NOT_FOUND", "message": "Resource not found"})
    assert caller.get(f"transfer/{reference}") == caller.get(f"transfer/{uuid4()}") == not_found


# Numbers of the sandbox, by our rail and collector


@pytest.fixture
def in_sandbox(mtn: MtnHarness, monkeypatch: pytest.MonkeyPatch) -> MtnHarness:
    mtn.control.set(target_environment="sandbox", currency="EUR")
    monkeypatch.setenv("MTN_TARGET_ENVIRONMENT", "sandbox")
    return mtn


@pytest.mark.parametrize(("place", "code"), list(enumerate(TRANSFER)))
def test_number_of_the_sandbox_fails_a_transfer_as_documented(
    in_sandbox: MtnHarness, place: int, code: str
) -> None:
    rail = in_sandbox.rail()
    destination = Destination("mtn", "phone", f"+{FIRST + place}")
    order = rail.prepare(Instruction(1, xof(983), destination), now=NOW)
    rail.send(order, deadline=Deadline.after(timedelta(seconds=20), at=NOW, read_at_ns=boottime_ns()))

    found = rail.find(order)

    if code:
        assert isinstance(found, Refused)
        assert found.reason == code.lower().replace("_", "-")
    else:
        assert isinstance(found, Unknown)
        assert found.reason == "pending"


def test_any_other_number_of_the_sandbox_is_paid(in_sandbox: MtnHarness) -> None:
    rail = in_sandbox.rail()
    order = rail.prepare(Instruction(1, xof(983), Destination("mtn", "phone", "+46733123999")), now=NOW)
    rail.send(order, deadline=Deadline.after(timedelta(seconds=20), at=NOW, read_at_ns=boottime_ns()))

    assert isinstance(rail.find(order), Succeeded)


@pytest.mark.parametrize(("place", "code"), list(enumerate(REQUEST)))
def test_number_of_the_sandbox_fails_a_request_as_documented(
    in_sandbox: MtnHarness, place: int, code: str
) -> None:
    collector = in_sandbox.collector()
    opened = collector.open(CollectionRequest(1, xof(913), "memo", 60, f"+{FIRST + place}"), now=NOW)

    assert collector.find(opened.reference).state == ("cancelled" if code else "open")


# Callbacks


class Listener:
    """A host that takes callbacks."""

    def __init__(self) -> None:
        self.received: Queue[tuple[str, str, bytes, dict[str, str]]] = Queue()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.received.put((self.command, self.path, body, dict(self.headers.items())))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/unguessable"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    served = Listener()
    yield served
    served.close()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_final_state_is_called_back_unsigned_and_once(
    mtn: MtnHarness, caller: Caller, listener: Listener, method: str
) -> None:
    mtn.control.set(callback_method=method)
    reference = str(uuid4())
    caller.pay(reference, headers={"X-Callback-Url": listener.url})

    command, path, body, headers = listener.received.get(timeout=20)

    assert (command, path) == (method, "/hooks/unguessable")
    assert b'"status": "SUCCESSFUL"' in body
    assert f'"externalId": "{reference}"'.encode() in body
    assert not {name.lower() for name in headers} & {"authorization", "x-signature", "signature"}
    assert len(mtn.control.call("webhooks")) == 1


def test_nothing_is_called_back_while_it_is_pending(
    mtn: MtnHarness, caller: Caller, listener: Listener
) -> None:
    mtn.script_payout("pending")
    reference = str(uuid4())
    caller.pay(reference, headers={"X-Callback-Url": listener.url})
    assert mtn.control.call("webhooks") == []

    mtn.complete(reference, is_paid=False)

    assert b'"status": "FAILED"' in listener.received.get(timeout=20)[2]


# What a person sees


def test_person_pays_a_request_by_its_button(mtn: MtnHarness) -> None:
    mtn.control.call("open_demo_phones")
    collector = mtn.collector()
    first, second = (
        collector.open(CollectionRequest(number, xof(913), "Cotisation", 60, mtn.phone), now=NOW).reference
        for number in (1, 2)
    )
    page = requests.get(f"{mtn.process.url}/phone", timeout=10).text
    assert page.count("<form") == 4
    assert "Cotisation" in page

    pressed = requests.post(f"{mtn.process.url}/phone/{first}/approve", timeout=10)
    requests.post(f"{mtn.process.url}/phone/{second}/reject", timeout=10)

    assert pressed.text.count("<form") == 2
    assert [collector.find(one).state for one in (first, second)] == ["settled", "cancelled"]
    again = requests.post(f"{mtn.process.url}/phone/{first}/approve", timeout=10)
    assert again.status_code == 404
    wallets = requests.get(mtn.process.url, timeout=10).text
    assert "Awa Kouassi" in wallets
    assert "1\u202f000\u202f913" in wallets


# The process


def test_killed_partner_keeps_what_it_had_taken(mtn: MtnHarness, caller: Caller) -> None:
    reference = str(uuid4())
    mtn.script_payout("pending")
    caller.pay(reference)

    mtn.kill()
    with pytest.raises(requests.ConnectionError):
        caller.get(f"transfer/{reference}")
    mtn.start()

    assert caller.get(f"transfer/{reference}")[1]["status"] == "PENDING"
    mtn.complete(reference, is_paid=True)
    assert caller.pay(reference) == (409, "RESOURCE_ALREADY_EXIST")
    assert len(mtn.paid()) == 1
