import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from partners.wire import AnswerLost, NotReached, SendingTooLate, Wire, whole_francs
from sunusav.core.deadlines import Deadline, boottime_ns

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n" + b'{"a": "10.0"}'


class Host:
    """A host that answers one request with fixed bytes; None: it closes the connection."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            self._answer_one()

    def _answer_one(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            self.received = _request_on(connection)
            if self._answer and self.received:
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


def _request_on(connection: socket.socket) -> bytes:
    """Return what arrives until the request is complete: its head and its body may come apart."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return received


@contextmanager
def host(answer: bytes | None = OK) -> Iterator[Host]:
    served = Host(answer)
    try:
        yield served
    finally:
        served.close()


def wire(url: str, **changes: int) -> Wire:
    return Wire(url, **{"timeout_seconds": 5, **changes})


def test_answer_keeps_decimals_and_the_call_has_our_name() -> None:
    with host() as served:
        answer = wire(served.url).call(
            "GET", "/x", query={"reference": "a b"}, headers={"Authorization": "Bearer k"}
        )

    assert answer.row() == {"a": "10.0"}
    assert served.received.startswith(b"GET /x?reference=a+b HTTP/1.1\r\n")
    assert b"User-Agent: SunuSav-monetization/1.0" in served.received
    assert b"python-requests" not in served.received


def test_call_after_its_deadline_sends_no_byte() -> None:
    late = Deadline(datetime.now(UTC) - timedelta(seconds=1), boottime_ns() - 1)

    with host() as served:
        with pytest.raises(SendingTooLate):
            wire(served.url).call("POST", "/x", content=b"{}", deadline=late)
        assert served.received == b""


def test_host_that_does_not_listen_was_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotReached):
        wire(f"http://127.0.0.1:{port}").call("POST", "/x", content=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30,
    ],
)
def test_answer_without_a_usable_body_is_lost(answer: bytes | None) -> None:
    with host(answer) as served, pytest.raises(AnswerLost):
        wire(served.url, max_bytes=20).call("POST", "/x", content=b"{}")


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"a": NaN}', b"[" * 100_000])
def test_answer_that_is_no_object_is_lost(body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with host(head + body) as served:
        answer = wire(served.url).call("GET", "/x")

    with pytest.raises(AnswerLost):
        answer.row()
    assert answer.row_or_empty() == {}


def test_redirect_is_an_answer_and_is_not_followed() -> None:
    with host(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as served:
        answer = wire(served.url).call("GET", "/x")

    assert (answer.status, answer.is_success) == (302, False)


@pytest.mark.parametrize(
    ("text", "francs"), [("10", 10), (10, 10), (Decimal("10.0"), 10), ("5.0", 5), ("0", 0), (-3, -3)]
)
def test_whole_francs_reads_every_spelling(text: object, francs: int) -> None:
    assert whole_francs(text) == francs


@pytest.mark.parametrize(
    "text", ["10.5", "", "-1e3", "١٠", True, None, 10.0, Decimal("0.5"), "1,000", 10**15]
)
def test_whole_francs_refuses_what_is_no_whole_amount(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        whole_francs(text)


def test_call_that_cannot_be_made_was_not_sent() -> None:
    with host() as served, pytest.raises(NotReached, match="ValueError"):
        wire(served.url, timeout_seconds=0).call("POST", "/x", content=b"{}")
