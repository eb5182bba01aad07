"""LND's gRPC services for a simulated node, one module per service."""

import functools
import time
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from lightning.proto.methods import Behaviour, Method
from sandbox.lnd.answers import StreamEnded, break_off
from sandbox.lnd.errors import Refusal
from sandbox.lnd.faults import AFTER, BEFORE
from sandbox.lnd.feeds import Subscription
from sandbox.lnd.world import Node

Behaviours = Mapping[Method[Any, Any], Behaviour]


def refusing(behaviours: Behaviours, node: Node) -> Behaviours:
    """Wrap behaviours: a Refusal, at once or in a stream, becomes its gRPC status; call faults are applied."""
    return {method: _refusing(method, behaviour, node) for method, behaviour in behaviours.items()}


def _refusing(method: Method[Any, Any], behaviour: Behaviour, node: Node) -> Behaviour:
    @functools.wraps(behaviour)
    def call(request: Any, context: grpc.ServicerContext) -> Message | Iterator[Message]:
        try:
            apply_call_fault(node, method.name, BEFORE, context)
            answer = behaviour(request, context)
            apply_call_fault(node, method.name, AFTER, context)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.text)
        except StreamEnded:  # the caller has cancelled
            context.abort(grpc.StatusCode.CANCELLED, "")
        return _aborting(answer, context) if isinstance(answer, Iterator) else answer

    return call


def apply_call_fault(node: Node, method: str, at: str, context: grpc.ServicerContext) -> None:
    """Apply the scripted step of a method, if any; a step that breaks the call raises."""
    step = node.call_faults.take(method, at)
    if step is not None and step["do"] == "delay":
        time.sleep(step["seconds"])
    elif step is not None:
        break_off(step, context)


def _aborting(stream: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
    try:
        yield from stream
    except Refusal as refusal:
        context.abort(refusal.code, refusal.text)


def end_with_call(subscription: Subscription[Any], context: grpc.ServicerContext) -> None:
    """Close the subscription when the call ends, so that its thread ends as well."""
    if not context.add_callback(subscription.close):
        subscription.close()
