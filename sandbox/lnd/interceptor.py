"""Check each call before it is served: the startup state first, then the macaroon.

Source: lightningnetwork/lnd rpcperms/interceptor.go.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from lightning.proto import methods
from sandbox.lnd import macaroons
from sandbox.lnd.answers import wait
from sandbox.lnd.errors import Refusal
from sandbox.lnd.faults import RECEIVED, Step
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
        method = methods.METHODS.get(handler_call_details.method)
        step = self._node.call_faults.take(method.name, RECEIVED) if method is not None else None
        if method is not None and step is not None:
            return self._taken_up_late(method, step, continuation(handler_call_details), handler_call_details)
        try:
            self._check(handler_call_details)
        except Refusal as refusal:
            return _refuse_with(refusal)
        return continuation(handler_call_details)

    def _taken_up_late(
        self,
        method: methods.Method[Any, Any],
        step: Step,
        handler: grpc.RpcMethodHandler[Any, Any] | None,
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wait in the thread of the call, then check it: it is executed even if its caller has left."""
        if handler is None:
            return None
        behaviour = handler.unary_stream if method.streams else handler.unary_unary

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            self._wait(method.name, step)
            try:
                self._check(details)
            except Refusal as refusal:
                context.abort(refusal.code, refusal.text)
            return behaviour(request, context)  # type: ignore[misc]  # the kind that this method has

        return method.handler(call)

    def _wait(self, method: str, step: Step) -> None:
        gates, place = self._node.world.gates, (self._node.row.name, method, RECEIVED)
        if step["do"] == "hold":
            gates.mark_held(place)
        gates.reach(place)
        wait(self._node, place, step)

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
    return _decoded(str(given[0]))


def _decoded(text: str) -> bytes:
    """Decode hexadecimal as Go's `encoding/hex` does: in pairs, with the first other character named."""
    for character in text:
        if character not in string.hexdigits:
            raise Refusal(f"encoding/hex: invalid byte: U+{ord(character):04X} {character!r}")
    if len(text) % 2:
        raise Refusal("encoding/hex: odd length hex string")
    return bytes.fromhex(text)


def _refuse_with(refusal: Refusal) -> grpc.RpcMethodHandler[Any, Any]:
    def abort(_request: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(refusal.code, refusal.text)

    return grpc.unary_unary_rpc_method_handler(abort)
