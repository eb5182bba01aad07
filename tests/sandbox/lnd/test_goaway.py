"""HTTP/2 GOAWAY: connections accept no new streams while open ones continue."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from lightning.proto import methods
from sandbox.lnd.process import NodeAddress
from tests.sandbox.lnd.conftest import Pair
from tests.sandbox.lnd.wire import status

# RFC 9113 sections 3.4, 4.1, 6.5, 6.8.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS, GOAWAY = 4, 7
HEADER_BYTES = 9


@contextmanager
def raw_connection(address: NodeAddress) -> Iterator[ssl.SSLSocket]:
    """Open a raw HTTP/2 connection, so that its frames can be read."""
    context = ssl.create_default_context(cafile=str(address.tls_cert_path))
    context.set_alpn_protocols(["h2"])
    host, port = address.target.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(PREFACE + EMPTY_SETTINGS)
        yield secure


def frames(connection: ssl.SSLSocket) -> Iterator[int]:
    """Yield the type of each frame until the server closes."""
    while header := exactly(connection, HEADER_BYTES):
        exactly(connection, int.from_bytes(header[:3], "big"))
        yield header[3]


def exactly(connection: ssl.SSLSocket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        if not (more := connection.recv(size - len(read))):
            return b""
        read += more
    return read


def test_goaway_frame_is_sent_on_the_wire(pair: Pair) -> None:
    with raw_connection(pair.world.node(pair.payer)) as connection:
        seen = frames(connection)
        assert next(seen) == SETTINGS
        telling = threading.Thread(target=pair.control.go_away, args=(pair.payer,))
        telling.start()
        assert GOAWAY in seen
    telling.join()


def test_goaway_keeps_open_streams_and_new_calls_reconnect(pair: Pair) -> None:
    wire, control = pair.payer_wire, pair.control
    invoice = control.invoice(pair.payee, 5_000)
    control.script(pair.payer, {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = wire.start(invoice["payment_request"])
    control.wait(pair.payer, "in_flight", payment_hash=invoice["payment_hash"])
    for _ in range(2):
        control.go_away(pair.payer)
        assert wire.call(methods.GET_INFO).identity_pubkey == pair.world.node(pair.payer).pubkey
    control.release(pair.payer, payment_hash=invoice["payment_hash"])
    assert status(list(stream)[-1]) == "SUCCEEDED"
    (row,) = control.payments_of(pair.payer, invoice["payment_hash"])
    assert (row["sends"], row["successes"]) == (1, 1)


def test_stop_after_goaway_ends_the_remaining_streams(pair: Pair) -> None:
    wire, control = pair.payer_wire, pair.control
    invoice = control.invoice(pair.payee, 5_000)
    control.script(pair.payer, {"do": "hold", "at": "in_flight"}, payment_hash=invoice["payment_hash"])
    stream = wire.start(invoice["payment_request"])
    control.wait(pair.payer, "in_flight", payment_hash=invoice["payment_hash"])
    control.go_away(pair.payer)
    control.stop_serving(pair.payer)
    with pytest.raises(grpc.RpcError):
        list(stream)
    control.start_serving(pair.payer)
