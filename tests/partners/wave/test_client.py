"""Each answer of Wave's pages is read, and each call has its headers. Amounts: whole francs."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partners.wave.client import WaveClient, WaveRefused, code_of, francs_of
from partners.wave.config import WaveConfig
from partners.wave.signing import signature
from partners.wave.statement import payments_since
from partners.wire import AnswerLost
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.test_wire import Host, host
from tests.partners.wave import answers
from tests.partners.wave.answers import REFERENCE, Row

DAY = date(2026, 3, 4)
SIGNED = re.compile(rb"Wave-Signature: t=(\d+),v1=([0-9a-f]{64})\r\n")
CALLS: dict[str, tuple[Callable[[WaveClient], Any], Row, bytes]] = {
    "search": (
        lambda client: client.payouts_named(REFERENCE), answers.FOUND,
        b"GET /v1/payouts/search?client_reference=",
    ),
    "verify": (
        lambda client: client.verify_recipient({"mobile": "x"}), answers.VERIFIED,
        b"POST /v1/verify_recipient HTTP",
    ),
    "balance": (WaveClient.balance, answers.BALANCE, b"GET /v1/balance HTTP"),
    "transactions": (
        lambda client: client.transactions(day=DAY, after="opaque"), answers.TRANSACTIONS,
        b"GET /v1/transactions?date=2026-03-04&first=1000&after=opaque HTTP",
    ),
    "create": (lambda client: client.create_session({}), answers.SESSION, b"POST /v1/checkout/sessions HTTP"),
    "sessions": (
        lambda client: client.sessions_named(REFERENCE), {"result": [answers.PAID_SESSION]},
        b"GET /v1/checkout/sessions/search?client_reference=",
    ),
    "expire": (
        lambda client: client.expire_session("cos-1"), {}, b"POST /v1/checkout/sessions/cos-1/expire HTTP",
    ),
}  # fmt: skip


def response(status: int, document: Any) -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Host], WaveClient]:
    monkeypatch.setenv("WAVE_API_KEY", "wave_sn_prod_pays")
    monkeypatch.setenv("WAVE_TIMEOUT_SECONDS", "2")
    monkeypatch.delenv("WAVE_SIGNING_SECRET", raising=False)

    def client(served: Host) -> WaveClient:
        monkeypatch.setenv("WAVE_URL", served.url)
        return WaveClient.paying(WaveConfig.from_environment())

    return client


@pytest.mark.parametrize("name", CALLS)
def test_call_has_its_path_and_key(client_of: Callable[[Host], WaveClient], name: str) -> None:
    call, document, begin = CALLS[name]
    with host(response(200, document)) as served:
        call(client_of(served))

    assert served.received.startswith(begin)
    assert b"Authorization: Bearer wave_sn_prod_pays\r\n" in served.received
    assert b"Wave-Signature" not in served.received
    is_with_body = begin.startswith(b"POST") and name != "expire"
    assert (b"Content-Type: application/json\r\n" in served.received) == is_with_body


@pytest.mark.parametrize("name", CALLS)
def test_call_is_signed_over_its_body(
    client_of: Callable[[Host], WaveClient], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WAVE_SIGNING_SECRET", "wave_sn_AKS_secret")
    call, document, _ = CALLS[name]
    with host(response(200, document)) as served:
        monkeypatch.setenv("WAVE_URL", served.url)
        call(WaveClient.paying(WaveConfig.from_environment()))

    found = SIGNED.search(served.received)
    assert found is not None
    body = served.received.partition(b"\r\n\r\n")[2]
    assert found[2].decode() == hmac.digest(b"wave_sn_AKS_secret", found[1] + body, "sha256").hex()
    assert abs(int(found[1]) - datetime.now(UTC).timestamp()) < 60


def test_payout_has_its_key_and_its_bytes(client_of: Callable[[Host], WaveClient]) -> None:
    deadline = Deadline.after(timedelta(seconds=20), at=datetime.now(UTC), read_at_ns=boottime_ns())
    body = b'{"receive_amount": "983"}'
    with host(response(200, answers.PAYOUT)) as served:
        answer = client_of(served).pay(body, idempotency_key=REFERENCE, deadline=deadline)

    assert answer.row() == answers.PAYOUT
    assert served.received.startswith(b"POST /v1/payout HTTP/1.1\r\n")
    assert f"Idempotency-Key: {REFERENCE}\r\n".encode() in served.received
    assert served.received.endswith(b"\r\n\r\n" + body)


def test_signature_is_the_one_that_openssl_computes() -> None:
    body = b'{"id": "AE_1", "type": "test.test_event"}'

    digest = signature("wave_sn_WHS_test", timestamp=1667920421, body=body)
    assert digest == "c370fb5fd41318ac77ee024be5cae6876eadc89fd80c7b45c90203b344b5b6e4"


@pytest.mark.parametrize("name", [name for name in CALLS if name != "expire"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"result": {}}', b'{"result": [1]}', b'{"result": [{}]}']
)
def test_answer_without_what_was_asked_for_is_lost_or_empty(
    client_of: Callable[[Host], WaveClient], name: str, body: bytes
) -> None:
    call = CALLS[name][0]
    is_read_elsewhere = name in {"verify", "transactions", "create"} and body.startswith(b"{")
    with host(response(200, body)) as served:
        if is_read_elsewhere:
            assert call(client_of(served)) == json.loads(body)
            return
        with pytest.raises(AnswerLost):
            call(client_of(served))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("document", "code"),
    [
        (answers.WITH_DETAILS, "request-validation-error"),
        (answers.WITH_INDEX, "request-validation-error"),
        (answers.UNDER_ERROR, "request-validation-error"),
        (answers.UNDER_ERROR_CODE, "insufficient-funds"),
        (b"<html>", ""),
    ],
)
def test_error_is_read_in_every_shape_without_its_text(
    client_of: Callable[[Host], WaveClient], name: str, document: Any, code: str
) -> None:
    with host(response(400, document)) as served, pytest.raises(WaveRefused) as refused:
        CALLS[name][0](client_of(served))

    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.evidence == {"http_status": 400, "code": code}
    assert str(refused.value) == f"status 400 {code}".strip()


def test_code_inside_a_payout_is_read() -> None:
    assert code_of(answers.FAILED) == "recipient-limit-exceeded"


def test_session_that_ended_already_is_no_error(client_of: Callable[[Host], WaveClient]) -> None:
    with host(response(409, {"code": "checkout-session-ended"})) as served:
        client_of(served).expire_session("cos-1")


def test_search_returns_only_our_reference(client_of: Callable[[Host], WaveClient]) -> None:
    other = {**answers.PAYOUT, "client_reference": f"{REFERENCE}-2"}
    with host(response(200, {"result": [other, answers.PAYOUT]})) as served:
        assert client_of(served).payouts_named(REFERENCE) == [answers.PAYOUT]


@pytest.mark.parametrize(
    ("document", "francs"),
    [({"amount": "10245", "currency": "XOF"}, 10_245), ({"amount": "-5", "currency": "XOF"}, -5)],
)
def test_balance_is_read(client_of: Callable[[Host], WaveClient], document: Row, francs: int) -> None:
    with host(response(200, document)) as served:
        assert client_of(served).balance() == francs


@pytest.mark.parametrize(
    "document",
    [{"amount": "10245", "currency": "GMD"}, {"amount": "1.5", "currency": "XOF"}, {"currency": "XOF"}],
)
def test_balance_that_is_not_in_francs_is_lost(
    client_of: Callable[[Host], WaveClient], document: Row
) -> None:
    with host(response(200, document)) as served, pytest.raises(AnswerLost):
        client_of(served).balance()


def test_statement_reads_a_documented_page(client_of: Callable[[Host], WaveClient]) -> None:
    last = {**answers.TRANSACTIONS, "page_info": {"end_cursor": None, "has_next_page": False}}
    with host(response(200, last)) as served:
        [line] = payments_since(DAY, today=DAY, client=client_of(served))

    # 992 left the wallet, 9 of them the fee.
    assert (line.reference, line.amount.amount, line.is_paid, line.is_open) == (REFERENCE, 983, True, False)
    assert line.cost is not None
    assert line.cost.amount == 9


@pytest.mark.parametrize(
    "changes",
    [
        {"items": None}, {"page_info": None}, {"page_info": {"has_next_page": True, "end_cursor": None}},
        {"items": [{"transaction_type": "api_payout", "amount": "x", "fee": "1"}]},
        {"items": [{"transaction_type": "api_payout", "amount": "-5"}]},
    ],
)  # fmt: skip
def test_page_that_cannot_be_read_is_lost(client_of: Callable[[Host], WaveClient], changes: Row) -> None:
    page = {**answers.TRANSACTIONS, "page_info": {"has_next_page": False}, **changes}
    with host(response(200, page)) as served, pytest.raises(AnswerLost):
        list(payments_since(DAY, today=DAY, client=client_of(served)))


@pytest.mark.parametrize(("text", "francs"), [("10", 10), ("-10", -10), (10, 10), ("0", 0)])
def test_francs_are_read_with_their_sign(text: object, francs: int) -> None:
    assert francs_of(text) == francs


@pytest.mark.parametrize("text", ["--1", "-", "1-", "- 1", None])
def test_francs_that_are_no_number_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        francs_of(text)


def test_configuration_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "CHECKOUT_API_KEY", "SIGNING_SECRET", "CHECKOUT_SIGNING_SECRET"):
        monkeypatch.setenv(f"WAVE_{name}", "canary")

    assert "canary" not in repr(WaveConfig.from_environment())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAVE_NAME_CHECK", "maybe"),
        ("WAVE_STATEMENT_FROM", "yesterday"),
        ("WAVE_TIMEOUT_SECONDS", "7.5"),
        ("WAVE_TIMEOUT_SECONDS", "8"),
        ("WAVE_TIMEOUT_SECONDS", "0"),
    ],
)
def test_impossible_value_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValueError, match=name):
        WaveConfig.from_environment()
