"""Make one gRPC call: channel, macaroon, deadline, translation of errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from lightning.client.access import NodeAccess
from lightning.client.channels import channel_to, forget_if_stale
from lightning.client.errors import (
    NodeError,
    NodeMacaroonRefused,
    NodeMisconfigured,
    NodeTooLate,
    NodeUnavailable,
    node_error,
)
from lightning.macaroons import time_before
from lightning.proto.methods import Method
from sunusav.core.deadlines import Deadline

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


def unary_call(
    access: NodeAccess,
    method: Method[Request, Response],
    request: Request,
    *,
    timeout_seconds: float,
    not_after: datetime | None = None,
) -> Response:
    """Call a method that answers with one message. The node refuses the call from `not_after` on.

    Raises: NodeUnavailable, NodeRefused, NodeAnswerUnknown, NodeMisconfigured; NodeTooLate after `not_after`.
    """
    call = method.unary(channel_to(access))
    try:
        return call(request, timeout=timeout_seconds, metadata=_metadata(access, method, not_after))
    except grpc.RpcError as error:
        raise _translated(access, error, method.path, not_after) from error


class NodeStream(Generic[Response]):
    """The answers of a streaming call. End it with `with` or `cancel`; a payment continues in LND all the same."""

    def __init__(
        self, access: NodeAccess, method: str, call: Any, *, not_after: datetime | None = None
    ) -> None:
        self._access, self._method, self._call, self._not_after = access, method, call, not_after

    def __iter__(self) -> Iterator[Response]:
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise _translated(self._access, error, self._method, self._not_after) from error

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


def stream_call_before(
    deadline: Deadline,
    access: NodeAccess,
    method: Method[Request, Response],
    request: Request,
    *,
    timeout_seconds: float,
) -> NodeStream[Response]:
    """Start a streaming call that must not leave late: we do not start it, and the node refuses it, after the deadline.

    The deadline is compared as the last thing before the call. The macaroon is narrowed to it, because this process may
    be stopped after that comparison, and because gRPC may still have to connect.
    Raises: NodeTooLate; while iterating as well, when the node refuses the call for its macaroon's moment.
    """
    call = method.stream(channel_to(access))
    metadata = _metadata(access, method, deadline.at)
    if deadline.has_passed:
        raise NodeTooLate("the deadline passed before the call", method=method.path)
    started = call(request, timeout=timeout_seconds, metadata=metadata, wait_for_ready=False)
    return NodeStream(access, method.path, started, not_after=deadline.at)


def _metadata(
    access: NodeAccess, method: Method[Any, Any], not_after: datetime | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the macaroon as LND expects it: one entry, key in lower case, value in hexadecimal."""
    if not method.permissions:
        return ()
    macaroon = access.macaroon() if not_after is None else access.macaroon_until(not_after)
    return (("macaroon", macaroon.hex()),)


def _translated(
    access: NodeAccess, error: grpc.RpcError, method: str, not_after: datetime | None = None
) -> NodeError:
    translated = node_error(error, method=method)
    if isinstance(translated, NodeMacaroonRefused) and not_after is not None:
        translated = _too_late(translated, not_after) or translated
    if isinstance(translated, NodeUnavailable | NodeMisconfigured):
        forget_if_stale(access)
    return translated


def _too_late(error: NodeMacaroonRefused, not_after: datetime) -> NodeTooLate | None:
    """Return the error of a call whose own moment had passed at the node; None for any other refusal.

    LND's text quotes the caveat, so an expired caveat of the operator's macaroon is another error.
    """
    if f'caveat "{time_before(not_after)}" not satisfied: macaroon has expired' not in error.text:
        return None
    return NodeTooLate(error.text, method=error.method, code=error.code)
