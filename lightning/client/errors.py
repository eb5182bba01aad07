"""The five kinds of error of a call to the node; a gRPC status never leaves `lightning.client`."""

from __future__ import annotations

import re

import grpc

# The answers of LND's macaroon interceptor, each as a whole. It runs before the call's handler and answers every error
# with code UNKNOWN. The same words inside a longer text may be of a handler, which may have executed the call: of a
# remote signer or a database, for example.
# Source: LND `rpcperms/interceptor.go`, `macaroons/service.go`; gopkg.in/macaroon.v2 `marshal.go`;
# macaroon-bakery.v2 `bakery/checker.go`, `bakery/checkers/checkers.go`.
_REFUSED_BY_INTERCEPTOR = re.compile(
    r"unable to determine macaroon permissions"
    r"|/\S+: unknown permissions required for method"
    r"|unable to get metadata from context"
    r"|expected 1 macaroon, got \d+"
    r"|encoding/hex: .*"
    r"|empty macaroon data"
    r"|cannot determine data format of binary-encoded macaroon"
    r"|unmarshal v[12]: .*"
    r"|unknown macaroon version: .*"
    r"|invalid ID"
    r"|cannot retrieve macaroon: .*"
    r"|verification failed: .*"
    r'|cannot parse caveat ".*'
    r'|caveat ".*" not satisfied: .*'
    r"|macaroon discharge required: .*"
    r"|permission denied",
    re.DOTALL,
)
# What else shows that a macaroon is the cause: the answers of a proxy, or of gRPC itself.
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
    "mandatory middleware",
)
_TLS_TEXTS = ("handshake", "certificate", "ssl_")
_CODES_OF_MACAROON_ERRORS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
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
    """A call to the node that gave no usable answer; `code` and `text` are the node's own."""

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
    """The node is unreachable or not ready; a call that changes something may still have reached it."""


class NodeRefused(NodeError):
    """The node received the call and refused it."""

    def mentions(self, *texts: str) -> bool:
        """Return whether the node's text contains one of these; its SQL store puts a prefix before them."""
        return any(text in self.text.lower() for text in texts)

    @property
    def is_not_found(self) -> bool:
        return self.code == grpc.StatusCode.NOT_FOUND.name

    @property
    def is_invoice_not_found(self) -> bool:
        """Return whether the node has no such invoice; before 0.20 an empty table answers UNKNOWN."""
        return self.is_not_found or self.mentions(
            "unable to locate invoice", "there are no existing invoices"
        )

    @property
    def is_duplicate_payment(self) -> bool:
        """Return whether the node already has this payment.

        Source: LND 0.15 to 0.22 `payments/db`; 0.17 answers UNKNOWN, so the text is compared as well.
        """
        return self.code == grpc.StatusCode.ALREADY_EXISTS.name or self.mentions(
            "payment is in transition", "invoice is already paid", "payment already exists"
        )


class NodeAnswerUnknown(NodeError):
    """The call ended without a result: a deadline, a broken stream, an unknown status."""


class NodeMisconfigured(NodeError):
    """Retrying does not help: a person must correct certificate, macaroon, network or version."""


class NodeMacaroonRefused(NodeMisconfigured):
    """The node refused the macaroon before the call's handler ran: it executed nothing of this call."""


class NodeTooLate(NodeError):
    """The call came after the moment until which it was allowed: the node did not execute it."""


def node_error(error: grpc.RpcError, *, method: str) -> NodeError:
    """Translate a gRPC error into one of our kinds, except NodeTooLate, which needs the call."""
    if not isinstance(error, grpc.Call):
        return NodeAnswerUnknown(repr(error), method=method)
    code, text = error.code(), error.details() or ""
    kind = NodeMacaroonRefused if _is_of_interceptor(code, text) else _kind_of(code, text.lower())
    return kind(text, method=method, code=code.name if code else "")


def _is_of_interceptor(code: grpc.StatusCode | None, text: str) -> bool:
    return code is grpc.StatusCode.UNKNOWN and _REFUSED_BY_INTERCEPTOR.fullmatch(text) is not None


def _kind_of(code: grpc.StatusCode | None, text: str) -> type[NodeError]:
    if code is grpc.StatusCode.UNAVAILABLE:
        return NodeMisconfigured if _has(text, _TLS_TEXTS) else NodeUnavailable
    if code in _MISCONFIGURED or (code in _CODES_OF_MACAROON_ERRORS and _has(text, _MACAROON_TEXTS)):
        return NodeMisconfigured
    if _has(text, _NOT_READY_TEXTS):
        return NodeUnavailable
    return NodeRefused if code in _REFUSED else NodeAnswerUnknown


def _has(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
