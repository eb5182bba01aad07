"""The real rails with steps before every call and after it, and before each call to the node leaves."""

from collections.abc import Callable
from typing import Any

import grpc

from lightning.rail import LightningRail
from tests.crash.step_switch import STEP_SWITCH
from tests.francs.rail import FrancRail


class Stepped:
    """Steps before and after the calls of the rail that is the next base class."""

    def prepare(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("prepare", super().prepare, args, kwargs)  # type: ignore[misc]

    def send(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("send", super().send, args, kwargs)  # type: ignore[misc]

    def find(self, *args: Any, **kwargs: Any) -> Any:
        return _with_steps("find", super().find, args, kwargs)  # type: ignore[misc]


class SteppedRail(Stepped, LightningRail):
    """The rail of the simulated node."""


class SteppedFrancRail(Stepped, FrancRail):
    """The rail of the provider in francs."""


class ImpatientRail(SteppedRail):
    """Stop waiting for an answer after two seconds, so that a silent node does not make the soak longer."""

    def __init__(self) -> None:
        super().__init__(timeout_seconds=1, listen_margin_seconds=1)


class StepBeforeCall(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """A step when everything is checked and composed, and only the bytes have not left."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return _leaving(continuation, client_call_details, request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return _leaving(continuation, client_call_details, request)


def watch_node() -> None:
    """Count a step before every call leaves for a node, on channels that are opened from now on."""
    open_channel = grpc.secure_channel

    def opened(*args: Any, **kwargs: Any) -> grpc.Channel:
        return grpc.intercept_channel(open_channel(*args, **kwargs), StepBeforeCall())

    grpc.secure_channel = opened


def _leaving(continuation: Any, details: Any, request: Any) -> Any:
    STEP_SWITCH.step(f"before {details.method.rpartition('/')[2]} leaves")
    return continuation(details, request)


def _with_steps(name: str, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    STEP_SWITCH.step(f"before {name}")
    try:
        return call(*args, **kwargs)
    finally:
        STEP_SWITCH.step(f"after {name}")
