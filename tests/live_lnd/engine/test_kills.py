"""Workers are killed while they pay, and so is the node, both with SIGKILL."""

from __future__ import annotations

import signal

import pytest

from tests.crash.payouts import Order
from tests.crash.step_switch import Halt
from tests.live_lnd.engine.engine import PATIENCE_SECONDS, Engine
from tests.live_lnd.engine.failing import FailingInvoices
from tests.live_lnd.engine.worker import Plan
from tests.live_lnd.engine.workers import KILLED, RUN_EVERY_SECONDS
from tests.live_lnd.polling import eventually
from transfers.enums import AttemptState
from transfers.models import Attempt, Disbursement

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

SIDE_BY_SIDE = 8


def killed_at(*names: str, payments: int) -> Plan:
    halts = (Halt(signal.SIGKILL, names),)
    return Plan(slots=payments, limit=payments, every_seconds=RUN_EVERY_SECONDS, halts=halts)


# Each pays its share of ten payments side by side.
KILLS = (
    killed_at(*["before SendPaymentV2 leaves"] * 3, payments=4),
    killed_at(*["after send"] * 2, payments=3),
    killed_at("after send", "after INSERT", payments=3),
)


def test_payments_of_killed_workers_and_a_killed_node_are_each_paid_once(engine: Engine) -> None:
    """Three workers are killed. While their leases last, others are paid, and two that cannot be paid are replaced.

    What the node itself left in flight without end is not paid at all, and stays open in our books.
    """
    first = engine.payouts("first", 10)
    killed = engine.workers.start(*KILLS)
    assert [engine.workers.end_of(worker) for worker in killed] == [KILLED] * len(KILLS)
    print(f"three workers are killed: {engine.table()}")
    assert Disbursement.objects.exclude(state="completed").count() >= len(KILLS)

    failing, steady = FailingInvoices.order(engine), engine.workers.start_steady()
    failing.replace_when_failed()
    failing.require_right()
    second = kill_node_while_paying(engine, "second", seen_in=AttemptState.PREPARED)
    third = kill_node_while_paying(engine, "third", seen_in=AttemptState.SUCCEEDED)
    left = engine.finish(orders := [*first, *second, *third])
    engine.workers.stop(steady)

    for order in orders:
        paid = engine.wallets.paid(order["hash"]).payments
        assert paid == (0 if order in left else 1)
    for order in left:
        assert engine.wallets.state_of(order["hash"]) == "OPEN"
        assert engine.attempts(order)[-1].state == AttemptState.IN_FLIGHT
    engine.require_agreement()


def kill_node_while_paying(engine: Engine, name: str, *, seen_in: AttemptState) -> list[Order]:
    """Order payments; kill the node as soon as an attempt of one is seen in a state, and start it again."""
    orders = engine.payouts(name, SIDE_BY_SIDE)
    attempts = Attempt.objects.filter(disbursement_id__in=[order["id"] for order in orders])
    reached = attempts.filter(state=seen_in)
    eventually(reached.exists, within_seconds=PATIENCE_SECONDS, every_seconds=0.005)
    engine.network.platform.kill()
    completed = attempts.filter(state=AttemptState.SUCCEEDED).count()
    print(f"the node is killed when {completed} of {len(orders)} are completed")
    engine.start_platform()
    return orders
