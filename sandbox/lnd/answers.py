"""Apply scripted faults to the answer of SendPaymentV2; the payment itself is not affected."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc

from lightning.proto.lightning_pb2 import Payment
from sandbox.lnd.errors import Refusal
from sandbox.lnd.faults import CREATED, IN_FLIGHT, RESOLVED, Place, Plan, Step
from sandbox.lnd.world import Node

TERMINAL = (Payment.SUCCEEDED, Payment.FAILED)


class StreamEnded(Exception):
    """Raised to end the stream with OK."""


def hold_call(node: Node, plan: Plan, hash_hex: str, phase: str, context: grpc.ServicerContext) -> None:
    """Apply the steps of a phase before anything is answered; a step that breaks the call is the last."""
    if not plan.steps:
        return
    steps, place = plan.stream_steps(phase), (node.row.name, hash_hex, phase)
    if any(step["do"] == "hold" for step in steps):
        node.world.gates.mark_held(place)
    node.world.gates.reach(place)
    for step in steps:
        if step["do"] in ("delay", "hold"):
            wait(node, place, step)
            if node.world.closing:
                raise Refusal("routerrpc server shutting down")
        elif phase != CREATED:
            break_off(step, context)


def wait(node: Node, place: Place, step: Step) -> None:
    if step["do"] == "hold":
        node.world.gates.hold(place)
    else:
        time.sleep(step["seconds"])


def break_off(step: Step, context: grpc.ServicerContext) -> None:
    """End the call as the step specifies; `hang` ends it when the caller has cancelled."""
    match step["do"]:
        case "drop":
            raise Refusal("Socket closed", grpc.StatusCode.UNAVAILABLE)
        case "error":
            raise Refusal(step.get("text", ""), grpc.StatusCode[step.get("code", "UNKNOWN")])
        case "end":
            raise StreamEnded
        case "hang":
            while context.is_active():
                time.sleep(0.02)
            raise StreamEnded


class FaultyAnswer:
    def __init__(self, node: Node, plan: Plan, hash_hex: str, context: grpc.ServicerContext) -> None:
        self._node, self._plan, self._hash_hex, self._context = node, plan, hash_hex, context

    def apply_to(self, messages: Iterator[Payment]) -> Iterator[Payment]:
        """Yield the messages until a step breaks the stream."""
        try:
            yield from self._with_faults(messages)
        except StreamEnded:
            return

    def _with_faults(self, messages: Iterator[Payment]) -> Iterator[Payment]:
        self._break_at(CREATED)
        has_been_in_flight = False
        for message in messages:
            if message.status in TERMINAL:
                if not has_been_in_flight:
                    self._break_at(IN_FLIGHT)
                self._wait_at_resolved()
            yield message
            if message.htlcs and not has_been_in_flight and message.status not in TERMINAL:
                has_been_in_flight = True
                self._break_at(IN_FLIGHT)

    def _break_at(self, phase: str) -> None:
        for step in self._plan.stream_steps(phase):
            if step["do"] not in ("delay", "hold"):
                break_off(step, self._context)

    def _wait_at_resolved(self) -> None:
        hold_call(self._node, self._plan, self._hash_hex, RESOLVED, self._context)
