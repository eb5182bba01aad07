"""Refusals of the simulated node: LND's gRPC code and text."""

import grpc


class Refusal(Exception):
    """A gRPC status that LND returns in this case."""

    def __init__(self, text: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class ControlRefused(Exception):
    """A control call with an unknown node, hash, step or value."""
