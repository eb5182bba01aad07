"""Serve a simulated node over gRPC with TLS, stop serving, serve again on the same port."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from lightning.proto.methods import Behaviour, Method, service_handlers
from lightning.simulator.doorkeeper import Doorkeeper
from lightning.simulator.errors import Refusal
from lightning.simulator.services import invoices, lightning, refusing, router, state
from lightning.simulator.tls import ensure_certificate, renew_certificate
from lightning.simulator.world import Node

# Each open stream (a subscription, a payment in flight) keeps a thread.
MAX_THREADS = 512
OPTIONS = (
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a second server
    ("grpc.max_receive_message_length", 200 * 1024 * 1024),  # lnd lnrpc/metadata.go
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class PortTaken(Exception):
    """Another program listens there."""


class NodeServer:
    """The gRPC server of one node."""

    def __init__(self, node: Node, port: int) -> None:
        self.node = node
        self.port = port
        self._server: grpc.Server | None = None

    @property
    def is_serving(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        if self._server is not None:
            return
        server = grpc.server(
            ThreadPoolExecutor(MAX_THREADS, thread_name_prefix=self.node.row.name),
            interceptors=[Doorkeeper(self.node)],
            options=OPTIONS,
        )
        behaviours: dict[Method[Any, Any], Behaviour] = {}
        for service in (state, lightning, router, invoices):
            behaviours.update(refusing(service.behaviours(self.node), self.node))
        server.add_generic_rpc_handlers(tuple(service_handlers(behaviours)))
        key_and_certificate = ensure_certificate(self.node.folder)
        try:
            self.port = server.add_secure_port(
                f"127.0.0.1:{self.port}", grpc.ssl_server_credentials([key_and_certificate])
            )
        except RuntimeError as error:
            raise PortTaken(f"127.0.0.1:{self.port} is taken") from error
        server.start()
        self._server = server

    def stop(self, *, goodbye: bool = False) -> None:
        """Become unreachable at once; with `goodbye`, streams are told that the node shuts down."""
        if self._server is None:
            return
        server, self._server = self._server, None
        if goodbye:
            self.node.close_streams(Refusal("routerrpc server shutting down"))
        server.stop(grace=0.2 if goodbye else 0).wait()
        self.node.close_streams(None)

    def renew_certificate(self) -> None:
        """Serve with a new certificate: clients that trust the old one are turned away."""
        was_serving = self.is_serving
        self.stop()
        renew_certificate(self.node.folder)
        if was_serving:
            self.start()
