"""Scenarios of the driver: deaths around the send, many requests at once, and a long row of deaths.

Imported once Django is set up. The verdict comes from the node's record and our books, as in the driver.
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
    MSAT,
    NET_SATS,
    control,
    forked,
    judge,
    new_payout,
    recover,
    run_at_once,
    run_later,
    run_with_kill_switch,
    start,
    summary,
    wait,
)
from tests.crash.kill_switch import KILL_SWITCH
from tests.factories.payouts import make_group, make_ready_cycle
from tests.factories.users import client_in
from transfers.models import Disbursement
from transfers.types import Destination

Order = dict[str, Any]
KILLED = -signal.SIGKILL
# DOMAIN.md section 5: after a crash everything is resolved, or correctly waiting, within 60 s. Clocks of the
# workers that come after a restart.
AFTER_RESTART = tuple(timedelta(seconds=seconds) for seconds in (20, 40, 60))
BATCH, KILLS_PER_PAYOUT, KILLS_PER_CLEAN_RUN, LONGEST_FUSE = 50, 2, 5, 120


def kills_around_the_send() -> dict[str, Any]:
    """Kill one worker each before, during and after the send, and after the answer; restart; look for a minute."""
    stories = []
    for name, die in DEATHS.items():
        order = new_payout(f"death-{name}")
        assert die(order) == KILLED, f"{name}: the worker lived"
        stories.append({"death": name, "recovered_within": recovered_within(order), **judge(order)})
    return {"stories": stories, **summary(stories)}


def recovered_within(order: Order) -> int | None:
    """Let workers come after a restart; return by which second the payout was completed."""
    for offset in AFTER_RESTART:
        assert forked(partial(run_later, offset)) == 0, "a clean worker died"
        control().release("platform", payment_hash=order["hash"])
        if judge(order)["state"] == "completed":
            return int(offset.total_seconds())
    return None


def die_at(*names: str) -> Callable[[Order], int]:
    """Return a death at a step named by those that lead to it."""
    return lambda _: forked(partial(_run_until, names))


def die_while_the_node_is_at(phase: str) -> Callable[[Order], int]:
    """Return a death of a worker that waits for the node, which holds the payment there."""

    def die(order: Order) -> int:
        control().script("platform", {"do": "hold", "at": phase}, payment_hash=order["hash"], count=1)
        worker = start(partial(run_later, timedelta(0)))
        assert control().wait("platform", phase, payment_hash=order["hash"]) == 1
        os.kill(worker, signal.SIGKILL)
        return wait(worker)

    return die


DEATHS: dict[str, Callable[[Order], int]] = {
    "before the attempt is committed": die_at("after prepare", "before COMMIT"),
    "before the send": die_at("before send"),
    "during the send, before the node has it": die_while_the_node_is_at("arrived"),
    "during the send, nothing out yet": die_while_the_node_is_at("created"),
    "during the send, an HTLC is out": die_while_the_node_is_at("in_flight"),
    "during the send, paid and not answered": die_while_the_node_is_at("resolved"),
    "after the send, the answer not stored": die_at("after send"),
    "after the answer, half way through the books": die_at("after send", "after INSERT"),
    "after the answer, before its COMMIT": die_at("after send", "before COMMIT"),
    "after the answer was stored": die_at("after send", "after COMMIT"),
}


def many_requests(callers: int = 16, workers: int = 4) -> dict[str, Any]:
    """Have many processes ask over HTTP for the payout of one cycle at the same moment, then let workers pay."""
    cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
    invoice = control().invoice("wallets", NET_SATS * MSAT, expiry=86_400)["payment_request"]
    destination = Destination("lightning", "bolt11", invoice)
    set_destination(cycle_id=cycle.pk, destination=destination, actor=Actor.system("crash"), now=clock.now())
    client = client_in(Role.PLATFORM)
    barrier = multiprocessing.get_context("fork").Barrier(callers)
    calls = [start(partial(_process_at_once, client, cycle.pk, barrier)) for _ in range(callers)]
    answers = [200 + wait(call) for call in calls]
    rows = list(Disbursement.objects.filter(subject=f"cycle:{cycle.pk}").values_list("id", flat=True))
    awake = multiprocessing.get_context("fork").Barrier(workers)
    statuses = [wait(child) for child in [start(partial(run_at_once, awake)) for _ in range(workers)]]
    story = judge({"id": rows[0], "hash": decode(invoice).payment_hash.hex()})
    return {"answers": answers, "disbursements": len(rows), "statuses": statuses, **summary([story])}


def many_kills(kills: int, seed: int = 0) -> dict[str, Any]:
    """Kill so many workers at random steps while payouts keep coming; judge batch by batch."""
    dice, killed = random.Random(seed), 0
    stories: list[dict[str, Any]] = []
    while killed < kills:
        orders: list[Order] = []
        for number in range(min(BATCH, kills - killed)):
            if number % KILLS_PER_PAYOUT == 0:
                orders.append(new_payout(f"soak-{seed}-{len(stories) + len(orders)}"))
            died = forked(partial(run_with_kill_switch, dice.randint(1, LONGEST_FUSE))) == KILLED
            killed += died
            if number % KILLS_PER_CLEAN_RUN == 0:
                forked(partial(run_later, timedelta(seconds=dice.choice((0, 25, 45)))))
        recover()
        stories += [judge(order) for order in orders]
    return {"killed": killed, "seed": seed, **summary(stories)}


def _run_until(names: tuple[str, ...]) -> None:
    KILL_SWITCH.watch_databases()
    KILL_SWITCH.names.extend(names)
    run_later(timedelta(0))


def _process_at_once(client: Any, cycle_id: str, barrier: Any) -> None:
    """Ask for the payout; the exit status tells the answer's."""
    barrier.wait()
    answer = client.post("/monetization/payouts/process", {"cycle_id": cycle_id})
    os._exit({200: 0, 202: 2}.get(answer.status_code, 1))
