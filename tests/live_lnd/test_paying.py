"""Paying: once, twice, expired, above the balance, to our own node, on another network."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from hashlib import sha256

import pytest

from lightning import bolt11
from lightning.client import NodeRefused, NodeTooLate
from lightning.errors import InvoicePaysOurselves, InvoiceWithoutAmount
from lightning.networks import invoice_prefix
from lightning.outcomes import preimage_fits
from lightning.proto.lightning_pb2 import Invoice
from tests.live_lnd.node_pair import AMOUNT_MSAT, NodePair, deadline, reason, status
from transfers.types import NotSeen, Succeeded

SOON_SECONDS = 15


def test_payment_succeeds_with_preimage_and_settles_the_invoice(pair: NodePair) -> None:
    made = pair.invoice()
    last = pair.sent("pay", made.text)[-1]
    assert (status(last), last.value_msat) == ("SUCCEEDED", AMOUNT_MSAT)
    assert preimage_fits(last.payment_hash, last.payment_preimage)
    assert last.payment_preimage == made.preimage.hex()
    invoice = pair.looked_up("the invoice", made.payment_hash)
    assert (invoice.state, invoice.amt_paid_msat) == (Invoice.SETTLED, AMOUNT_MSAT)
    assert invoice.settle_index > 0


def test_rail_sending_twice_pays_once_and_finds_the_same_payment(pair: NodePair) -> None:
    made = pair.invoice()
    order = pair.ordered(made)
    paid = pair.rail.send(order, deadline=deadline())
    assert isinstance(paid, Succeeded)
    assert pair.rail.verify(order.reference, paid.proof)
    again = pair.rail.send(order, deadline=deadline())
    assert isinstance(again, Succeeded)
    assert (again.proof, again.amount, again.cost) == (paid.proof, paid.amount, paid.cost)
    refused = pair.refused("pay again", lambda: list(pair.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.is_duplicate_payment
    assert pair.looked_up("the invoice", made.payment_hash).amt_paid_msat == AMOUNT_MSAT


def test_payment_received_after_its_deadline_is_refused_and_not_stored(pair: NodePair) -> None:
    """A macaroon narrowed for one call is the fence: the node itself refuses what comes late."""
    made, soon = pair.invoice(), timedelta(seconds=SOON_SECONDS)
    late = pair.refused("pay late", lambda: list(pair.start(made.text, not_after=-soon)))
    assert isinstance(late, NodeTooLate)
    assert late.code == "UNKNOWN"
    unknown = pair.refused("track it", lambda: pair.tracked("", made.payment_hash))
    assert isinstance(unknown, NodeRefused)
    assert unknown.is_not_found
    with pair.start(made.text, not_after=soon) as stream:
        assert status(list(stream)[-1]) == "SUCCEEDED"


def test_pay_expired_invoice_is_refused_and_not_stored(pair: NodePair) -> None:
    made = pair.invoice(valid_seconds=2)
    pair.backend.pass_time(4)
    refused = pair.refused("pay expired", lambda: list(pair.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert (refused.code, refused.mentions("invoice expired")) == ("UNKNOWN", True)
    unknown = pair.refused("track it", lambda: pair.tracked("", made.payment_hash))
    assert isinstance(unknown, NodeRefused)
    assert unknown.is_not_found


def test_pay_expired_and_paid_invoice_is_refused_and_still_found_paid(pair: NodePair) -> None:
    """An error of sending does not show whether the money left."""
    made = pair.invoice(valid_seconds=SOON_SECONDS)
    assert status(pair.sent("pay", made.text)[-1]) == "SUCCEEDED"
    pair.backend.pass_time(SOON_SECONDS + 2)
    refused = pair.refused("pay again, expired", lambda: list(pair.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert (refused.code, refused.mentions("invoice expired")) == ("UNKNOWN", True)
    assert not refused.is_duplicate_payment
    assert status(pair.tracked("track it", made.payment_hash)) == "SUCCEEDED"


def test_fee_limit_of_zero_pays_over_the_direct_channel(pair: NodePair) -> None:
    made = pair.invoice()
    last = pair.sent("pay for free", made.text, fee_limit_msat=0)[-1]
    assert (status(last), last.fee_msat) == ("SUCCEEDED", 0)


def test_amount_above_the_balance_fails_and_moves_nothing(pair: NodePair) -> None:
    before = pair.local_msat()
    made = pair.invoice(before + AMOUNT_MSAT)
    last = pair.sent("pay too much", made.text)[-1]
    assert (status(last), reason(last)) == ("FAILED", "INSUFFICIENT_BALANCE")
    assert pair.local_msat() == before


def test_pay_own_node_is_refused_by_node_and_rail(pair: NodePair) -> None:
    made = pair.invoice(of=pair.payer)
    refused = pair.refused("pay ourselves", lambda: list(pair.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("self-payments not allowed")
    with pytest.raises(InvoicePaysOurselves):
        pair.ordered(made)


def test_pay_invoice_without_amount_is_refused_by_node_and_rail(pair: NodePair) -> None:
    made = pair.invoice(0)
    refused = pair.refused("pay zero", lambda: list(pair.start(made.text)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("amount must be specified when paying a zero amount invoice")
    with pytest.raises(InvoiceWithoutAmount):
        pair.ordered(made)


def test_pay_invoice_of_another_network_is_refused(pair: NodePair) -> None:
    ours = invoice_prefix(pair.backend.payer.network)
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
    refused = pair.refused("pay abroad", lambda: list(pair.start(foreign)))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice not for current active network")


def test_pay_cancelled_invoice_fails_with_incorrect_details(pair: NodePair) -> None:
    made = pair.invoice()
    pair.recipient.cancel_invoice(made.payment_hash)
    last = pair.sent("pay cancelled", made.text)[-1]
    assert (status(last), reason(last)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    pair.tracked_without_attempts("track it", made.payment_hash)


def test_track_unknown_hash_is_not_found_and_not_seen(pair: NodePair) -> None:
    unknown = pair.refused("track unknown", lambda: pair.tracked("", secrets.token_bytes(32)))
    assert isinstance(unknown, NodeRefused)
    assert (unknown.is_not_found, unknown.mentions("payment isn't initiated")) == (True, True)
    found = pair.rail.find(pair.ordered(pair.invoice()))
    assert isinstance(found, NotSeen)
    assert found.source == pair.payer.get_info().identity_pubkey


def test_track_hash_of_wrong_length_is_refused_and_not_not_found(pair: NodePair) -> None:
    refused = pair.refused("track 31 bytes", lambda: pair.tracked("", bytes(31)))
    assert isinstance(refused, NodeRefused)
    assert not refused.is_not_found
