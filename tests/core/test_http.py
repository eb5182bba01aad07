"""Fetch JSON from a provider: bounded, without redirects, with one error for every failure."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import pytest

from sunusav.core.http import HostUnavailable, get_json

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/good": (200, b'{"price": 0.1, "count": 2}'),
    "/broken": (200, b"{"),
    "/large": (200, b'{"a": "' + b"x" * 400_000 + b'"}'),
    "/gone": (404, b"{}"),
    "/failed": (500, b"{}"),
    "/moved": (302, b""),
    "/empty": (204, b""),
}


class _ProviderHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            sleep(1)
        status, body = ANSWERS.get(self.path, (200, b"{}"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/good")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # a client that reads a bounded part closes the connection
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ProviderHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_get_json_reads_numbers_without_floats(provider: str) -> None:
    assert get_json(f"{provider}/good") == {"price": "0.1", "count": 2}


@pytest.mark.parametrize("path", ["/broken", "/large", "/gone", "/failed", "/moved", "/empty"])
def test_get_json_refuses_anything_but_a_well_formed_answer(provider: str, path: str) -> None:
    with pytest.raises(HostUnavailable) as refusal:
        get_json(f"{provider}{path}")
    assert refusal.value.facts["address"] == f"{provider}{path}"


def test_get_json_from_slow_server_times_out(provider: str) -> None:
    started = datetime.now(UTC)
    with pytest.raises(HostUnavailable):
        get_json(f"{provider}/slow", timeout_seconds=0.2)
    assert datetime.now(UTC) - started < timedelta(seconds=0.9)


def test_get_json_from_closed_port_is_refused() -> None:
    with pytest.raises(HostUnavailable) as refusal:
        get_json("http://127.0.0.1:1/")
    assert refusal.value.facts == {"address": "http://127.0.0.1:1/", "detail": "ConnectionError"}
