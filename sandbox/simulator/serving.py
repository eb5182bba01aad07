"""The server of a simulated partner: `main(dialect_of)` is the program that a partner's `__main__` runs.

It listens on loopback and writes `ready.json` with its port and process id. Its state is in one file of its folder, so
that a kill loses nothing that was answered. Control calls are under `/control`, everything else is the partner's.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.simulator.dialect import Dialect, Request, Response
from sandbox.simulator.script import Outcome, Reply, Step
from sandbox.simulator.store import Row, Store

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.01
STALL_SECONDS = 60.0
# A connection on which no request arrives is closed, as by any web server.
IDLE_SECONDS = 60
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>try again later</body></html>"
# Closes with a reset instead of an orderly end.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Handler(BaseHTTPRequestHandler):
    """One request on one connection."""

    server: Server
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *_arguments: object) -> None:
        """Write no access log."""

    def _serve(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command, unquote(address.path), dict(parse_qsl(address.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length),
        )  # fmt: skip
        if request.path.startswith("/control/"):
            self._answer(self._controlled(request))
        else:
            self._partner(request)

    def _partner(self, request: Request) -> None:
        dialect = self.server.dialect
        shown = dialect.page(request)
        if shown is not None:
            self._answer(shown)
            return
        call = dialect.call_of(request)
        if call is None:
            self._answer(dialect.error(404))
            return
        step = dialect.store.take_step(call.name, call.reference)
        _pause(dialect.store, step, "before", step.delay_before_seconds)
        if dialect.store.setting("is_closed"):
            self._answer(dialect.error(503))
            return
        response = call.refusal
        if response is None:
            is_done = step.outcome != Outcome.NOTHING
            response = dialect.perform(call, request, step) if is_done else dialect.error(step.status)
        _pause(dialect.store, step, "after", step.delay_after_seconds)
        self._reply(step, response)

    def _reply(self, step: Step, response: Response) -> None:
        match step.reply:
            case Reply.SENT:
                self._answer(response)
            case Reply.STATUS:
                self._answer(self.server.dialect.error(step.status))
            case Reply.HTML:
                self._answer(Response(200, HTML, "text/html"))
            case Reply.STALL:
                self.server.stall(self.connection)
            case Reply.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self.connection.close()
            case Reply.LOST:
                self.connection.shutdown(socket.SHUT_RDWR)

    def _controlled(self, request: Request) -> Response:
        name = request.path.removeprefix("/control/")
        body = request.json() if request.body else {}
        try:
            if name == "reset":
                self.server.release_all()
                self.server.wait_until_alone()
            return Response.of(200, {"result": self.server.controls[name](**body)})
        except (TypeError, ValueError, KeyError, LookupError) as error:
            return Response.of(422, {"error": f"{type(error).__name__}: {error}"})

    def _answer(self, response: Response) -> None:
        self.send_response(response.status)
        if response.body:
            self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)


class Server(ThreadingHTTPServer):
    """One thread per connection, so that a call which waits holds up no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, dialect: Dialect) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.dialect = dialect
        self.controls: dict[str, Callable[..., Any]] = {**common_controls(dialect.store), **dialect.controls}
        self._open = 0
        self._changed = Condition()
        self._stalls = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self._count(1)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def stall(self, connection: socket.socket) -> None:
        """Keep a caller waiting until it gives up, or everything is reset."""
        started, ends = self._stalls, time.monotonic() + STALL_SECONDS
        connection.setblocking(False)
        while time.monotonic() < ends and self._stalls == started:
            try:
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    return
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
            except OSError:
                return

    def release_all(self) -> None:
        """Let every call that waits go on."""
        self._stalls += 1
        self.dialect.store.execute("UPDATE steps SET released = 1")

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


def common_controls(store: Store) -> dict[str, Callable[..., Any]]:
    """Return the control calls that every partner has."""

    def is_reached(number: int) -> bool:
        return store.row("SELECT id FROM steps WHERE id = ? AND reached = 1", number) is not None

    def release(number: int) -> None:
        store.execute("UPDATE steps SET released = 1 WHERE id = ?", number)

    def calls(call: str) -> int:
        return store.total("SELECT COUNT(*) FROM calls WHERE call = ?", call)

    return {
        "settings": store.change_settings, "step": store.add_step, "is_reached": is_reached, "release": release,
        "calls": calls, "reset": store.forget_everything,
    }  # fmt: skip


def _pause(store: Store, step: Step, when: str, seconds: float) -> None:
    time.sleep(seconds)
    if step.hold == when:
        store.execute("UPDATE steps SET reached = 1 WHERE id = ?", step.number)
        while store.row("SELECT id FROM steps WHERE id = ? AND released = 0", step.number):
            time.sleep(POLL_SECONDS)


def main(dialect_of: Callable[[Path], Dialect]) -> None:
    """Serve a partner until the process ends: `--folder FOLDER [--port PORT]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with Server(options.port, dialect_of(options.folder)) as server:
        facts: Row = {"port": server.server_port, "pid": os.getpid()}
        written = options.folder / "ready.json.new"
        written.write_text(json.dumps(facts))
        written.replace(options.folder / "ready.json")
        server.serve_forever(poll_interval=0.1)
