"""Check each call before it is served: the startup state first, then the macaroon.

Source: lightningnetwork/lnd rpcperms/interceptor.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from lightning.proto import methods
from sandbox.lnd import macaroons
from sandbox.lnd.errors import Refusal
from sandbox.lnd.world import Node

# The text with which every call except lnrpc.State is refused before the node is ready.
STATE_TEXTS = {
    "WAITING_TO_START": "waiting to start, RPC services not available",
    "NON_EXISTING": "wallet not created, create one to enable full RPC access",
    "LOCKED": "wallet locked, unlock it to enable full RPC access",
    "UNLOCKED": "the RPC server is in the process of starting up, but not yet ready to accept calls",
}

# The first minor release that has a method.
SINCE = {methods.TRACK_PAYMENTS.path: 16}

Continuation = Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Any, Any] | None"]


class MacaroonInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs only
    def __init__(self, node: Node) -> None:
        self._node = node

    def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        try:
            self._check(handler_call_details)
        except Refusal as refusal:
            return _refuse_with(refusal)
        return continuation(handler_call_details)

    def _check(self, details: grpc.HandlerCallDetails) -> None:
        method = methods.METHODS.get(details.method)
        if method is None or not method.permissions:
            return
        if self._node.options.minor < SINCE.get(method.path, 0):
            raise Refusal(
                f"unknown method {method.name} for service {method.service}", grpc.StatusCode.UNIMPLEMENTED
            )
        text = STATE_TEXTS.get(self._node.options.wallet_state)
        if text is not None:
            raise Refusal(text)
        if not self._node.options.checks_macaroons:
            return
        macaroons.check(
            _macaroon_of(details),
            root_key=self._node.row.macaroon_root_key,
            needed=method.permissions,
            path=method.path,
            now_ns=self._node.world.clock.now_ns(),
        )


def _macaroon_of(details: grpc.HandlerCallDetails) -> bytes:
    given = [value for key, value in details.invocation_metadata or () if key == "macaroon"]
    if len(given) != 1:
        raise Refusal(f"expected 1 macaroon, got {len(given)}")
    try:
        return bytes.fromhex(str(given[0]))
    except ValueError as error:
        raise Refusal(f"encoding/hex: invalid byte: {error}") from error


def _refuse_with(refusal: Refusal) -> grpc.RpcMethodHandler[Any, Any]:
    def abort(_request: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(refusal.code, refusal.text)

    return grpc.unary_unary_rpc_method_handler(abort)
