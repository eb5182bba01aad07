"""What each call of the client sends: a timeout and one macaroon. No call can hang, and no payment leaves late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest

from lightning.access_scopes import NEEDED, AccessScope
from lightning.client import LndClient, NodeAccess, NodeMisconfigured, NodeTooLate
from lightning.client.channels import OPTIONS
from lightning.macaroons import narrowed, serialized
from lightning.proto import methods
from sandbox.lnd.macaroons import mint
from sandbox.lnd.tls import ensure_certificate
from sunusav.core.deadlines import Deadline, boottime_ns

HASH = bytes(32)
MACAROON = serialized(mint(b"k" * 32, [("offchain", "write")])).hex()
# Sixty seconds for the node's attempts and fifteen more for the stream; gRPC rounds up.
LONGEST_CALL_SECONDS = 76
DEADLINE = Deadline(datetime(2100, 1, 1, tzinfo=UTC), boottime_ns() + 10**15)
YEAR_SECONDS = 365 * 86_400
MEBIBYTE = 1024 * 1024


@dataclass
class Listener:
    """A server that answers every method with an empty message and records how it was called."""

    calls: dict[str, tuple[float | None, list[str]]] = field(default_factory=dict)

    def behaviours(self) -> dict[methods.Method[Any, Any], Any]:
        return {method: self._noting(method) for method in methods.METHODS.values()}

    def _noting(self, method: methods.Method[Any, Any]) -> Any:
        def note(_request: Any, context: grpc.ServicerContext) -> Any:
            given = [str(value) for key, value in context.invocation_metadata() or () if key == "macaroon"]
            self.calls[method.path] = context.time_remaining(), given
            return iter([method.response()]) if method.streams else method.response()

        return note


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Listener, LndClient]]:
    folder, listener = tmp_path_factory.mktemp("listener"), Listener()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(tuple(methods.service_handlers(listener.behaviours())))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([ensure_certificate(folder)]))
    server.start()
    yield listener, LndClient(access(port, folder))
    server.stop(0).wait()


def access(port: int, folder: Path) -> NodeAccess:
    return NodeAccess(f"127.0.0.1:{port}", "regtest", str(folder / "tls.cert"), macaroon_text=MACAROON)


def send(client: LndClient, deadline: Deadline) -> object:
    return list(
        client.send_payment(
            payment_request="lnbcrt1",
            fee_limit_msat=10_000,
            timeout_seconds=60,
            stream_seconds=75,
            deadline=deadline,
        )
    )


CALLS: dict[methods.Method[Any, Any], Callable[[LndClient], Any]] = {
    methods.GET_STATE: lambda client: client.get_state(),
    methods.GET_INFO: lambda client: client.get_info(),
    methods.CHANNEL_BALANCE: lambda client: client.channel_balance(),
    methods.LIST_CHANNELS: lambda client: client.list_channels(),
    methods.DECODE_PAY_REQ: lambda client: client.decode_invoice("lnbcrt1"),
    methods.SEND_PAYMENT_V2: lambda client: send(client, DEADLINE),
    methods.TRACK_PAYMENT_V2: lambda client: list(client.track_payment(HASH)),
    methods.LIST_PAYMENTS: lambda client: client.list_payments(after_index=0, page_size=1),
    methods.ADD_INVOICE: lambda client: client.add_invoice(
        preimage=HASH, amount_msat=1_000, memo="", expiry_seconds=60
    ),
    methods.LOOKUP_INVOICE: lambda client: client.lookup_invoice(HASH),
    methods.LIST_INVOICES: lambda client: client.list_newest_invoices(before_index=0, page_size=1),
    methods.SUBSCRIBE_INVOICES: lambda client: list(client.subscribe_invoices(settle_index=1)),
    methods.CANCEL_INVOICE: lambda client: client.cancel_invoice(HASH),
}


def test_client_has_a_call_for_every_client_method() -> None:
    assert set(CALLS) == set(methods.CLIENT_METHODS)
    public = [name for name in vars(LndClient) if not name.startswith("_")]
    assert len(public) == len(CALLS)


def test_every_client_method_except_get_state_belongs_to_a_scope() -> None:
    needed = {method for scope in AccessScope for method in NEEDED[scope]}
    assert needed == set(methods.CLIENT_METHODS) - {methods.GET_STATE}
    assert not needed & set(methods.UNUSED_BY_CLIENT)


@pytest.mark.parametrize("method", CALLS, ids=lambda method: method.name)
def test_every_call_except_the_subscription_has_a_deadline(
    listening: tuple[Listener, LndClient], method: methods.Method[Any, Any]
) -> None:
    listener, client = listening
    CALLS[method](client)
    left_seconds, _ = listener.calls[method.path]
    if method is methods.SUBSCRIBE_INVOICES:
        assert left_seconds is None or left_seconds > YEAR_SECONDS
    else:
        assert left_seconds is not None
        assert 0 < left_seconds <= LONGEST_CALL_SECONDS


@pytest.mark.parametrize("method", CALLS, ids=lambda method: method.name)
def test_every_call_except_get_state_sends_one_macaroon(
    listening: tuple[Listener, LndClient], method: methods.Method[Any, Any]
) -> None:
    listener, client = listening
    CALLS[method](client)
    _, given = listener.calls[method.path]
    if method is methods.SEND_PAYMENT_V2:
        assert given == [narrowed(bytes.fromhex(MACAROON), DEADLINE.at).hex()]
    else:
        assert given == ([] if method is methods.GET_STATE else [MACAROON])


def test_send_payment_after_its_deadline_makes_no_call(listening: tuple[Listener, LndClient]) -> None:
    listener, client = listening
    listener.calls.clear()
    passed = replace(DEADLINE, boottime_ns=boottime_ns())
    with pytest.raises(NodeTooLate):
        send(client, passed)
    assert listener.calls == {}


def test_send_payment_with_an_unreadable_macaroon_makes_no_call(
    listening: tuple[Listener, LndClient],
) -> None:
    listener, client = listening
    listener.calls.clear()
    with pytest.raises(NodeMisconfigured):
        send(LndClient(replace(client.access, macaroon_text="0201")), DEADLINE)
    assert listener.calls == {}


def test_channel_options_respect_the_limits_of_lnd() -> None:
    """LND treats pings more often than every 5 s, or without an open stream, as an attack."""
    options = dict(OPTIONS)
    assert options["grpc.keepalive_time_ms"] == 60_000
    assert options["grpc.keepalive_timeout_ms"] == 20_000
    assert options["grpc.keepalive_permit_without_calls"] == 0
    assert options["grpc.enable_retries"] == 0
    assert options["grpc.max_receive_message_length"] == 200 * MEBIBYTE
