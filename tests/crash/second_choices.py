"""Scenario of the driver: payments with two choices whose worker is killed or frozen at a step. Never both are paid.

The first choice is an invoice at the simulated node, which refuses it finally, or pays it and loses the answer; the
second is a phone at a provider in whole francs, which runs as a process of its own. Import it after Django is set up.
"""

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test.utils import override_settings

from fees.types import PricedFor
from sunusav.core.actors import Actor
from tests.crash.driver import control, new_invoice
from tests.crash.frozen import Frozen, SimulatedClock, freeze, kill, kill_frozen, thaw, work
from tests.crash.payouts import MSAT, NET_SATS, PAYOUT_SATS, breaches, fund, pot_of, to_invoice
from tests.crash.step_switch import Halt
from tests.factories.limits import widen_limits
from tests.francs.process import FrancProcess
from tests.francs.provider import API_KEY
from tests.ledger.builders import stored_rate
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.services.disbursements import request_disbursement
from transfers.types import Choice, Destination, DisbursementRequest

RAILS = {"lightning": "tests.crash.rails.SteppedRail", "franc": "tests.crash.rails.SteppedFrancRail"}
# At 8,000,000 XOF for a bitcoin the net of 99,000 sats is 7,920 F.
NET_XOF = 7_920
ROUNDS, ROUND_SECONDS = 24, 10
FLOAT_XOF = 10**9
REFUSE = {"do": "fail", "reason": "INCORRECT_PAYMENT_DETAILS"}
LOSE_ANSWER = {"do": "drop", "at": "resolved"}
WAYS = {"refused": REFUSE, "paid, answer lost": LOSE_ANSWER}
# A frozen worker runs on after the others have finished; a killed one never does.
ENDS: dict[str, Callable[[Frozen], int | None]] = {"frozen": thaw, "killed": kill}


@dataclass
class Case:
    """One payout: its invoice, its phone, and what happened to its worker."""

    name: str
    disbursement_id: int
    payment_hash: str
    phone: str
    step: str = ""

    def result(self, francs: FrancProcess) -> dict[str, Any]:
        """Return its state in the books, and what each provider has paid for it."""
        rows = control().payments_of("platform", self.payment_hash)
        return {
            "case": self.name, "step": self.step,
            "state": Disbursement.objects.values_list("state", flat=True).get(pk=self.disbursement_id),
            "sats": sum(row["successes"] * row["value_msat"] for row in rows) // MSAT,
            "francs": francs.control.paid_by_phone().get(self.phone, 0),
        }  # fmt: skip


class _World:
    def __init__(self, francs: FrancProcess) -> None:
        self.francs, self.now = francs, SimulatedClock(control)
        self.cases: list[Case] = []

    def advance(self, seconds: int) -> None:
        self.now.advance(seconds)
        self.francs.control.set_clock(self.now())

    def new_case(self, name: str, way: str) -> Case:
        """Order a payout whose first choice ends in one of the ways."""
        number = len(self.cases)
        subject, phone = f"cycle:choices-{number}", f"+22177{number:07d}"
        stored_rate("8000000", at=self.now())
        self.francs.control.set_clock(self.now())
        fund(subject, now=self.now())
        invoice = new_invoice(subject)
        control().script("platform", dict(WAYS[way]), payment_hash=invoice.payment_hash, count=1)
        request = DisbursementRequest(
            subject=subject, payout_msat=PAYOUT_SATS * MSAT, debit=pot_of(subject),
            priced_for=PricedFor("group:crash", f"user:{number}", "wave"),
            choices=(Choice(to_invoice(invoice)), Choice(Destination("franc", "phone", phone))),
        )  # fmt: skip
        disbursement_id = request_disbursement(request=request, actor=Actor.system("crash"), now=self.now())
        case = Case(name, disbursement_id, invoice.payment_hash, phone)
        self.cases.append(case)
        return case

    def finish(self) -> None:
        """Let other workers run every ten seconds, well past every fence."""
        for _ in range(ROUNDS):
            self.advance(ROUND_SECONDS)
            work(self.now)


def second_choices(first: int = 1, stride: int = 1, batch: int = 8) -> dict[str, Any]:
    """Halt one worker at its first step, the next at its second, ... in each way, with each end; then others run."""
    with _world() as world:
        halted: list[tuple[Case, Frozen, str]] = []
        waiting = {(way, end): first + number for number, (way, end) in enumerate(_kinds())}
        while waiting:
            for (way, end), step in list(waiting.items()):
                case = world.new_case(f"step {step}: {way}, {end}", way)
                worker = freeze(Halt(signal.SIGSTOP, after=step), now=world.now)
                if worker is None:
                    del waiting[way, end]
                    continue
                case.step = worker.step
                halted.append((case, worker, end))
                waiting[way, end] = step + stride
            if len(halted) >= batch or not waiting:
                _end_all(world, halted)
        return _report(world)


def _kinds() -> Iterator[tuple[str, str]]:
    for way in WAYS:
        for end in ENDS:
            yield way, end


def _end_all(world: _World, halted: list[tuple[Case, Frozen, str]]) -> None:
    """Kill those that are to be killed, let others finish the payouts, thaw the rest, and let others run again."""
    for _case, worker, end in halted:
        if end == "killed":
            kill(worker)
    world.finish()
    for _case, worker, end in halted:
        if end == "frozen":
            thaw(worker)
    world.advance(ROUND_SECONDS)
    work(world.now)
    halted.clear()


def _report(world: _World) -> dict[str, Any]:
    results = [case.result(world.francs) for case in world.cases]
    both = [one for one in results if one["sats"] and one["francs"]]
    wrong = [
        one
        for one in results
        if one["state"] != "completed" or (one["sats"], one["francs"]) not in ((NET_SATS, 0), (0, NET_XOF))
    ]
    used = Counter("francs" if one["francs"] else "sats" for one in results)
    return {
        "payouts": len(results), "halted": sum(bool(case.step) for case in world.cases), "used": dict(used),
        "both": both, "wrong": wrong, "paid_twice": world.francs.control.paid_twice(),
        "breaches": breaches(now=world.now()),
    }  # fmt: skip


@contextmanager
def _world() -> Iterator[_World]:
    """Start the provider in francs, and give the engine both rails."""
    with tempfile.TemporaryDirectory() as folder, FrancProcess(Path(folder)) as francs:
        os.environ |= {"FRANC_URL": francs.url, "FRANC_API_KEY": API_KEY}
        francs.control.top_up(FLOAT_XOF)
        with override_settings(RAILS=RAILS):
            rail.cache_clear()
            world = _World(francs)
            widen_limits(now=world.now())
            try:
                yield world
            finally:
                kill_frozen()
                rail.cache_clear()
