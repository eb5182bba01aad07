"""What a call to the node can end in besides an answer: four kinds, never a gRPC status."""

from __future__ import annotations

import grpc

# LND answers everything about macaroons with code UNKNOWN; only the words tell (lightning.md section 2).
_MACAROON_TEXTS = (
    "macaroon",
    "permission denied",
    "verification failed",
    "signature mismatch",
    "caveat",
    "invalid metadata",
)
_NOT_READY_TEXTS = (
    "wallet locked",
    "wallet not created",
    "waiting to start",
    "starting up",
    "server shutting down",
)
_TLS_TEXTS = ("handshake", "certificate", "ssl_")
_WORDED = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
_MISCONFIGURED = {
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}
_REFUSED = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
}


class NodeError(Exception):
    """A call to the node without an answer we can use; `code` and `text` are the node's words."""

    def __init__(self, text: str, *, method: str = "", code: str = "") -> None:
        super().__init__(f"{method} {code} {text}".strip())
        self.method, self.code, self.text = method, code, text

    @property
    def evidence(self) -> dict[str, str]:
        return {
            "error": type(self).__name__,
            "method": self.method,
            "code": self.code,
            "text": self.text[:500],
        }


class NodeUnavailable(NodeError):
    """The node is away or not ready; a call that changes something may still have reached it."""


class NodeRefused(NodeError):
    """The node answered that it will not."""

    def is_about(self, *texts: str) -> bool:
        """Tell whether the node's words contain one of these (its SQL store wraps them in a prefix)."""
        return any(text in self.text.lower() for text in texts)

    @property
    def knows_not(self) -> bool:
        return self.code == grpc.StatusCode.NOT_FOUND.name

    @property
    def knows_no_invoice(self) -> bool:
        """Tell whether the node has no such invoice; before 0.20 an empty table answers UNKNOWN."""
        return self.knows_not or self.is_about("unable to locate invoice", "there are no existing invoices")

    @property
    def knows_payment(self) -> bool:
        """Tell whether the node says it has this payment already.

        Source: LND 0.15 to 0.22 `payments/db`; 0.17 answers UNKNOWN, so the texts count as well.
        """
        return self.code == grpc.StatusCode.ALREADY_EXISTS.name or self.is_about(
            "payment is in transition", "invoice is already paid", "payment already exists"
        )


class NodeAnswerUnknown(NodeError):
    """The call ended without a word about what it did: a deadline, a broken stream, an unknown status."""


class NodeMisconfigured(NodeError):
    """Retrying will not help: certificate, macaroon, network or version need a person."""


def node_error(error: grpc.RpcError, *, method: str) -> NodeError:
    """Translate a gRPC error into one of our four kinds."""
    if not isinstance(error, grpc.Call):
        return NodeAnswerUnknown(repr(error), method=method)
    code, text = error.code(), error.details() or ""
    return _kind_of(code, text.lower())(text, method=method, code=code.name if code else "")


def _kind_of(code: grpc.StatusCode | None, text: str) -> type[NodeError]:
    if code is grpc.StatusCode.UNAVAILABLE:
        return NodeMisconfigured if _has(text, _TLS_TEXTS) else NodeUnavailable
    if code in _MISCONFIGURED or (code in _WORDED and _has(text, _MACAROON_TEXTS)):
        return NodeMisconfigured
    if _has(text, _NOT_READY_TEXTS):
        return NodeUnavailable
    return NodeRefused if code in _REFUSED else NodeAnswerUnknown


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
