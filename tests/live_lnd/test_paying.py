"""Paying: once, again, too late, too much, to ourselves, to nobody's network."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256

import pytest

from lightning import bolt11
from lightning.client import NodeRefused
from lightning.errors import InvoicePaysOurselves, InvoiceWithoutAmount
from lightning.networks import invoice_prefix
from lightning.outcomes import preimage_fits
from lightning.proto.lightning_pb2 import Invoice
from sunusav.core import clock
from tests.live_lnd.lab import AMOUNT_MSAT, Lab, reason, status
from transfers.types import NotSeen, Succeeded

SOON_SECONDS = 15


def test_payment_succeeds_with_preimage_and_settles_the_invoice(lab: Lab) -> None:
    made = lab.invoice()
    last = lab.sent("pay", made.text)[-1]
    assert (status(last), last.value_msat) == ("SUCCEEDED", AMOUNT_MSAT)
    assert preimage_fits(last.payment_hash, last.payment_preimage)
    assert last.payment_preimage == made.preimage.hex()
    invoice = lab.looked_up("the invoice", made.payment_hash)
    assert (invoice.state, invoice.amt_paid_msat) == (Invoice.SETTLED, AMOUNT_MSAT)
    assert invoice.settle_index > 0


def test_rail_pays_once_and_finds_the_same_payment_when_it_sends_again(lab: Lab) -> None:
    made = lab.invoice()
    order = lab.ordered(made)
    paid = lab.rail.send(order, now=clock.now())
    assert isinstance(paid, Succeeded)
    assert lab.rail.verify(order.reference, paid.proof)
    again = lab.rail.send(order, now=clock.now())
    assert isinstance(again, Succeeded)
    assert (again.proof, again.amount_msat, again.cost_msat) == (paid.proof, paid.amount_msat, paid.cost_msat)
    refused = lab.refused("pay again", lambda: list(lab.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.is_duplicate_payment
    assert lab.looked_up("the invoice", made.payment_hash).amt_paid_msat == AMOUNT_MSAT


def test_expired_invoice_is_refused_and_never_stored(lab: Lab) -> None:
    made = lab.invoice(valid_seconds=2)
    lab.backend.pass_time(4)
    refused = lab.refused("pay expired", lambda: list(lab.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert (refused.code, refused.mentions("invoice expired")) == ("UNKNOWN", True)
    unknown = lab.refused("track it", lambda: lab.tracked("", made.payment_hash))
    assert isinstance(unknown, NodeRefused)
    assert unknown.is_not_found


def test_expired_and_paid_invoice_is_refused_for_its_age_and_still_known_as_paid(lab: Lab) -> None:
    """Why an error of sending proves nothing about the money (lightning.md 0.2)."""
    made = lab.invoice(valid_seconds=SOON_SECONDS)
    assert status(lab.sent("pay", made.text)[-1]) == "SUCCEEDED"
    lab.backend.pass_time(SOON_SECONDS + 2)
    refused = lab.refused("pay again, expired", lambda: list(lab.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert (refused.code, refused.mentions("invoice expired")) == ("UNKNOWN", True)
    assert not refused.is_duplicate_payment
    assert status(lab.tracked("track it", made.payment_hash)) == "SUCCEEDED"


def test_fee_limit_of_zero_pays_over_the_direct_channel(lab: Lab) -> None:
    made = lab.invoice()
    last = lab.sent("pay for free", made.text, fee_limit_msat=0)[-1]
    assert (status(last), last.fee_msat) == ("SUCCEEDED", 0)


def test_amount_above_the_balance_fails_and_moves_nothing(lab: Lab) -> None:
    before = lab.local_msat()
    made = lab.invoice(before + AMOUNT_MSAT)
    last = lab.sent("pay too much", made.text)[-1]
    assert (status(last), reason(last)) == ("FAILED", "INSUFFICIENT_BALANCE")
    assert lab.local_msat() == before


def test_payment_to_the_own_node_is_refused_by_it_and_by_the_rail(lab: Lab) -> None:
    made = lab.invoice(of=lab.payer)
    refused = lab.refused("pay ourselves", lambda: list(lab.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("self-payments not allowed")
    with pytest.raises(InvoicePaysOurselves):
        lab.ordered(made)


def test_invoice_without_amount_is_refused_by_the_node_and_by_the_rail(lab: Lab) -> None:
    made = lab.invoice(0)
    refused = lab.refused("pay zero", lambda: list(lab.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("amount must be specified when paying a zero amount invoice")
    with pytest.raises(InvoiceWithoutAmount):
        lab.ordered(made)


def test_invoice_of_another_network_is_refused(lab: Lab) -> None:
    ours = invoice_prefix(lab.backend.payer.network)
    draft = bolt11.InvoiceDraft(
        network="tb" if ours == "bc" else "bc",
        timestamp=int(time.time()),
        payment_hash=sha256(secrets.token_bytes(32)).digest(),
        payment_secret=secrets.token_bytes(32),
        amount_msat=AMOUNT_MSAT,
        description="contract suite",
        features=1 << 8 | 1 << 14 | 1 << 17,
    )
    foreign = bolt11.encode(draft, secrets.token_bytes(32))
    refused = lab.refused("pay abroad", lambda: list(lab.start(foreign)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice not for current active network")


def test_cancelled_invoice_fails_with_incorrect_details(lab: Lab) -> None:
    made = lab.invoice()
    lab.recipient.cancel_invoice(made.payment_hash)
    last = lab.sent("pay cancelled", made.text)[-1]
    assert (status(last), reason(last)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")


def test_unknown_hash_is_not_found_and_not_seen(lab: Lab) -> None:
    unknown = lab.refused("track unknown", lambda: lab.tracked("", secrets.token_bytes(32)))
    assert isinstance(unknown, NodeRefused)
    assert (unknown.is_not_found, unknown.mentions("payment isn't initiated")) == (True, True)
    found = lab.rail.find(lab.ordered(lab.invoice()))
    assert isinstance(found, NotSeen)
    assert found.source == lab.payer.get_info().identity_pubkey


def test_hash_of_wrong_length_is_refused_and_not_called_unknown(lab: Lab) -> None:
    refused = lab.refused("track 31 bytes", lambda: lab.tracked("", bytes(31)))
    assert isinstance(refused, NodeRefused)
    assert not refused.is_not_found
