"""Run payouts in forked workers that are killed or frozen at chosen steps, on a real database and a simulated node.

It forks and therefore runs as a separate process: `python -m tests.crash.driver SCENARIO`, with
MONETIZATION_DATABASE_URL, LND_* and CRASH_CONTROL_PORT set. It prints one JSON object, made from the node's record
and our books.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.test.utils import override_settings

from tests.crash.wallets import SimulatedWallets, WalletInvoice

WITH_STEPS = {"lightning": "tests.crash.rails.SteppedRail"}
SCRIPTED_COLLECTOR = {"lightning": "tests.fakes.collector.ScriptedCollector"}
BATCH = 3
# Longer than the lease of a killed worker, and longer than the wait before the node is queried again.
LATER = (timedelta(seconds=25), timedelta(seconds=50), timedelta(seconds=75))


def main(arguments: list[str]) -> int:
    django.setup()
    from tests.support.subjects import made_up_subjects

    with override_settings(RAILS=WITH_STEPS, COLLECTORS=SCRIPTED_COLLECTOR), made_up_subjects():
        print(json.dumps(_scenario(arguments[0])(*map(int, arguments[1:]))))
    return 0


def _scenario(name: str) -> Callable[..., dict[str, Any]]:
    from tests.crash import chaos, freezes, kills, partners, refunds, second_choices, settlements, slowness

    scenarios: dict[str, Callable[..., dict[str, Any]]] = {
        "every-step": every_step,
        "every-step-of-a-batch": every_step_of_a_batch,
        "every-step-of-a-refund": refunds.every_step_of_a_refund,
        "random-kills": random_kills,
        "many-workers": many_workers,
        "kills-around-the-send": kills.kills_around_the_send,
        "many-requests": kills.many_requests,
        "many-kills": kills.many_kills,
        "one-slow": slowness.one_slow,
        "chaos": chaos.run_chaos,
        "stale-senders": freezes.stale_senders,
        "stale-refunds": freezes.stale_refunds,
        "freeze-at-every-step": freezes.freeze_at_every_step,
        "frozen-while-opening": freezes.frozen_while_opening,
        "thaws-after-deadline": freezes.thaws_after_deadline,
        "second-choices": second_choices.second_choices,
        "partner-steps": partners.partner_steps,
        "settlement-steps": settlements.settlement_steps,
    }
    return scenarios[name]


def every_step(
    first: int = 1, stride: int = 1, *, new_order: Callable[[str], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Kill one worker at its first step, the next at its second, ... until one finishes; recover each payout."""
    results = []
    step, survived = first, False
    while not survived:
        order = (new_order or new_payout)(f"step-{step}")
        status = forked(partial(run_with_kill_switch, step))
        survived = status == 0
        recover()
        results.append({"step": step, "killed": not survived, **result_of(order)})
        step += stride
    return summary(results)


def every_step_of_a_batch(first: int = 1, stride: int = 1) -> dict[str, Any]:
    """As `every_step`, with workers that pay three at once in concurrent calls to the node."""
    results = []
    step, survived = first, False
    while not survived:
        orders = [new_payout(f"batch-{step}-{number}") for number in range(BATCH)]
        survived = forked(partial(run_with_kill_switch, step, slots=BATCH)) == 0
        recover(slots=BATCH)
        results += [{"step": step, **result_of(order)} for order in orders]
        step += stride
    return {"steps": step - first, **summary(results)}


def random_kills(payouts: int = 50, seed: int = 0, slots: int = 1) -> dict[str, Any]:
    """Pay many payouts with workers that are killed at random steps, then let other workers finish."""
    rng = random.Random(seed)
    orders = [new_payout(f"random-{seed}-{number}") for number in range(payouts)]
    for _ in range(payouts // 4):
        forked(partial(run_with_kill_switch, rng.randint(1, 200), slots=slots))
        forked(partial(run_later, timedelta(seconds=rng.randint(0, 60)), slots=slots))
    recover(slots=slots)
    return {"seed": seed, **summary([result_of(order) for order in orders])}


def many_workers(workers: int = 16, payouts: int = 200, slots: int = 1) -> dict[str, Any]:
    """Have many workers start on many due payouts at the same moment."""
    orders = [new_payout(f"many-{slots}-{number}") for number in range(payouts)]
    close_connections()
    barrier = multiprocessing.get_context("fork").Barrier(workers)
    children = [start(partial(run_at_once, barrier, slots=slots)) for _ in range(workers)]
    statuses = [wait(child) for child in children]
    recover()
    return {"statuses": statuses, **summary([result_of(order) for order in orders])}


def new_payout(name: str, *, now: datetime | None = None, lightning_address: str = "") -> dict[str, Any]:
    """Fund a pot, and order the payment to an address, or to an invoice of the winner's wallet for the net."""
    from sunusav.core import clock
    from tests.crash import payouts
    from transfers.types import Destination

    if not lightning_address:
        return payouts.new_payout(name, new_invoice(f"cycle:{name}"), now=now)
    now, subject = now or clock.now(), f"cycle:{name}"
    payouts.fund(subject, now=now)
    return payouts.order(subject, Destination("lightning", "lightning_address", lightning_address), now=now)


def new_invoice(memo: str) -> WalletInvoice:
    """Return an invoice of the winner's wallet for the net."""
    from tests.crash import payouts

    return payouts.new_invoice(wallets(), memo)


def run_with_kill_switch(step: int, *, slots: int = 1) -> None:
    from tests.crash.step_switch import STEP_SWITCH, Halt

    STEP_SWITCH.watch_databases()
    STEP_SWITCH.plan(Halt(signal.SIGKILL, after=step))
    run_later(timedelta(0), slots=slots)


def run_later(offset: timedelta, *, slots: int = 1) -> None:
    """Run a worker whose clock is ahead by `offset`, and so is the node's."""
    from sunusav.core import clock
    from transfers.engine.runner import run_due

    control().set_clock(offset_seconds=int(offset.total_seconds()))

    def later() -> datetime:
        return clock.now() + offset

    run_due(slots=slots, clock=later)


def run_at_once(barrier: Any, *, slots: int = 1) -> None:
    """Run one of many workers that start at the same moment."""
    barrier.wait()
    run_later(timedelta(0), slots=slots)


def recover(*, slots: int = 1) -> None:
    """Run workers that are not killed, with the clocks of the next 75 seconds."""
    for offset in LATER:
        assert forked(partial(run_later, offset, slots=slots)) == 0, "a worker failed without being killed"


def result_of(order: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a payout in our books and what the node has paid for it."""
    from tests.crash import payouts

    return payouts.result_of(order, wallets())


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    from tests.crash import payouts

    return payouts.summary(results)


def wallets() -> SimulatedWallets:
    return SimulatedWallets(control())


def control() -> Any:
    from sandbox.lnd.control import Control

    return Control(int(os.environ["CRASH_CONTROL_PORT"]))


def forked(work: Callable[[], Any]) -> int:
    """Run work in a child; return its exit status (-9 when it was killed)."""
    return wait(start(work))


def start(work: Callable[[], Any]) -> int:
    close_connections()
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def close_connections() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sunusav.settings.test")
    assert settings is not None
    sys.exit(main(sys.argv[1:]))
