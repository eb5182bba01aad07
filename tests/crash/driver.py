"""Runs payouts in forked workers that are killed at chosen steps, on a real database and a simulated node.

A process of its own, since it forks: `python -m tests.crash.driver SCENARIO`, with MONETIZATION_DATABASE_URL, LND_*
and CRASH_CONTROL_PORT set. Prints one JSON object. The verdict comes from the node's record and our books.
"""

import json
import multiprocessing
import os
import random
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.test.utils import override_settings

PAYOUT_SATS = 100_000
NET_SATS = 99_000
FUSED = {"lightning": "tests.crash.rails.KillSwitchRail"}
SCRIPTED = {"lightning": "tests.fakes.collector.ScriptedCollector"}
MSAT = 1_000
BATCH = 3
# Past the lease of a killed worker, and past what one waits before asking again.
LATER = (timedelta(seconds=25), timedelta(seconds=50), timedelta(seconds=75))


def main(arguments: list[str]) -> int:
    django.setup()
    with override_settings(RAILS=FUSED, COLLECTORS=SCRIPTED):
        print(json.dumps(_scenario(arguments[0])(*map(int, arguments[1:]))))
    return 0


def _scenario(name: str) -> Callable[..., dict[str, Any]]:
    from tests.crash import chaos, kills, slowness

    scenarios: dict[str, Callable[..., dict[str, Any]]] = {
        "every-step": every_step,
        "every-step-of-a-batch": every_step_of_a_batch,
        "random-kills": random_kills,
        "many-workers": many_workers,
        "kills-around-the-send": kills.kills_around_the_send,
        "many-requests": kills.many_requests,
        "many-kills": kills.many_kills,
        "one-slow": slowness.one_slow,
        "chaos": chaos.chaos,
    }
    return scenarios[name]


def every_step(first: int = 1, stride: int = 1) -> dict[str, Any]:
    """Kill one worker at its first step, the next at its second, ... until one lives; recover each."""
    stories = []
    step, survived = first, False
    while not survived:
        order = new_payout(f"step-{step}")
        status = forked(partial(run_with_kill_switch, step))
        survived = status == 0
        recover()
        stories.append({"step": step, "killed": not survived, **judge(order)})
        step += stride
    return summary(stories)


def every_step_of_a_batch(first: int = 1, stride: int = 1) -> dict[str, Any]:
    """As `every_step`, of workers that pay three at once, their calls to the node side by side."""
    stories = []
    step, survived = first, False
    while not survived:
        orders = [new_payout(f"batch-{step}-{number}") for number in range(BATCH)]
        survived = forked(partial(run_with_kill_switch, step, slots=BATCH)) == 0
        recover(slots=BATCH)
        stories += [{"step": step, **judge(order)} for order in orders]
        step += stride
    return {"steps": step - first, **summary(stories)}


def random_kills(payouts: int = 50, seed: int = 0, slots: int = 1) -> dict[str, Any]:
    """Pay many at once by workers that are killed at random steps, then let clean workers finish."""
    dice = random.Random(seed)
    orders = [new_payout(f"random-{seed}-{number}") for number in range(payouts)]
    for _ in range(payouts // 4):
        forked(partial(run_with_kill_switch, dice.randint(1, 200), slots=slots))
        forked(partial(run_later, timedelta(seconds=dice.randint(0, 60)), slots=slots))
    recover(slots=slots)
    return {"seed": seed, **summary([judge(order) for order in orders])}


def many_workers(workers: int = 16, payouts: int = 200, slots: int = 1) -> dict[str, Any]:
    """Have many workers fall upon many due payouts at the same moment."""
    orders = [new_payout(f"many-{slots}-{number}") for number in range(payouts)]
    close_connections()
    barrier = multiprocessing.get_context("fork").Barrier(workers)
    children = [start(partial(run_at_once, barrier, slots=slots)) for _ in range(workers)]
    statuses = [wait(child) for child in children]
    recover()
    return {"statuses": statuses, **summary([judge(order) for order in orders])}


def new_payout(name: str) -> dict[str, Any]:
    """Fund a pot, take an invoice of the winner's wallet for the net, and order the payment."""
    from fees.types import PricedFor
    from ledger.enums import AccountRole, Currency
    from ledger.services import post
    from ledger.types import AccountRef, Line
    from sunusav.core import clock
    from sunusav.core.actors import Actor
    from transfers.services.disbursements import request_disbursement
    from transfers.types import Destination, DisbursementRequest

    now, subject = clock.now(), f"cycle:{name}"
    pot = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject)
    node = AccountRef(AccountRole.NODE, Currency.MSAT)
    amount = PAYOUT_SATS * MSAT
    post(kind="receipt_for_test", reference=f"fund:{subject}", lines=[Line(node, amount), Line(pot, -amount)], at=now,
         subject=subject)  # fmt: skip
    invoice = control().invoice("wallets", NET_SATS * MSAT, expiry=86_400)
    request = DisbursementRequest(
        subject=subject, payout_sats=PAYOUT_SATS, debit=pot,
        priced_for=PricedFor("group:crash", f"user:{name}", "wave"),
        destination=Destination("lightning", "bolt11", invoice["payment_request"]),
    )  # fmt: skip
    disbursement_id = request_disbursement(request=request, actor=Actor.system("crash"), now=now)
    return {"id": disbursement_id, "subject": subject, "hash": invoice["payment_hash"]}


def run_with_kill_switch(step: int, *, slots: int = 1) -> None:
    from tests.crash.kill_switch import KILL_SWITCH

    KILL_SWITCH.watch_databases()
    KILL_SWITCH.at = step
    run_later(timedelta(0), slots=slots)


def run_later(offset: timedelta, *, slots: int = 1) -> None:
    """Work like a worker whose clock is ahead."""
    from sunusav.core import clock
    from transfers.engine.runner import run_due

    def later() -> datetime:
        return clock.now() + offset

    run_due(slots=slots, clock=later)


def run_at_once(barrier: Any, *, slots: int = 1) -> None:
    """Work like one of many workers that wake at the same moment."""
    barrier.wait()
    run_later(timedelta(0), slots=slots)


def recover(*, slots: int = 1) -> None:
    """Let clean workers come, as they would within a minute and a quarter."""
    for offset in LATER:
        assert forked(partial(run_later, offset, slots=slots)) == 0, "a clean worker died"


def judge(order: dict[str, Any]) -> dict[str, Any]:
    """Compare the node's record with our books for one payout."""
    from transfers.models import Disbursement

    row = Disbursement.objects.get(pk=order["id"])
    paid = [
        line for line in control().payments_of("platform", order["hash"]) if line["status"] == "SUCCEEDED"
    ]
    return {
        "state": row.state,
        "payments": sum(line["successes"] for line in paid),
        "paid_msat": sum(line["value_msat"] * line["successes"] for line in paid),
        "attempts": list(row.attempts.order_by("number").values_list("state", flat=True)),
    }


def summary(stories: list[dict[str, Any]]) -> dict[str, Any]:
    from ledger.auditor import audit
    from sunusav.core import clock

    right = {"state": "completed", "payments": 1, "paid_msat": NET_SATS * MSAT, "attempts": ["succeeded"]}
    wrong = [story for story in stories if not right.items() <= story.items()]
    report = audit(now=clock.now())
    breaches = [f"{breach.invariant} {breach.subject}: {breach.detail}" for breach in report.breaches]
    return {"payouts": len(stories), "wrong": wrong, "breaches": breaches}


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
