"""Make one gRPC call: channel, macaroon, deadline, translation of errors."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from lightning.client.access import NodeAccess
from lightning.client.channels import channel_to, forget_if_stale
from lightning.client.errors import NodeError, NodeMisconfigured, NodeUnavailable, node_error
from lightning.proto.methods import Method

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


def unary_call(
    access: NodeAccess, method: Method[Request, Response], request: Request, *, timeout_seconds: float
) -> Response:
    """Call a method that answers with one message.

    Raises: NodeUnavailable, NodeRefused, NodeAnswerUnknown, NodeMisconfigured.
    """
    call = method.unary(channel_to(access))
    try:
        return call(request, timeout=timeout_seconds, metadata=_metadata(access, method))
    except grpc.RpcError as error:
        raise _translated(access, error, method.path) from error


class NodeStream(Generic[Response]):
    """The answers of a streaming call. End it with `with` or `cancel`; a payment continues in LND all the same."""

    def __init__(self, access: NodeAccess, method: str, call: Any) -> None:
        self._access, self._method, self._call = access, method, call

    def __iter__(self) -> Iterator[Response]:
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise _translated(self._access, error, self._method) from error

    def cancel(self) -> None:
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()


def stream_call(
    access: NodeAccess,
    method: Method[Request, Response],
    request: Request,
    *,
    timeout_seconds: float | None,
) -> NodeStream[Response]:
    """Start a streaming call. Errors are raised while iterating."""
    call = method.stream(channel_to(access))
    return NodeStream(
        access, method.path, call(request, timeout=timeout_seconds, metadata=_metadata(access, method))
    )


def _metadata(access: NodeAccess, method: Method[Any, Any]) -> tuple[tuple[str, str], ...]:
    """Return the macaroon as LND expects it: one entry, key in lower case, value in hexadecimal."""
    return (("macaroon", access.macaroon().hex()),) if method.permissions else ()


def _translated(access: NodeAccess, error: grpc.RpcError, method: str) -> NodeError:
    translated = node_error(error, method=method)
    if isinstance(translated, NodeUnavailable | NodeMisconfigured):
        forget_if_stale(access)
    return translated
