"""Money in flight: our process dies, the recipient decides later, tracking tells the truth throughout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightning.client import NodeError, NodeRefused
from lightning.proto.lightning_pb2 import Invoice
from tests.live_lnd.lab import AMOUNT_MSAT, FEE_LIMIT_MSAT, Lab, Made, eventually, reason, status
from transfers.types import FindOutcome, Refused, Succeeded, Unknown

# The macaroon comes over standard input: arguments of a process are for all to read.
PAYING = """
import sys
from lightning.client import LndClient, NodeAccess
host, network, certificate, server_name, text, limit = sys.argv[1:]
access = NodeAccess(host, network, certificate, tls_server_name=server_name, macaroon_text=sys.stdin.readline().strip())
sending = LndClient(access).send_payment(
    payment_request=text, fee_limit_msat=int(limit), timeout_seconds=20, deadline_seconds=60
)
for payment in sending:
    if payment.htlcs:
        print("in flight", flush=True)
"""


def pay_and_die(lab: Lab, made: Made) -> None:
    """Pay from a process of its own, and kill that process once the money is in flight."""
    access = lab.backend.payer
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


def found(lab: Lab, made: Made) -> FindOutcome:
    return lab.rail.find(lab.ordered(made))


def test_held_payment_outlives_its_caller_and_fails_when_cancelled(lab: Lab) -> None:
    before, made = lab.local_msat(), lab.hold_invoice()
    pay_and_die(lab, made)
    lab.wait_until_accepted(made)
    payment = lab.tracked("in flight", made.payment_hash)
    assert (status(payment), len(payment.htlcs), payment.payment_preimage) == ("IN_FLIGHT", 1, "0" * 64)
    assert isinstance(found(lab, made), Unknown)
    again = lab.refused("pay again", lambda: list(lab.start(made.text)))
    assert isinstance(again, NodeRefused)
    assert (again.is_duplicate_payment, again.mentions("payment is in transition")) == (True, True)
    lab.recipient.cancel_invoice(made.payment_hash)
    last = lab.ended("cancelled", made.payment_hash)
    assert (status(last), reason(last)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    assert isinstance(found(lab, made), Refused)
    eventually(lambda: lab.local_msat() == before)


def test_held_payment_succeeds_when_settled_after_its_caller_died(lab: Lab) -> None:
    made = lab.hold_invoice()
    pay_and_die(lab, made)
    lab.wait_until_accepted(made)
    lab.told("settle", lambda: lab.settle(made))
    last = lab.ended("settled", made.payment_hash)
    assert (status(last), last.payment_preimage) == ("SUCCEEDED", made.preimage.hex())
    paid = found(lab, made)
    assert isinstance(paid, Succeeded)
    assert (paid.proof, paid.amount_msat) == (made.preimage.hex(), AMOUNT_MSAT)
    lab.told("settle again", lambda: lab.settle(made))


def test_balance_falls_while_in_flight_and_stays_down_by_amount_and_fee(lab: Lab) -> None:
    before, made = lab.local_msat(), lab.hold_invoice()
    stream = lab.start(made.text)
    lab.wait_until_accepted(made)
    held = lab.told("while in flight", lab.payer.channel_balance)
    assert held.local_balance.msat <= before - AMOUNT_MSAT
    assert held.unsettled_remote_balance.msat >= AMOUNT_MSAT
    stream.cancel()
    lab.settle(made)
    last = lab.ended("settled", made.payment_hash)
    eventually(lambda: lab.local_msat() == before - AMOUNT_MSAT - last.fee_msat)


def test_hold_invoice_is_settled_only_when_it_was_paid(lab: Lab) -> None:
    made = lab.hold_invoice()
    refused = lab.refused("settle unpaid", lambda: lab.settle(made))
    assert isinstance(refused, NodeRefused)
    assert refused.mentions("invoice still open")
    assert lab.looked_up("the invoice", made.payment_hash).state == Invoice.OPEN


def test_node_that_restarts_in_flight_resumes_the_payment(lab: Lab) -> None:
    process = lab.backend.process
    if process is None:
        pytest.skip("this suite does not restart real nodes: it runs on the simulated ones")
    made = lab.hold_invoice()
    stream = lab.start(made.text)
    lab.wait_until_accepted(made)
    process.restart()
    stream.cancel()
    eventually(lambda: _answers(lab))
    assert status(lab.tracked("after the restart", made.payment_hash)) == "IN_FLIGHT"
    lab.settle(made)
    assert status(lab.ended("settled", made.payment_hash)) == "SUCCEEDED"


def _answers(lab: Lab) -> bool:
    try:
        lab.recipient.get_info()
        return lab.payer.get_info().synced_to_chain
    except NodeError:
        return False
