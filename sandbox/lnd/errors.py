"""How the simulated node refuses: with LND's gRPC code and LND's words."""

import grpc


class Refusal(Exception):
    """A gRPC status that LND answers at this place."""

    def __init__(self, text: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class ControlRefused(Exception):
    """A control call that makes no sense: unknown node, unknown hash, unknown step."""
