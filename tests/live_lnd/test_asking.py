"""Asking: state, identity, rights, what an invoice says, what was paid."""

from __future__ import annotations

import secrets

import pytest

from lightning.bolt11 import decode
from lightning.client import LndClient, NodeMisconfigured, NodeRefused
from lightning.client.calls import unary_call
from lightning.invoices import require_node_agrees
from lightning.macaroons import read_macaroon
from lightning.proto import invoices_pb2, methods
from lightning.proto.state_pb2 import SERVER_ACTIVE
from sandbox.lnd.macaroons import serialized, with_caveat
from tests.live_lnd.lab import CALL_SECONDS, Lab, status, with_macaroon
from transfers.types import ProviderPayment


def test_nodes_are_active_on_our_network_and_two(lab: Lab) -> None:
    keys = set()
    for client in (lab.payer, lab.recipient):
        assert lab.told("state", client.get_state).state == SERVER_ACTIVE
        info = lab.told("info", client.get_info)
        assert [chain.network for chain in info.chains] == [client.access.network]
        assert (info.synced_to_chain, info.num_active_channels > 0) == (True, True)
        keys.add(info.identity_pubkey)
    assert len(keys) == 2


def test_state_needs_no_macaroon_and_everything_else_does(lab: Lab) -> None:
    nobody = with_macaroon(lab.backend.payer, b"\x02")
    assert nobody.get_state().state == SERVER_ACTIVE
    assert isinstance(lab.refused("no macaroon", nobody.get_info), NodeMisconfigured)


def test_macaroon_of_another_node_is_misconfigured(lab: Lab) -> None:
    foreign = with_macaroon(lab.backend.payer, lab.backend.recipient.macaroon())
    refused = lab.refused("foreign macaroon", foreign.get_info)
    assert isinstance(refused, NodeMisconfigured)
    assert refused.code == "UNKNOWN"


def test_expired_macaroon_is_misconfigured(lab: Lab) -> None:
    """Anybody may narrow a macaroon, so this needs no right to bake one."""
    macaroon = read_macaroon(lab.backend.payer.macaroon())
    expired = serialized(with_caveat(macaroon, "time-before 2020-01-01T00:00:00Z"))
    refused = lab.refused("expired macaroon", with_macaroon(lab.backend.payer, expired).get_info)
    assert isinstance(refused, NodeMisconfigured)


def test_call_without_the_right_is_misconfigured(lab: Lab) -> None:
    method = methods.LOOKUP_INVOICE_V2
    granted = read_macaroon(lab.backend.payer.macaroon()).granted()
    if granted & {*method.permissions, ("uri", method.path)}:
        pytest.skip("LND_TEST_PAYER_MACAROON_PATH may do everything: bake the one of docs/live-lnd.md")
    request = invoices_pb2.LookupInvoiceMsg(payment_hash=secrets.token_bytes(32))
    refused = lab.refused(
        "no right", lambda: unary_call(lab.backend.payer, method, request, timeout_seconds=CALL_SECONDS)
    )
    assert isinstance(refused, NodeMisconfigured)
    assert (refused.code, "permission denied" in refused.text) == ("UNKNOWN", True)


def test_node_and_our_codec_read_the_same_in_an_invoice(lab: Lab) -> None:
    made = lab.invoice()
    answer = lab.told("decode", lambda: lab.payer.decode_invoice(made.text))
    require_node_agrees(decode(made.text), answer, our_pubkey=lab.payer.get_info().identity_pubkey)
    assert decode(made.text).payee.hex() == lab.recipient.get_info().identity_pubkey


@pytest.mark.parametrize("spoil", ["q", "p"])
def test_invoice_with_a_changed_character_is_refused(lab: Lab, spoil: str) -> None:
    text = lab.invoice().text
    changed = text[:-1] + (spoil if text[-1] != spoil else "z")
    assert isinstance(lab.refused("decode", lambda: lab.payer.decode_invoice(changed)), NodeRefused)


def test_payments_are_listed_by_exclusive_index_page_by_page(lab: Lab) -> None:
    paid = [lab.sent("pay", lab.invoice().text)[-1] for _ in range(2)]
    assert [status(payment) for payment in paid] == ["SUCCEEDED", "SUCCEEDED"]
    before = paid[0].payment_index - 1
    pages = [lab.payer.list_payments(after_index=before, page_size=1)]
    pages.append(lab.payer.list_payments(after_index=pages[0].last_index_offset, page_size=1))
    pages.append(lab.payer.list_payments(after_index=pages[1].last_index_offset, page_size=1))
    assert [[one.payment_hash for one in page.payments] for page in pages] == [
        [paid[0].payment_hash],
        [paid[1].payment_hash],
        [],
    ]
    lab.record.note("pages", list(pages))


def test_statement_of_the_rail_holds_what_was_paid(lab: Lab) -> None:
    last = lab.sent("pay", lab.invoice().text)[-1]
    lines = [line for line in lab.rail.statement() if line.reference == last.payment_hash]
    assert lines == [ProviderPayment(last.payment_hash, True, False, last.value_msat, last.fee_msat)]


def test_clients_of_one_node_share_a_channel(lab: Lab) -> None:
    assert LndClient(lab.backend.payer).get_info() == lab.payer.get_info()
