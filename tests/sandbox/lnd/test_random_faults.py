"""Random faults and kills: money is conserved and an invoice is paid at most once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.wire import Wire

PAYMENTS, ROUNDS, SEED = 40, 3, 20_261_122
SCRIPTS: list[list[dict[str, Any]]] = [
    [],
    [{"do": "drop", "at": "created"}],
    [{"do": "drop", "at": "resolved"}],
    [{"do": "hang", "at": "in_flight"}],
    [{"do": "fail", "reason": "NO_ROUTE"}],
    [{"do": "fail", "reason": "TIMEOUT"}, {"do": "in_flight", "seconds": 0.05}],
    [{"do": "delay", "at": "created", "seconds": 0.05}],
    [{"do": "hold", "at": "in_flight"}],
    [{"do": "hold", "at": "arrived"}],
    [{"do": "stuck"}],
]


def pay(world: SimulatorProcess, payment_request: str) -> None:
    try:
        Wire(world.node("platform")).send(payment_request, deadline=0.5)
    except grpc.RpcError:
        return


def holdings(world: SimulatorProcess, name: str) -> int:
    facts = world.control.nodes()[name]
    return int(
        facts["local_msat"] + facts["remote_msat"] + facts["unsettled_out_msat"] + facts["unsettled_in_msat"]
    )


def test_random_faults_pay_no_invoice_twice_and_lose_no_msat(own_world: SimulatorProcess) -> None:
    chance, control = random.Random(SEED), own_world.control
    invoices = [control.invoice("wallets", 1_000 + number) for number in range(PAYMENTS)]
    before = {name: holdings(own_world, name) for name in ("platform", "wallets")}
    for invoice in invoices:
        steps = chance.choice(SCRIPTS)
        if steps:
            control.script("platform", *steps, payment_hash=invoice["payment_hash"], count=1)
    with ThreadPoolExecutor(8) as threads:
        for number in range(ROUNDS):
            sent = [threads.submit(pay, own_world, invoice["payment_request"]) for invoice in invoices * 2]
            if number < ROUNDS - 1:
                own_world.restart()
            for future in sent:
                future.result()
    control.release("platform")
    _assert_paid_once(own_world, invoices, before)


def _settled_state(world: SimulatorProcess) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return payments and invoices that belong together: read both until no payment ended in between."""
    for _ in range(200):
        before = world.control.payments("platform")
        invoiced = world.control.invoices("wallets")
        if world.control.payments("platform") == before:
            return before, invoiced
        time.sleep(0.05)
    raise AssertionError("the payments do not stop changing")


def _assert_paid_once(
    world: SimulatorProcess, invoices: list[dict[str, Any]], before: dict[str, int]
) -> None:
    ours = {invoice["payment_hash"] for invoice in invoices}
    rows, invoiced = _settled_state(world)
    rows = [row for row in rows if row["payment_hash"] in ours]
    paid = [row["payment_hash"] for row in rows if row["status"] == "SUCCEEDED"]
    settled = [row for row in invoiced if row["payment_hash"] in ours and row["state"] == "SETTLED"]
    assert len(paid) == len(set(paid))
    assert set(paid) == {row["payment_hash"] for row in settled}
    assert max(row["successes"] for row in rows) == 1
    assert {name: holdings(world, name) for name in before} == before
    assert len(paid) > PAYMENTS // 2
