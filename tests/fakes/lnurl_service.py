"""A wallet's LNURL-pay service on loopback. Its invoices come from a node; a test sets wrong answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

METADATA = json.dumps([["text/plain", "Paiement à Awa"], ["text/identifier", "awa@wallet.example"]])
MakeInvoice = Callable[[int], str]
Body = dict[str, Any] | bytes


class LnurlService:
    """Answer `/.well-known/lnurlp/awa` and its callback. `paths` keeps the requested paths, `comments` the comments.

    `offer` changes members of the first answer (None removes one). `offers` and `answers` are queues of complete
    answers that replace the first and the second one.
    """

    def __init__(self, make_invoice: MakeInvoice) -> None:
        self.make_invoice = make_invoice
        self.offer: dict[str, Any] = {}
        self.offers: list[Body] = []
        self.answers: list[Body] = []
        self.status = 200
        self.paths: list[str] = []
        self.comments: list[str] = []
        self.invoices: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def address(self) -> str:
        """Return the service's Lightning Address."""
        return f"awa@{self.authority}"

    @property
    def link(self) -> str:
        """Return the same address as an LNURL (LUD-17)."""
        return f"lnurlp://{self.authority}/.well-known/lnurlp/awa"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> Body:
        request = urlsplit(path)
        self.paths.append(request.path)
        if request.path == "/.well-known/lnurlp/awa":
            return self.offers.pop(0) if self.offers else self._offer()
        if request.path == "/pay":
            return self._invoice(parse_qs(request.query))
        return {"status": "ERROR", "reason": "Unknown user"}

    def _offer(self) -> Body:
        default = {
            "tag": "payRequest",
            "callback": f"http://{self.authority}/pay?user=awa",
            "minSendable": 1_000,
            "maxSendable": 10_000_000_000,
            "metadata": METADATA,
            "commentAllowed": 0,
        }
        return {name: value for name, value in (default | self.offer).items() if value is not None}

    def _invoice(self, query: dict[str, list[str]]) -> Body:
        self.comments += query.get("comment", [])
        if self.answers:
            return self.answers.pop(0)
        self.invoices.append(self.make_invoice(int(query["amount"][0])))
        return {"pr": self.invoices[-1], "routes": []}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = service.answer(self.path)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # a client that reads a limited part closes the connection
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
