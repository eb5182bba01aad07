"""Money in flight: our process is killed, the recipient decides later, and tracking returns the state throughout."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lightning.client import NodeError, NodeRefused
from lightning.proto.lightning_pb2 import Invoice
from tests.live_lnd.node_pair import (
    AMOUNT_MSAT,
    FEE_LIMIT_MSAT,
    NewInvoice,
    NodePair,
    reason,
    status,
)
from tests.live_lnd.polling import eventually
from transfers.types import FindOutcome, Refused, Succeeded, Unknown

# The macaroon is passed by standard input: every user can read the arguments of a process.
PAYING = """
import sys
from datetime import UTC, datetime, timedelta
from lightning.client import LndClient, NodeAccess
from sunusav.core.deadlines import Deadline, boottime_ns
host, network, certificate, server_name, text, limit = sys.argv[1:]
access = NodeAccess(host, network, certificate, tls_server_name=server_name, macaroon_text=sys.stdin.readline().strip())
sending = LndClient(access).send_payment(
    payment_request=text, fee_limit_msat=int(limit), timeout_seconds=20, stream_seconds=60,
    deadline=Deadline.after(timedelta(days=1), at=datetime.now(UTC) + timedelta(days=1), read_at_ns=boottime_ns()),
)
for payment in sending:
    if payment.htlcs or payment.failure_reason:
        print("in flight" if not payment.failure_reason else payment.failure_reason, flush=True)
"""


def pay_and_kill_caller(pair: NodePair, made: NewInvoice) -> None:
    """Pay from a separate process, and kill it when the money is in flight."""
    access = pair.backend.payer
    arguments = [
        access.host,
        access.network,
        access.tls_cert_path,
        access.tls_server_name,
        made.text,
        str(FEE_LIMIT_MSAT),
    ]
    with subprocess.Popen(
        [sys.executable, "-c", PAYING, *arguments],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "GRPC_VERBOSITY": "NONE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(access.macaroon().hex() + "\n")
        child.stdin.flush()
        line = child.stdout.readline()
        child.kill()
    assert line == "in flight\n"


def found(pair: NodePair, made: NewInvoice) -> FindOutcome:
    return pair.rail.find(pair.ordered(made))


def test_held_payment_of_killed_caller_fails_when_cancelled(pair: NodePair) -> None:
    before, made = pair.local_msat(), pair.hold_invoice()
    pay_and_kill_caller(pair, made)
    pair.wait_until_accepted(made)
    payment = pair.tracked("in flight", made.payment_hash)
    assert (status(payment), len(payment.htlcs), payment.payment_preimage) == ("IN_FLIGHT", 1, "0" * 64)
    assert isinstance(found(pair, made), Unknown)
    again = pair.refused("pay again", lambda: list(pair.start(made.text)))
    assert isinstance(again, NodeRefused)
    assert (again.is_duplicate_payment, again.mentions("payment is in transition")) == (True, True)
    pair.looked_up("accepted", made.payment_hash)
    last = pair.ended(
        "cancelled", made.payment_hash, lambda: pair.recipient.cancel_invoice(made.payment_hash)
    )
    assert (status(last), reason(last)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    assert isinstance(found(pair, made), Refused)
    assert pair.local_msat() == before
    pair.looked_up("cancelled invoice", made.payment_hash)
    pair.tracked_without_attempts("cancelled payment", made.payment_hash)


def test_held_payment_of_killed_caller_succeeds_when_settled(pair: NodePair) -> None:
    made = pair.hold_invoice()
    pay_and_kill_caller(pair, made)
    pair.wait_until_accepted(made)
    last = pair.ended("settled", made.payment_hash, lambda: pair.settle(made))
    assert (status(last), last.payment_preimage) == ("SUCCEEDED", made.preimage.hex())
    paid = found(pair, made)
    assert isinstance(paid, Succeeded)
    assert (paid.proof, paid.amount.amount) == (made.preimage.hex(), AMOUNT_MSAT)
    pair.looked_up("settled invoice", made.payment_hash)
    pair.call("settle again", lambda: pair.settle(made))


def test_balance_in_flight_falls_by_amount_and_fee(pair: NodePair) -> None:
    before, made = pair.local_msat(), pair.hold_invoice()
    stream = pair.start(made.text)
    pair.wait_until_accepted(made)
    held = pair.call("while in flight", pair.payer.channel_balance)
    assert held.local_balance.msat <= before - AMOUNT_MSAT
    assert held.unsettled_remote_balance.msat >= AMOUNT_MSAT
    stream.cancel()
    last = pair.ended("settled", made.payment_hash, lambda: pair.settle(made))
    assert pair.local_msat() == before - AMOUNT_MSAT - last.fee_msat


def test_balance_of_the_suite_is_read_once_no_htlc_is_open(pair: NodePair) -> None:
    before, made = pair.local_msat(), pair.hold_invoice()
    stream = pair.start(made.text)
    pair.wait_until_accepted(made)
    cancelling = threading.Timer(0.5, lambda: pair.recipient.cancel_invoice(made.payment_hash))
    cancelling.start()
    assert pair.local_msat() == before
    cancelling.join()
    stream.cancel()


def test_settle_unpaid_hold_invoice_is_refused(pair: NodePair) -> None:
    made = pair.hold_invoice()
    refused = pair.refused("settle unpaid", lambda: pair.settle(made))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice still open")
    assert pair.looked_up("the invoice", made.payment_hash).state == Invoice.OPEN


def test_node_restarted_in_flight_resumes_the_payment(pair: NodePair) -> None:
    restart = pair.backend.restart
    if restart is None:
        pytest.skip("this suite restarts its own nodes only, and those of the environment are not")
    made = pair.hold_invoice()
    stream = pair.start(made.text)
    pair.wait_until_accepted(made)
    restart()
    stream.cancel()
    eventually(lambda: _answers(pair))
    assert status(pair.tracked("after the restart", made.payment_hash)) == "IN_FLIGHT"
    assert status(pair.ended("settled", made.payment_hash, lambda: pair.settle(made))) == "SUCCEEDED"


def _answers(pair: NodePair) -> bool:
    try:
        pair.recipient.get_info()
        return pair.payer.get_info().synced_to_chain
    except NodeError:
        return False
