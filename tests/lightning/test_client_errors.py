"""The node's codes and texts are translated into our kinds of error."""

from __future__ import annotations

import grpc
import pytest
from grpc._channel import _InactiveRpcError, _RPCState

from lightning.client.errors import (
    NodeAnswerUnknown,
    NodeError,
    NodeMacaroonRefused,
    NodeMisconfigured,
    NodeRefused,
    NodeUnavailable,
    node_error,
)
from tests.lightning.macaroon_answers import ANSWERS, OTHERS

Code = grpc.StatusCode


def ended(code: grpc.StatusCode, text: str) -> grpc.RpcError:
    """Return what a gRPC call raises when it ends with this code and text."""
    state = _RPCState((), (), (), code, text)
    return _InactiveRpcError(state)


def translated(code: grpc.StatusCode, text: str = "") -> NodeError:
    return node_error(ended(code, text), method="/lnrpc.Lightning/GetInfo")


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (Code.UNAVAILABLE, "failed to connect to all addresses", NodeUnavailable),
        (Code.UNAVAILABLE, "Socket closed", NodeUnavailable),
        (
            Code.UNAVAILABLE,
            "Ssl handshake failed: SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED",
            NodeMisconfigured,
        ),
        (Code.INTERNAL, "permission denied", NodeMisconfigured),
        (Code.UNKNOWN, "a proxy refused the macaroon", NodeMisconfigured),
        (Code.INTERNAL, "metadata was invalid: invalid metadata", NodeMisconfigured),
        (Code.UNIMPLEMENTED, "unknown service invoicesrpc.Invoices", NodeMisconfigured),
        (Code.PERMISSION_DENIED, "", NodeMisconfigured),
        (Code.UNKNOWN, "wallet locked, unlock it to enable full RPC access", NodeUnavailable),
        (Code.UNKNOWN, "wallet not created, create one to enable full RPC access", NodeUnavailable),
        (Code.UNKNOWN, "waiting to start, RPC services not available", NodeUnavailable),
        (
            Code.UNKNOWN,
            "the RPC server is in the process of starting up, but not yet ready to accept calls",
            NodeUnavailable,
        ),
        (Code.UNKNOWN, "routerrpc server shutting down", NodeUnavailable),
        (
            Code.UNKNOWN,
            "mandatory middleware 'a' is currently not registered, not allowing any RPC calls",
            NodeUnavailable,
        ),
        (Code.NOT_FOUND, "payment isn't initiated", NodeRefused),
        (Code.UNKNOWN, "invoice expired. Valid until 2026-11-22", NodeRefused),
        (Code.ALREADY_EXISTS, "payment is in transition", NodeRefused),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", NodeAnswerUnknown),
        (Code.CANCELLED, "", NodeAnswerUnknown),
        (Code.INTERNAL, "RST_STREAM", NodeAnswerUnknown),
        (Code.RESOURCE_EXHAUSTED, "", NodeAnswerUnknown),
        (Code.ABORTED, "", NodeAnswerUnknown),
        (Code.DATA_LOSS, "", NodeAnswerUnknown),
    ],
)
def test_node_error_by_code_and_text_has_one_kind(code: Code, text: str, kind: type[NodeError]) -> None:
    error = translated(code, text)
    assert type(error) is kind
    assert error.evidence == {
        "error": kind.__name__,
        "method": "/lnrpc.Lightning/GetInfo",
        "code": code.name,
        "text": text,
    }


@pytest.mark.parametrize("text", ANSWERS)
def test_node_error_of_a_refused_macaroon_is_misconfigured_and_executed_nothing(text: str) -> None:
    assert type(translated(Code.UNKNOWN, text)) is NodeMacaroonRefused
    assert issubclass(NodeMacaroonRefused, NodeMisconfigured)


@pytest.mark.parametrize("text", OTHERS)
def test_node_error_whose_text_only_contains_such_words_may_have_executed_the_call(text: str) -> None:
    assert not isinstance(translated(Code.UNKNOWN, text), NodeMacaroonRefused)


@pytest.mark.parametrize("code", [code for code in Code if code not in (Code.OK, Code.UNKNOWN)])
def test_node_error_with_another_code_is_no_refused_macaroon(code: Code) -> None:
    """LND's interceptor returns plain errors, which gRPC gives the code UNKNOWN."""
    assert not isinstance(translated(code, "permission denied"), NodeMacaroonRefused)


def test_node_error_without_a_status_is_unknown() -> None:
    assert type(node_error(grpc.RpcError("gone"), method="m")) is NodeAnswerUnknown


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (Code.ALREADY_EXISTS, "payment already exists"),
        (Code.ALREADY_EXISTS, "text of a later version"),
        (Code.UNKNOWN, "payment is in transition"),
        (Code.UNKNOWN, "invoice is already paid"),
        (Code.ALREADY_EXISTS, "unable to init payment: initiating: payment is in transition"),
    ],
)
def test_is_duplicate_payment_by_code_or_text_in_every_version(code: Code, text: str) -> None:
    error = translated(code, text)
    assert isinstance(error, NodeRefused)
    assert error.is_duplicate_payment


def test_is_duplicate_payment_other_refusal_is_false() -> None:
    error = translated(Code.UNKNOWN, "invoice expired. Valid until 2026-11-22")
    assert isinstance(error, NodeRefused)
    assert not error.is_duplicate_payment
