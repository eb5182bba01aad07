"""Receiving: invoices with a chosen preimage, looked up, cancelled, followed from a stored index."""

from __future__ import annotations

import secrets
import threading

from lightning.client import NodeRefused
from lightning.proto.lightning_pb2 import Invoice
from tests.live_lnd.lab import AMOUNT_MSAT, PATIENCE_SECONDS, VALID_SECONDS, Lab, memo, status, until


def test_chosen_preimage_makes_one_invoice_that_can_be_read_back(lab: Lab) -> None:
    made = lab.invoice()
    refused = lab.refused(
        "add again",
        lambda: lab.recipient.add_invoice(
            preimage=made.preimage, amount_msat=AMOUNT_MSAT, memo=memo(), expiry_seconds=VALID_SECONDS
        ),
    )
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice with payment hash already exists")
    invoice = lab.looked_up("read it back", made.payment_hash)
    assert (invoice.payment_request, invoice.r_preimage) == (made.text, made.preimage)
    assert (invoice.state, invoice.value_msat, invoice.expiry) == (Invoice.OPEN, AMOUNT_MSAT, VALID_SECONDS)


def test_unknown_invoice_is_not_found(lab: Lab) -> None:
    lab.invoice()  # a node without any invoice words it otherwise
    refused = lab.refused("unknown", lambda: lab.recipient.lookup_invoice(secrets.token_bytes(32)))
    assert isinstance(refused, NodeRefused)
    assert refused.is_invoice_not_found


def test_hash_of_wrong_length_is_refused(lab: Lab) -> None:
    refused = lab.refused("31 bytes", lambda: lab.recipient.lookup_invoice(bytes(31)))
    assert isinstance(refused, NodeRefused)
    assert not refused.is_invoice_not_found


def test_cancelling_twice_is_once_and_unknown_is_refused(lab: Lab) -> None:
    made = lab.invoice()
    for _ in range(2):
        lab.recipient.cancel_invoice(made.payment_hash)
        assert lab.looked_up("cancelled", made.payment_hash).state == Invoice.CANCELED
    refused = lab.refused("unknown", lambda: lab.recipient.cancel_invoice(secrets.token_bytes(32)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("unable to locate invoice")


def test_settled_invoice_cannot_be_cancelled(lab: Lab) -> None:
    made = lab.invoice()
    assert status(lab.sent("pay", made.text)[-1]) == "SUCCEEDED"
    refused = lab.refused("cancel settled", lambda: lab.recipient.cancel_invoice(made.payment_hash))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice already settled")
    assert lab.looked_up("still settled", made.payment_hash).state == Invoice.SETTLED


def test_subscription_from_a_stored_index_brings_what_was_settled_meanwhile(lab: Lab) -> None:
    """What a listener that was restarted relies upon."""
    first, second = lab.invoice(), lab.invoice()
    lab.sent("pay the first", first.text)
    stored = lab.looked_up("the first", first.payment_hash).settle_index
    lab.sent("pay the second", second.text)
    with lab.recipient.subscribe_invoices(settle_index=stored) as stream:
        patience = threading.Timer(PATIENCE_SECONDS, stream.cancel)
        patience.start()
        told = until(iter(stream), lambda invoice: invoice.state == Invoice.SETTLED)
        patience.cancel()
    lab.record.note("the backlog", told)
    assert told.settle_index == stored + 1
    assert told.r_hash == second.payment_hash
    assert (told.amt_paid_msat, told.r_preimage) == (AMOUNT_MSAT, second.preimage)


def test_newest_invoices_are_listed_backwards_by_page(lab: Lab) -> None:
    made = [lab.invoice() for _ in range(3)]
    newest = lab.recipient.list_newest_invoices(before_index=0, page_size=2)
    assert [invoice.r_hash for invoice in newest.invoices] == [one.payment_hash for one in made[1:]]
    older = lab.recipient.list_newest_invoices(before_index=newest.first_index_offset, page_size=1)
    assert [invoice.r_hash for invoice in older.invoices] == [made[0].payment_hash]
