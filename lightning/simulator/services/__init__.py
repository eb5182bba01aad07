"""LND's services over a simulated node; one module per service of LND."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from lightning.proto.methods import Behaviour, Method
from lightning.simulator.errors import Refusal
from lightning.simulator.feeds import Subscription

Behaviours = Mapping[Method[Any, Any], Behaviour]


def refusing(behaviours: Behaviours) -> Behaviours:
    """Turn refusals raised by these behaviours, at once or in a stream, into their gRPC status."""
    return {method: _refusing(behaviour, streams=method.streams) for method, behaviour in behaviours.items()}


def _refusing(behaviour: Behaviour, *, streams: bool) -> Behaviour:
    @functools.wraps(behaviour)
    def answer(request: Any, context: grpc.ServicerContext) -> Message | Iterator[Message]:  # noqa: ANN401
        try:
            answered = behaviour(request, context)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.text)
        return _aborting(answered, context) if isinstance(answered, Iterator) else answered

    return answer


def _aborting(stream: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
    try:
        yield from stream
    except Refusal as refusal:
        context.abort(refusal.code, refusal.text)


def end_with_call(subscription: Subscription[Any], context: grpc.ServicerContext) -> None:
    """Close the subscription when the caller is gone, so that no thread waits for nobody."""
    if not context.add_callback(subscription.close):
        subscription.close()
