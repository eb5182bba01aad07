"""Receiving: invoices with a chosen preimage, looked up, cancelled, followed from a stored index."""

from __future__ import annotations

import secrets
import threading

from lightning.client import NodeRefused
from lightning.proto.lightning_pb2 import Invoice
from tests.live_lnd.node_pair import AMOUNT_MSAT, VALID_SECONDS, WAIT_SECONDS, NodePair, memo, status, until


def test_add_invoice_twice_with_one_preimage_keeps_one_invoice(pair: NodePair) -> None:
    made = pair.invoice()
    refused = pair.refused(
        "add again",
        lambda: pair.recipient.add_invoice(
            preimage=made.preimage, amount_msat=AMOUNT_MSAT, memo=memo(), expiry_seconds=VALID_SECONDS
        ),
    )
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice with payment hash already exists")
    invoice = pair.looked_up("read it back", made.payment_hash)
    assert (invoice.payment_request, invoice.r_preimage) == (made.text, made.preimage)
    assert (invoice.state, invoice.value_msat, invoice.expiry) == (Invoice.OPEN, AMOUNT_MSAT, VALID_SECONDS)


def test_lookup_unknown_invoice_is_not_found(pair: NodePair) -> None:
    pair.invoice()  # a node without any invoice returns another text
    refused = pair.refused("unknown", lambda: pair.recipient.lookup_invoice(secrets.token_bytes(32)))
    assert isinstance(refused, NodeRefused)
    assert refused.is_invoice_not_found


def test_lookup_hash_of_wrong_length_is_refused(pair: NodePair) -> None:
    refused = pair.refused("31 bytes", lambda: pair.recipient.lookup_invoice(bytes(31)))
    assert isinstance(refused, NodeRefused)
    assert not refused.is_invoice_not_found


def test_cancel_twice_succeeds_and_unknown_is_refused(pair: NodePair) -> None:
    made = pair.invoice()
    for _ in range(2):
        pair.recipient.cancel_invoice(made.payment_hash)
        assert pair.looked_up("cancelled", made.payment_hash).state == Invoice.CANCELED
    refused = pair.refused("unknown", lambda: pair.recipient.cancel_invoice(secrets.token_bytes(32)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("unable to locate invoice")


def test_cancel_settled_invoice_is_refused(pair: NodePair) -> None:
    made = pair.invoice()
    assert status(pair.sent("pay", made.text)[-1]) == "SUCCEEDED"
    refused = pair.refused("cancel settled", lambda: pair.recipient.cancel_invoice(made.payment_hash))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice already settled")
    assert pair.looked_up("still settled", made.payment_hash).state == Invoice.SETTLED


def test_subscription_from_stored_index_sends_later_settlements(pair: NodePair) -> None:
    """A restarted listener relies on this."""
    first, second = pair.invoice(), pair.invoice()
    pair.sent("pay the first", first.text)
    stored = pair.looked_up("the first", first.payment_hash).settle_index
    pair.sent("pay the second", second.text)
    with pair.recipient.subscribe_invoices(settle_index=stored) as stream:
        patience = threading.Timer(WAIT_SECONDS, stream.cancel)
        patience.start()
        settled = until(iter(stream), lambda invoice: invoice.state == Invoice.SETTLED)
        patience.cancel()
    pair.record.note("the backlog", settled)
    assert settled.settle_index == stored + 1
    assert settled.r_hash == second.payment_hash
    assert (settled.amt_paid_msat, settled.r_preimage) == (AMOUNT_MSAT, second.preimage)


def test_list_newest_invoices_returns_pages_backwards(pair: NodePair) -> None:
    made = [pair.invoice() for _ in range(3)]
    newest = pair.recipient.list_newest_invoices(before_index=0, page_size=2)
    assert [invoice.r_hash for invoice in newest.invoices] == [one.payment_hash for one in made[1:]]
    older = pair.recipient.list_newest_invoices(before_index=newest.first_index_offset, page_size=1)
    assert [invoice.r_hash for invoice in older.invoices] == [made[0].payment_hash]
