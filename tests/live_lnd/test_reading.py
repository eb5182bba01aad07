"""Reads: state, identity, permissions, decoded invoices, lists of payments."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest

from ledger.types import msat
from lightning.bolt11 import decode
from lightning.client import LndClient, NodeMacaroonRefused, NodeMisconfigured, NodeRefused, NodeTooLate
from lightning.client.calls import unary_call
from lightning.invoices import require_node_agrees
from lightning.macaroons import read_macaroon, serialized, with_caveat
from lightning.proto import invoices_pb2, methods
from lightning.proto.state_pb2 import SERVER_ACTIVE
from sunusav.core import clock
from tests.live_lnd.node_pair import CALL_SECONDS, NodePair, status, with_macaroon
from transfers.types import ProviderPayment


def test_get_info_of_both_nodes_is_active_on_the_network(pair: NodePair) -> None:
    keys = set()
    for client in (pair.payer, pair.recipient):
        assert pair.call("state", client.get_state).state == SERVER_ACTIVE
        info = pair.call("info", client.get_info)
        assert [chain.network for chain in info.chains] == [client.access.network]
        assert (info.synced_to_chain, info.num_active_channels > 0) == (True, True)
        keys.add(info.identity_pubkey)
    assert len(keys) == 2


def test_only_get_state_needs_no_macaroon(pair: NodePair) -> None:
    without_macaroon = with_macaroon(pair.backend.payer, b"\x02")
    assert without_macaroon.get_state().state == SERVER_ACTIVE
    assert isinstance(pair.refused("no macaroon", without_macaroon.get_info), NodeMisconfigured)


def test_call_with_macaroon_of_another_node_is_misconfigured(pair: NodePair) -> None:
    foreign = with_macaroon(pair.backend.payer, pair.backend.recipient.macaroon())
    refused = pair.refused("foreign macaroon", foreign.get_info)
    assert isinstance(refused, NodeMisconfigured)
    assert refused.code == "UNKNOWN"


@pytest.mark.parametrize("cut", [1, 33])
def test_call_with_truncated_macaroon_is_misconfigured(pair: NodePair, cut: int) -> None:
    truncated = with_macaroon(pair.backend.payer, pair.backend.payer.macaroon()[:-cut])
    refused = pair.refused(f"truncated by {cut}", truncated.get_info)
    assert isinstance(refused, NodeMacaroonRefused)
    assert refused.text.startswith("unmarshal v2: ")
    streamed = pair.refused(
        f"stream truncated by {cut}", lambda: next(iter(truncated.track_payment(bytes(32))))
    )
    assert (type(streamed), streamed.text) == (NodeMacaroonRefused, refused.text)


def test_call_with_expired_macaroon_is_misconfigured(pair: NodePair) -> None:
    """Anyone can add a caveat to a macaroon, so this needs no permission to bake one."""
    macaroon = read_macaroon(pair.backend.payer.macaroon())
    expired = serialized(with_caveat(macaroon, "time-before 2020-01-01T00:00:00Z"))
    refused = pair.refused("expired macaroon", with_macaroon(pair.backend.payer, expired).get_info)
    assert isinstance(refused, NodeMisconfigured)


def test_call_with_narrowed_macaroon_is_accepted_until_its_moment(pair: NodePair) -> None:
    moment = clock.now() + timedelta(seconds=5)
    key = pair.payer.get_info(not_after=moment).identity_pubkey
    pair.backend.pass_time(6)
    late = pair.refused("late", lambda: pair.payer.get_info(not_after=moment))
    assert isinstance(late, NodeTooLate)
    assert pair.payer.get_info().identity_pubkey == key


def test_call_without_permission_is_misconfigured(pair: NodePair) -> None:
    method = methods.LOOKUP_INVOICE_V2
    granted = read_macaroon(pair.backend.payer.macaroon()).granted()
    if granted & {*method.permissions, ("uri", method.path)}:
        pytest.skip("LND_TEST_PAYER_MACAROON_PATH allows everything: bake the one of docs/live-lnd.md")
    request = invoices_pb2.LookupInvoiceMsg(payment_hash=secrets.token_bytes(32))
    refused = pair.refused(
        "no right", lambda: unary_call(pair.backend.payer, method, request, timeout_seconds=CALL_SECONDS)
    )
    assert isinstance(refused, NodeMisconfigured)
    assert (refused.code, "permission denied" in refused.text) == ("UNKNOWN", True)


def test_decode_invoice_by_node_and_codec_is_equal(pair: NodePair) -> None:
    made = pair.invoice()
    answer = pair.call("decode", lambda: pair.payer.decode_invoice(made.text))
    require_node_agrees(decode(made.text), answer, our_pubkey=pair.payer.get_info().identity_pubkey)
    assert decode(made.text).payee.hex() == pair.recipient.get_info().identity_pubkey


@pytest.mark.parametrize("spoil", ["q", "p"])
def test_decode_invoice_with_changed_character_is_refused(pair: NodePair, spoil: str) -> None:
    text = pair.invoice().text
    changed = text[:-1] + (spoil if text[-1] != spoil else "z")
    assert isinstance(pair.refused("decode", lambda: pair.payer.decode_invoice(changed)), NodeRefused)


def test_list_payments_by_exclusive_index_returns_pages(pair: NodePair) -> None:
    paid = [pair.sent("pay", pair.invoice().text)[-1] for _ in range(2)]
    assert [status(payment) for payment in paid] == ["SUCCEEDED", "SUCCEEDED"]
    before = paid[0].payment_index - 1
    pages = [pair.payer.list_payments(after_index=before, page_size=1)]
    pages.append(pair.payer.list_payments(after_index=pages[0].last_index_offset, page_size=1))
    pages.append(pair.payer.list_payments(after_index=pages[1].last_index_offset, page_size=1))
    assert [[one.payment_hash for one in page.payments] for page in pages] == [
        [paid[0].payment_hash],
        [paid[1].payment_hash],
        [],
    ]
    pair.record.note("pages", list(pages))


def test_statement_of_rail_contains_the_payment(pair: NodePair) -> None:
    last = pair.sent("pay", pair.invoice().text)[-1]
    lines = [line for line in pair.rail.statement() if line.reference == last.payment_hash]
    assert lines == [
        ProviderPayment(last.payment_hash, True, False, msat(last.value_msat), msat(last.fee_msat))
    ]


def test_sendable_is_part_of_the_balance(pair: NodePair) -> None:
    sendable = pair.rail.sendable()
    assert 0 < sendable.largest.amount <= sendable.total.amount <= pair.rail.balance().amount


def test_clients_of_one_node_share_a_channel(pair: NodePair) -> None:
    assert LndClient(pair.backend.payer).get_info() == pair.payer.get_info()
