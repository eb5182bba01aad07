"""The franc provider as a server: `python -m tests.francs.server --folder FOLDER [--port PORT]`.

It listens on loopback and writes `ready.json` with its port and process id. Its state is in `FOLDER/francs.sqlite3`, so
that a kill loses nothing that was answered. The provider's own calls are under `/v1`, those of tests under `/control`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.francs.calls import ControlCalls, ProviderCalls
from tests.francs.provider import CallRefused, Provider
from tests.francs.steps import Answer
from tests.francs.store import Row, Store

LOOPBACK = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """One request on one connection: it reads JSON, makes the call, and answers JSON, or not at all."""

    server: Server
    provider_calls: ProviderCalls
    control_calls: ControlCalls

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_arguments: object) -> None:
        """Write no access log."""

    def _serve(self) -> None:
        address = urlsplit(self.path)
        _, area, *path = [unquote(part) for part in address.path.split("/")]
        body = {**dict(parse_qsl(address.query)), **self._body()}
        call = self._control if area == "control" else self._provider
        try:
            status, answer = call(path, body)
        except CallRefused as refused:
            status, answer = refused.status, refused.answer
        except (TypeError, ValueError, KeyError) as error:
            status, answer = 422, {"code": "malformed", "detail": str(error)}
        if status:
            self._answer(status, answer)

    def _provider(self, path: list[str], body: Row) -> tuple[int, Row]:
        """Make a call of the provider; status 0: the answer is lost."""
        how, answer = self.provider_calls.perform(self.command, path, body)
        match how:
            case Answer.SENT:
                return 200, answer
            case Answer.ERROR:
                return 500, {"code": "internal_error"}
            case Answer.LOST:
                self.connection.shutdown(socket.SHUT_RDWR)
                return 0, {}

    def _control(self, path: list[str], body: Row) -> tuple[int, Row]:
        if path == ["reset"]:
            self.control_calls.perform("reset", body)  # it releases the calls that are held
            self.server.wait_until_alone()
        return 200, {"result": self.control_calls.perform(path[0], body)}

    def _body(self) -> Row:
        length = int(self.headers.get("Content-Length") or 0)
        read: Row = json.loads(self.rfile.read(length)) if length else {}
        return read

    def _answer(self, status: int, answer: Row) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """One thread per connection, so that a call which waits holds up no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self._open = 0
        self._changed = Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._count(1)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def wait_until_alone(self) -> None:
        """Wait until every other connection that was accepted has been served, its caller present or not."""
        with self._changed:
            self._changed.wait_for(lambda: self._open <= 1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._open += change
            self._changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that gave up are no error of the server."""


def serve(folder: Path, *, port: int, on_ready: Callable[[int], None]) -> None:
    """Serve until the process ends."""
    provider = Provider(Store(folder / "francs.sqlite3"))
    Handler.provider_calls, Handler.control_calls = ProviderCalls(provider), ControlCalls(provider)
    with Server(port) as server:
        on_ready(server.server_port)
        server.serve_forever(poll_interval=0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()

    def report(port: int) -> None:
        written = options.folder / "ready.json.new"
        written.write_text(json.dumps({"port": port, "pid": os.getpid()}))
        written.replace(options.folder / "ready.json")

    serve(options.folder, port=options.port, on_ready=report)


if __name__ == "__main__":
    main()
