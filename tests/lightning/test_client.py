"""The client against a node: certificates, macaroons, forks, deadlines, large answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning.client import LndClient, NodeMacaroonRefused, NodeMisconfigured, NodeRefused, NodeUnavailable
from lightning.client.channels import channel_to
from tests.lightning.world import PLATFORM, WALLETS, World, deadline
from tests.support.lightning import forking

MEBIBYTE = 1024 * 1024


def test_channel_to_same_node_is_shared_by_all_clients(world: World) -> None:
    assert channel_to(world.access("paying")) is channel_to(world.access("invoicing"))


def test_get_state_needs_no_macaroon(world: World) -> None:
    world.control.set_options(PLATFORM, wallet_state="LOCKED")
    client = LndClient(world.access("paying", macaroon_path="/nowhere"))
    assert client.get_state().state == 1
    with pytest.raises(NodeMisconfigured):
        client.get_info()


def test_call_with_wrong_certificate_is_misconfigured(world: World, tmp_path: Path) -> None:
    other = tmp_path / "tls.cert"
    other.write_bytes(world.process.node("wallets").tls_cert_path.read_bytes())
    with pytest.raises(NodeMisconfigured):
        LndClient(world.access("paying", tls_cert_path=str(other))).get_info()


@pytest.mark.parametrize("path", ["", "/nowhere/tls.cert"])
def test_call_with_unreadable_certificate_is_misconfigured(world: World, path: str) -> None:
    with pytest.raises(NodeMisconfigured) as refused:
        LndClient(world.access("paying", tls_cert_path=path)).get_info()
    assert "LND_TLS_CERT_PATH" in refused.value.text


def test_call_after_renewed_certificate_succeeds_at_the_second_try(world: World) -> None:
    """Operators renew it while our processes run; no restart is needed."""
    client = LndClient(world.access("paying"))
    client.get_info()
    world.control.renew_certificate(PLATFORM)
    with pytest.raises((NodeMisconfigured, NodeUnavailable)):
        client.get_info()
    assert client.get_info().identity_pubkey == world.process.node(PLATFORM).pubkey


def test_call_after_replaced_macaroon_uses_the_new_one(world: World, tmp_path: Path) -> None:
    old = world.control.bake_macaroon(PLATFORM, [("offchain", "read")])
    client = LndClient(world.access_with(old, tmp_path))
    with pytest.raises(NodeMisconfigured):
        client.get_info()
    world.access_with(world.control.bake_macaroon(PLATFORM, [("info", "read")]), tmp_path)
    assert client.get_info().chains[0].network == "regtest"


def test_macaroon_as_hex_is_accepted_and_not_shown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    text = world.process.node(PLATFORM).macaroon_hex("monitoring")
    access = world.access("paying", macaroon_path="", macaroon_text=text)
    with caplog.at_level(0):
        assert LndClient(access).get_info().synced_to_chain
        with pytest.raises(NodeMisconfigured) as refused:
            LndClient(access).cancel_invoice(bytes(32))
    shown = f"{access!r} {access} {refused.value!r} {refused.value.evidence} {caplog.text}"
    assert text[:64] not in shown
    assert text[-32:] not in shown


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"macaroon_text": "0201036c6e64"}, "given twice"),
        ({"macaroon_path": "", "macaroon_text": "0201036c6e6g"}, "not hexadecimal"),
        ({"macaroon_path": "", "macaroon_text": ""}, "not set"),
        ({"macaroon_path": "/nowhere/paying.macaroon"}, "No such file"),
    ],
)
def test_call_with_unreadable_macaroon_is_misconfigured(
    world: World, changes: dict[str, str], text: str
) -> None:
    with pytest.raises(NodeMisconfigured) as refused:
        LndClient(world.access("paying", **changes)).get_info()
    assert text in refused.value.text
    assert "0201036c6e" not in str(refused.value)
    assert refused.value.__cause__ is None or isinstance(refused.value.__cause__, OSError)


def test_call_with_expired_macaroon_is_misconfigured(world: World, tmp_path: Path) -> None:
    old = world.control.bake_macaroon(PLATFORM, [("info", "read")], time_before=1_000_000_000)
    with pytest.raises(NodeMisconfigured):
        LndClient(world.access_with(old, tmp_path)).get_info()


STREAMS: dict[str, Callable[[LndClient], Iterator[Any]]] = {
    "send": lambda client: iter(
        client.send_payment(
            payment_request="lnbcrt1",
            fee_limit_msat=1,
            timeout_seconds=1,
            stream_seconds=2,
            deadline=deadline(),
        )
    ),
    "track": lambda client: iter(client.track_payment(bytes(32))),
    "subscribe": lambda client: iter(client.subscribe_invoices(settle_index=0)),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_stream_with_a_macaroon_of_another_node_is_refused_at_its_first_message(
    world: World, stream: Callable[[LndClient], Iterator[Any]]
) -> None:
    foreign = world.process.node(WALLETS).macaroon_hex("admin")
    client = LndClient(world.access("paying", macaroon_path="", macaroon_text=foreign))
    with pytest.raises(NodeMacaroonRefused, match="verification failed: signature mismatch"):
        next(stream(client))


@pytest.mark.parametrize("stream", ["track", "subscribe"])
def test_stream_with_a_truncated_macaroon_is_refused_at_its_first_message(world: World, stream: str) -> None:
    """A send is narrowed first, which needs a whole macaroon."""
    cut = world.process.node(PLATFORM).macaroon_hex("admin")[:-2]
    client = LndClient(world.access("paying", macaroon_path="", macaroon_text=cut))
    with pytest.raises(NodeMacaroonRefused, match="unmarshal v2: field data extends past end of buffer"):
        next(STREAMS[stream](client))


def test_call_after_node_restart_succeeds(world: World) -> None:
    client = LndClient(world.access("paying"))
    world.control.stop_serving(PLATFORM)
    with pytest.raises(NodeUnavailable):
        client.get_info()
    world.control.start_serving(PLATFORM)
    world.wait_until_reached()
    assert client.get_info().synced_to_chain


def test_refused_call_keeps_code_and_text_of_the_node(world: World, paying: LndClient) -> None:
    with pytest.raises(NodeRefused) as refused:
        paying.decode_invoice("lnbcrt1nonsense")
    assert refused.value.code == "UNKNOWN"
    assert refused.value.method == "/lnrpc.Lightning/DecodePayReq"


FORKING = """
import os, sys
from lightning.client import LndClient, NodeAccess
client = LndClient(NodeAccess(*sys.argv[1:5]))
parent = client.get_info().identity_pubkey
child = os.fork()
if child == 0:
    os._exit(0 if client.get_info().identity_pubkey == parent else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_forked_child_opens_its_own_channel(world: World) -> None:
    """Celery forks its workers from a parent that may already have opened a channel."""
    access = world.access("paying")
    arguments = [access.host, access.network, access.tls_cert_path, access.macaroon_path]
    done = subprocess.run(
        [sys.executable, "-c", FORKING, *arguments],
        cwd=Path(__file__).parents[2],
        env={**forking(), "GRPC_VERBOSITY": "NONE"},
        timeout=30,
        check=False,
    )
    assert done.returncode == 0


def test_answer_above_four_mebibytes_is_read(world: World, paying: LndClient) -> None:
    """GRPC's default limit would refuse it with RESOURCE_EXHAUSTED; LND's limit is 200 MiB."""
    made = world.control.invoice(WALLETS, 1_000)
    world.script({"do": "misreport", "payment_request": "x" * 5 * MEBIBYTE})
    with paying.send_payment(
        payment_request=made["payment_request"],
        fee_limit_msat=10_000,
        timeout_seconds=5,
        stream_seconds=20,
        deadline=deadline(),
    ) as stream:
        assert [len(payment.payment_request) for payment in stream] == [5 * MEBIBYTE] * 3
    page = paying.list_payments(after_index=0, page_size=10_000)
    world.control.forget(PLATFORM, made["payment_hash"])
    assert page.ByteSize() > 5 * MEBIBYTE


def test_call_after_goaway_uses_a_new_connection(world: World, paying: LndClient) -> None:
    """A node or proxy that restarts sends GOAWAY: at most one call is unavailable, and none hangs."""
    paying.get_info()
    world.control.go_away(PLATFORM)
    world.wait_until_reached()
    assert paying.get_info().synced_to_chain
