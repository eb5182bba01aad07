"""Scenarios of the driver: kills around the send, many requests at once, and many random kills.

Import it after Django is set up.
"""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from lightning.bolt11 import decode
from payouts.services.cycles import set_destination
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.roles import Role
from tests.crash.driver import (
    control,
    forked,
    new_payout,
    recover,
    result_of,
    run_at_once,
    run_later,
    run_with_kill_switch,
    start,
    summary,
    wait,
)
from tests.crash.payouts import MSAT, NET_SATS
from tests.crash.step_switch import STEP_SWITCH, Halt
from tests.factories.payouts import make_group, make_ready_cycle
from tests.factories.users import client_in
from transfers.models import Disbursement
from transfers.types import Destination

Order = dict[str, Any]
KILLED = -signal.SIGKILL
# The clocks of the workers after a restart. Within 60 s of a crash every payment has ended or
# waits for a stated reason.
AFTER_RESTART = tuple(timedelta(seconds=seconds) for seconds in (20, 40, 60))
BATCH, KILLS_PER_PAYOUT, KILLS_PER_CLEAN_RUN, LAST_STEP = 50, 2, 5, 120


def kills_around_the_send() -> dict[str, Any]:
    """Kill a worker before, during and after the send, and after the answer; restart; allow a minute."""
    results = []
    for name, kill in KILLS.items():
        order = new_payout(f"kill-{name}")
        assert kill(order) == KILLED, f"{name}: the worker was not killed"
        results.append({"kill": name, "recovered_within": recovered_within(order), **result_of(order)})
    return {"results": results, **summary(results)}


def recovered_within(order: Order) -> int | None:
    """Run workers after a restart; return the second by which the payout was completed."""
    for offset in AFTER_RESTART:
        assert forked(partial(run_later, offset)) == 0, "a worker failed without being killed"
        control().release("platform", payment_hash=order["hash"])
        if result_of(order)["state"] == "completed":
            return int(offset.total_seconds())
    return None


def killed_at(*names: str) -> Callable[[Order], int]:
    """Return a run of a worker that is killed at the last of these steps."""
    return lambda _: forked(partial(_run_until, names))


def killed_while_node_is_at(phase: str) -> Callable[[Order], int]:
    """Return a run of a worker that is killed while the node holds its payment at a phase."""

    def run(order: Order) -> int:
        control().script("platform", {"do": "hold", "at": phase}, payment_hash=order["hash"], count=1)
        worker = start(partial(run_later, timedelta(0)))
        assert control().wait("platform", phase, payment_hash=order["hash"]) == 1
        os.kill(worker, signal.SIGKILL)
        return wait(worker)

    return run


KILLS: dict[str, Callable[[Order], int]] = {
    "before the attempt is committed": killed_at("after prepare", "before COMMIT"),
    "before the send": killed_at("before send"),
    "during the send, before the node received it": killed_while_node_is_at("arrived"),
    "during the send, no HTLC yet": killed_while_node_is_at("created"),
    "during the send, an HTLC is in flight": killed_while_node_is_at("in_flight"),
    "during the send, paid but not answered": killed_while_node_is_at("resolved"),
    "after the send, before the answer is stored": killed_at("after send"),
    "after the answer, between two journal entries": killed_at("after send", "after INSERT"),
    "after the answer, before its COMMIT": killed_at("after send", "before COMMIT"),
    "after the answer was stored": killed_at("after send", "after COMMIT"),
}


def many_requests(callers: int = 16, workers: int = 4) -> dict[str, Any]:
    """Have many processes request the payout of one cycle over HTTP at the same moment, then let workers pay."""
    cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
    invoice = control().invoice("wallets", NET_SATS * MSAT, expiry=86_400)["payment_request"]
    destination = Destination("lightning", "bolt11", invoice)
    set_destination(cycle_id=cycle.pk, destination=destination, actor=Actor.system("crash"), now=clock.now())
    client = client_in(Role.PLATFORM)
    barrier = multiprocessing.get_context("fork").Barrier(callers)
    calls = [start(partial(_process_at_once, client, cycle.pk, barrier)) for _ in range(callers)]
    answers = [200 + wait(call) for call in calls]
    rows = list(Disbursement.objects.filter(subject=f"cycle:{cycle.pk}").values_list("id", flat=True))
    ready = multiprocessing.get_context("fork").Barrier(workers)
    statuses = [wait(child) for child in [start(partial(run_at_once, ready)) for _ in range(workers)]]
    result = result_of({"id": rows[0], "hash": decode(invoice).payment_hash.hex()})
    return {"answers": answers, "disbursements": len(rows), "statuses": statuses, **summary([result])}


def many_kills(kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill workers at random steps while payouts keep coming; check batch by batch."""
    rng, killed = random.Random(seed), 0
    results: list[dict[str, Any]] = []
    while killed < kills:
        orders: list[Order] = []
        for number in range(min(BATCH, kills - killed)):
            if number % KILLS_PER_PAYOUT == 0:
                orders.append(new_payout(f"soak-{seed}-{len(results) + len(orders)}"))
            was_killed = forked(partial(run_with_kill_switch, rng.randint(1, LAST_STEP))) == KILLED
            killed += was_killed
            if number % KILLS_PER_CLEAN_RUN == 0:
                forked(partial(run_later, timedelta(seconds=rng.choice((0, 25, 45)))))
        recover()
        results += [result_of(order) for order in orders]
    return {"killed": killed, "seed": seed, **summary(results)}


def _run_until(names: tuple[str, ...]) -> None:
    STEP_SWITCH.watch_databases()
    STEP_SWITCH.plan(Halt(signal.SIGKILL, names))
    run_later(timedelta(0))


def _process_at_once(client: Any, cycle_id: str, barrier: Any) -> None:
    """Request the payout; exit with 0 for an answer 200, 2 for 202 and 1 for any other."""
    barrier.wait()
    answer = client.post("/monetization/payouts/process", {"cycle_id": cycle_id})
    os._exit({200: 0, 202: 2}.get(answer.status_code, 1))
