"""A minimal gRPC client for these tests: stubs, a channel, a macaroon, without our own client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from lightning.proto import lightning_pb2 as pb
from lightning.proto import methods
from lightning.proto.router_pb2 import SendPaymentRequest, TrackPaymentRequest
from sandbox.lnd.process import NodeAddress

DEADLINE_SECONDS = 10
FEE_LIMIT_MSAT = 50_000
UNKNOWN_HASH = bytes(31) + b"\x01"


class Wire:
    """Calls to one node with one macaroon."""

    def __init__(self, address: NodeAddress, macaroon_hex: str | None = None) -> None:
        credentials = grpc.ssl_channel_credentials(address.tls_cert_path.read_bytes())
        self.channel = grpc.secure_channel(address.target, credentials, options=[("grpc.enable_retries", 0)])
        self.metadata: tuple[tuple[str, str], ...] = (
            ("macaroon", macaroon_hex or address.macaroon_hex("admin")),
        )

    def call(
        self, method: methods.Method[Any, Any], deadline: float = DEADLINE_SECONDS, **fields: Any
    ) -> Any:
        return method.unary(self.channel)(method.request(**fields), metadata=self.metadata, timeout=deadline)

    def stream(
        self, method: methods.Method[Any, Any], deadline: float = DEADLINE_SECONDS, **fields: Any
    ) -> Any:
        return method.stream(self.channel)(method.request(**fields), metadata=self.metadata, timeout=deadline)

    def send(
        self, payment_request: str, deadline: float = DEADLINE_SECONDS, **fields: Any
    ) -> list[pb.Payment]:
        """Pay and return all messages of the stream."""
        return list(self.start(payment_request, deadline, **fields))

    def start(self, payment_request: str, deadline: float = DEADLINE_SECONDS, **fields: Any) -> Any:
        request = {
            "payment_request": payment_request,
            "timeout_seconds": 60,
            "fee_limit_msat": FEE_LIMIT_MSAT,
        }
        method = methods.SEND_PAYMENT_V2
        return method.stream(self.channel)(
            SendPaymentRequest(**{**request, **fields}), metadata=self.metadata, timeout=deadline
        )

    def track(
        self, payment_hash: str, deadline: float = DEADLINE_SECONDS, **fields: Any
    ) -> Iterator[pb.Payment]:
        request = TrackPaymentRequest(payment_hash=bytes.fromhex(payment_hash), **fields)
        stream: Any = methods.TRACK_PAYMENT_V2.stream(self.channel)(
            request, metadata=self.metadata, timeout=deadline
        )
        return iter(stream)

    def status_of(self, payment_hash: str) -> str:
        """Return the current status, or NOT_FOUND."""
        try:
            return status(next(self.track(payment_hash)))
        except grpc.RpcError as error:
            return error.code().name


def status(message: pb.Payment) -> str:
    return pb.Payment.PaymentStatus.Name(message.status)


def reason(message: pb.Payment) -> str:
    return pb.PaymentFailureReason.Name(message.failure_reason).removeprefix("FAILURE_REASON_")


@contextmanager
def refused(code: grpc.StatusCode, text: str) -> Iterator[None]:
    """Expect this gRPC status with this text in its details."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert (caught.value.code(), text in (caught.value.details() or "")) == (code, True), caught.value


def fresh_preimage() -> bytes:
    return secrets.token_bytes(32)
