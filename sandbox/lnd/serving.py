"""Serve a simulated node over gRPC with TLS; stop and start again on the same port."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from lightning.proto.methods import Behaviour, Method, service_handlers
from sandbox.lnd.errors import Refusal
from sandbox.lnd.interceptor import MacaroonInterceptor
from sandbox.lnd.services import invoices, lightning, refusing, router, state
from sandbox.lnd.tls import ensure_certificate, renew_certificate
from sandbox.lnd.world import Node

# Each open stream (a subscription, a payment in flight) keeps a thread.
MAX_THREADS = 512
GOING_AWAY_SECONDS = 600.0
PORT_FREE_WITHIN_SECONDS = 5.0
OPTIONS = (
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a second server
    ("grpc.max_receive_message_length", 200 * 1024 * 1024),  # lnd lnrpc/metadata.go
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class PortTaken(Exception):
    """Another process listens on the port."""


class NodeServer:
    """The gRPC server of one node."""

    def __init__(self, node: Node, port: int) -> None:
        self.node = node
        self.port = port
        self._server: grpc.Server | None = None
        self._draining: list[grpc.Server] = []

    @property
    def is_serving(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        if self._server is not None:
            return
        server = grpc.server(
            ThreadPoolExecutor(MAX_THREADS, thread_name_prefix=self.node.row.name),
            interceptors=[MacaroonInterceptor(self.node)],
            options=OPTIONS,
        )
        behaviours: dict[Method[Any, Any], Behaviour] = {}
        for service in (state, lightning, router, invoices):
            behaviours.update(refusing(service.behaviours(self.node), self.node))
        server.add_generic_rpc_handlers(tuple(service_handlers(behaviours)))
        self._listen(server)
        server.start()
        self._server = server

    def _listen(self, server: grpc.Server) -> None:
        credentials = grpc.ssl_server_credentials([ensure_certificate(self.node.folder)])
        try:
            self.port = server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        except RuntimeError as error:
            raise PortTaken(f"127.0.0.1:{self.port} is taken") from error

    def stop(self, *, goodbye: bool = False) -> None:
        """Stop at once. With `goodbye`, open streams first end with "server shutting down"."""
        if self._server is None:
            return
        server, self._server = self._server, None
        if goodbye:
            self.node.close_streams(Refusal("routerrpc server shutting down"))
        server.stop(grace=0.2 if goodbye else 0).wait()
        self._stop_draining()
        self.node.close_streams(None)

    def go_away(self) -> None:
        """Send GOAWAY on every connection, as a restarting proxy or LND does, and accept new connections at once.

        Open streams continue on the old connections until they end.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        server.stop(grace=GOING_AWAY_SECONDS)
        self._draining.append(server)
        self._start_soon()

    def _start_soon(self) -> None:
        """Serve as soon as the port is free: the old listener closes a moment after `stop`."""
        ends = time.monotonic() + PORT_FREE_WITHIN_SECONDS
        while self._server is None:
            try:
                self.start()
            except PortTaken:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.02)

    def _stop_draining(self) -> None:
        draining, self._draining = self._draining, []
        for server in draining:
            server.stop(grace=0).wait()

    def renew_certificate(self) -> None:
        """Serve with a new certificate, which clients that trust the old one refuse."""
        was_serving = self.is_serving
        self.stop()
        renew_certificate(self.node.folder)
        if was_serving:
            self.start()
