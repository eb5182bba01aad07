"""A host that answers every call with fixed bytes, and a token before that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = {
    "access_token": "abc", "token_type": "Bearer", "expires_in": 299, "scope": "x", "refresh_token": "r",
    "refresh_expires_in": 1800,
}  # fmt: skip


@dataclass
class Answering:
    """What is answered, and which calls arrived: method, path with query, headers in lower case, body."""

    status: int
    body: bytes
    token: dict[str, Any]
    url: str = ""
    received: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def answering(
    body: bytes | Any, *, status: int = 200, token: dict[str, Any] | None = None
) -> Iterator[Answering]:
    """Run such a host; a body that is no bytes is answered as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    facts = Answering(status, content, TOKEN if token is None else token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_arguments: object) -> None:
            """Write no access log."""

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            facts.received.append((self.command, self.path, headers, sent))
            is_token = self.path == "/oauth/v1/token"
            content = json.dumps(facts.token).encode() if is_token else facts.body
            self.send_response(200 if is_token else facts.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        facts.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield facts
        finally:
            server.shutdown()
