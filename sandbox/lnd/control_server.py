"""The control API of the simulated world: HTTP and JSON on loopback, no authentication."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.lnd.errors import ControlRefused, Refusal

Answer = Mapping[str, Any]
Routes = Mapping[tuple[str, str], Callable[..., Answer]]


class ControlServer:
    """Serve `routes`: each maps (HTTP method, path) to a function that takes the body's or the query's members."""

    def __init__(self, routes: Routes, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(routes))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="control", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler_for(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self._call("GET", address.path, lambda: dict(parse_qsl(address.query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._call("POST", self.path, lambda: json.loads(body or b"{}"))

        def _call(self, method: str, path: str, members: Callable[[], dict[str, Any]]) -> None:
            call = routes.get((method, path))
            if call is None:
                self._answer(404, {"error": f"no {method} {path}"})
                return
            try:
                self._answer(200, call(**members()))
            except (ControlRefused, Refusal, TypeError, ValueError) as error:
                self._answer(400, {"error": str(error) or type(error).__name__})
            except Exception as error:  # noqa: BLE001 - a programming error: returned to the caller, its trace in the log
                traceback.print_exc()
                self._answer(500, {"error": repr(error)})

        def _answer(self, status: int, answer: Answer) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing: the caller sees the answer."""

    return Handler
