"""Scenarios of the driver: a worker is frozen, or its call delayed, while others finish its payout in another way.

Import it after Django is set up. What was paid is counted at the node, over every invoice that a payout ever had.
"""

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_char
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.test.utils import override_settings

from sunusav.core.actors import Actor
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import approve, propose
from sunusav.core.errors import DomainError
from sunusav.core.models import User
from sunusav.core.roles import Role
from sunusav.core.switches import OUTGOING, outgoing
from tests.crash.driver import control, new_invoice, new_payout, start
from tests.crash.frozen import (
    DONE,
    REFUSED,
    SimulatedClock,
    act,
    freeze,
    is_locked,
    kill,
    kill_frozen,
    thaw,
    work,
)
from tests.crash.payouts import MSAT, NET_SATS, breaches, take_back, to_invoice
from tests.crash.refunds import new_refund, wrong_credits
from tests.crash.step_switch import Halt
from tests.factories.limits import widen_limits
from tests.factories.users import make_user
from tests.fakes.lnurl_service import LnurlService
from tests.transfers.builders import replace_destination
from transfers.engine.runner import run_due
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import cancel_disbursement, retry_disbursement
from transfers.types import Destination

PEOPLE = Actor.system("people of the crash test")
FINAL = ("completed", "cancelled")
STOPPED = ("failed", "needs_review")
# What must not happen: a frozen worker makes the others wait for longer than the patience of `frozen`.
WAITS = (ROW_LOCKED, OTHERS_WAITED, PEOPLE_WAITED) = (
    "its row stayed locked", "others had to wait", "people had to wait",
)  # fmt: skip
LEASE_PASSES = 25
ROUND_SECONDS = 10
# Long enough for three retries and a new invoice; then for queries about what is under review.
ROUNDS, LONG_ROUNDS, LONG_ROUND_SECONDS = 60, 20, 120
SHORT_INVOICE_SECONDS = 300
SLOW_SECONDS = 600
SEND = "SendPaymentV2"
AT_THE_LAST_MOMENT = Halt(signal.SIGSTOP, (f"before {SEND} leaves",))


@dataclass
class Case:
    """One payout, what people want of it, and what happened."""

    name: str
    order: dict[str, Any]
    now: SimulatedClock
    is_to_be_cancelled: bool = False
    loses_first_answer: bool = False
    events: Counter[str] = field(default_factory=Counter)

    @property
    def subject(self) -> str:
        return str(self.order["subject"])

    @property
    def memo(self) -> str:
        """Return what all its invoices are for, as the payee's wallet lists them."""
        return str(self.order.get("memo", self.subject))

    @property
    def state(self) -> str:
        return str(Disbursement.objects.values_list("state", flat=True).get(pk=self.order["id"]))

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def hashes(self) -> list[str]:
        """Return the hashes of all its invoices, oldest first, as the payee's wallet lists them."""
        return [row["payment_hash"] for row in control().invoices("wallets") if row["memo"] == self.memo]

    def payments(self) -> list[dict[str, Any]]:
        """Return the node's payments for all its invoices that succeeded."""
        hashes = self.hashes()
        return [
            row
            for row in control().payments("platform")
            if row["payment_hash"] in hashes and row["status"] == "SUCCEEDED"
        ]

    def work(self, *, slots: int = 1) -> None:
        status = work(self.now, slots=slots)
        if status != 0:
            self.events[OTHERS_WAITED if status is None else "others met an error"] += 1

    def run_until(self, is_reached: Callable[[], bool], *, rounds: int = ROUNDS) -> None:
        """Have other workers run every ten seconds until it is finished, or the condition holds."""
        for _ in range(rounds):
            if self.is_final or is_reached():
                return
            self.now.advance(ROUND_SECONDS)
            self.work()

    def refuse(self, payment_hash: str, reason: str = "NO_ROUTE") -> None:
        control().script("platform", {"do": "fail", "reason": reason}, payment_hash=payment_hash)

    def have_people(self, do: Callable[[], None], *, tries: int = ROUNDS) -> bool:
        """Have people do something, again every ten seconds while it is refused; workers run meanwhile."""
        for _ in range(tries):
            if self.is_final:
                return False
            if self._acts(do):
                return True
            self.now.advance(ROUND_SECONDS)
            self.work()
        return False

    def _acts(self, do: Callable[[], None]) -> bool:
        """Have a person do something once; count why it was not done."""
        status = act(do, refusals=DomainError)
        if status is None:
            self.events[PEOPLE_WAITED] += 1
        elif status != DONE:
            self.events["refused to people" if status == REFUSED else "people met an error"] += 1
        return status == DONE

    def replace_invoice(self) -> str:
        """Have a person set another invoice; return its hash."""
        invoice = new_invoice(self.memo)
        if self.have_people(partial(_replace, self.order["id"], to_invoice(invoice), self.now)):
            self.events["invoice replaced"] += 1
        return invoice.payment_hash

    def cancel(self, *, tries: int = ROUNDS) -> None:
        if self.have_people(partial(_cancel, self.order["id"], self.now), tries=tries):
            self.events["cancelled"] += 1

    def settle(self) -> None:
        """Have workers and people finish it; then let workers look at it once more."""
        if self.is_to_be_cancelled:
            self.cancel()
        self._finish()
        self.now.advance(ROUND_SECONDS)
        self.work()

    def _finish(self) -> None:
        for number in range(ROUNDS + LONG_ROUNDS):
            if self.is_final:
                return
            if self.state in STOPPED:
                self._acts(partial(_retry, self.order["id"], self.now))
            self.now.advance(ROUND_SECONDS if number < ROUNDS else LONG_ROUND_SECONDS)
            self.work()

    def result(self) -> dict[str, Any]:
        """Return what happened to it: its state in our books, its payments at the node, and what is wrong."""
        paid, state = self.payments(), self.state
        payments = sum(row["successes"] for row in paid)
        booked = Attempt.objects.filter(disbursement_id=self.order["id"], state="succeeded")
        return {
            "case": self.name, "state": state, "payments": payments,
            "paid_msat": sum(row["value_msat"] * row["successes"] for row in paid),
            "booked": sorted(booked.values_list("order__reference", flat=True))
            == sorted(row["payment_hash"] for row in paid),
            "is_paid_twice": payments > 1, "is_paid_though_cancelled": state == "cancelled" and payments > 0,
            "events": dict(self.events),
        }  # fmt: skip


def _replace(disbursement_id: int, destination: Destination, now: SimulatedClock) -> None:
    replace_destination(disbursement_id=disbursement_id, destination=destination, actor=PEOPLE, now=now())
    if Disbursement.objects.get(pk=disbursement_id).state in STOPPED:
        _retry(disbursement_id, now)


def _retry(disbursement_id: int, now: SimulatedClock) -> None:
    retry_disbursement(disbursement_id=disbursement_id, actor=PEOPLE, reason="crash test", now=now())


def _cancel(disbursement_id: int, now: SimulatedClock) -> None:
    cancel_disbursement(disbursement_id=disbursement_id, actor=PEOPLE, reason="crash test", now=now())


# What others do with the payout of a frozen worker, from the moment at which its lease has passed


def pay_it(case: Case) -> None:
    """Another worker finds out what is true, and sends the same order where the node does not know it."""
    case.run_until(lambda: False)


def pay_another_invoice(case: Case) -> None:
    """The node finds no route; a person sets another invoice; it is paid."""
    case.refuse(case.hashes()[0])
    case.work()
    case.replace_invoice()
    case.run_until(lambda: False)


def cancel_it(case: Case) -> None:
    """The node finds no route; a person cancels as soon as that is possible."""
    case.refuse(case.hashes()[0])
    case.is_to_be_cancelled = True
    case.work()
    case.cancel()


def try_to_cancel_it(case: Case) -> None:
    """The node finds no route; a person cancels, and is perhaps refused; five seconds later the worker thaws."""
    case.refuse(case.hashes()[0])
    case.is_to_be_cancelled = True
    case.work()
    case.cancel(tries=1)
    case.now.advance(5)


def fetch_another_invoice(case: Case) -> None:
    """The node finds no route for the first invoice of an address; before it expires the engine may fetch another."""
    refused = case.hashes()[:1]
    for payment_hash in refused:
        case.refuse(payment_hash)
    rounds = (SHORT_INVOICE_SECONDS - LEASE_PASSES) // ROUND_SECONDS - 1
    case.run_until(lambda: False, rounds=rounds)


def pay_a_third_invoice(case: Case) -> None:
    """No route for the first, the payee refuses the second, a person sets a third; the first one's answer is lost."""
    case.refuse(case.hashes()[0])
    case.loses_first_answer = True
    case.work()
    second = case.replace_invoice()
    case.refuse(second, "INCORRECT_PAYMENT_DETAILS")
    case.run_until(
        lambda: any(row["status"] == "FAILED" for row in control().payments_of("platform", second))
    )
    case.replace_invoice()


Others = Callable[[Case], None]
NewOrder = Callable[..., dict[str, Any]]
WAYS: dict[str, Others] = {
    "same order": pay_it,
    "another invoice": pay_another_invoice,
    "cancel": cancel_it,
    "another invoice fetched": fetch_another_invoice,
    "third invoice": pay_a_third_invoice,
}
OF_ADDRESSES = (fetch_another_invoice,)
STALE_WAYS: dict[str, Others] = {**WAYS, "cancel, thaw after 30 s": try_to_cancel_it}


# Scenarios


def stale_senders() -> dict[str, Any]:
    """Let a first send reach the node when others have finished the payout: its worker froze, or the node was late.

    The last one paid is an order that the node did take, as one without a fence would.
    """
    with _world() as world:
        cases = []
        for way, others in STALE_WAYS.items():
            cases.append(_frozen(world, f"frozen: {way}", others, AT_THE_LAST_MOMENT))
            cases.append(_taken_up_late(world, f"taken up late: {way}", others))
        cases.append(_paid_all_the_same(world))
        return _report(world, cases)


def stale_refunds() -> dict[str, Any]:
    """Freeze workers at the last moment before they pay refunds, which others pay or cancel meanwhile."""
    with _world() as world:
        cases = [
            _frozen(world, f"refund, {way}", WAYS[way], AT_THE_LAST_MOMENT, new_order=new_refund)
            for way in ("another invoice", "cancel")
        ]
        return {
            **_report(world, cases),
            "states": [case.state for case in cases],
            "wrong_credits": wrong_credits(),
        }


def freeze_at_every_step(first: int = 1, stride: int = 1) -> dict[str, Any]:
    """Freeze one worker at its first step, the next at its second, ... while others finish in each possible way.

    With a stride, each way has steps of its own; the strides from 1 on are together every step of every way.
    """
    with _world() as world:
        cases, steps = [], {way: (first - 1 + number) % stride + 1 for number, way in enumerate(WAYS)}
        while steps:
            for way, step in list(steps.items()):
                name = f"step {step}: {way}"
                case = _frozen(world, name, WAYS[way], Halt(signal.SIGSTOP, after=step))
                cases.append(case)
                steps[way] += stride
                if not case.events["frozen"]:
                    del steps[way]
        return _report(world, cases)


def frozen_while_opening(first: int = 1, stride: int = 1, others: int = 10) -> dict[str, Any]:
    """Freeze a worker at each step between its order and its send; others must pay all other payouts meanwhile."""
    with _world() as world:
        cases: list[Case] = []
        stopped: list[dict[str, Any]] = []
        step = first
        while True:
            case = world.new_case(f"opening {step}")
            cases.append(case)
            worker = freeze(Halt(signal.SIGSTOP, ("after prepare",), after=step), now=world.now)
            if worker is None or worker.step.startswith("before send"):
                break
            case.events["frozen"] += 1
            waiting = [world.new_case(f"opening {step}, other {number}") for number in range(others)]
            _work_until_paid(waiting)
            unpaid = sum(not other.is_final for other in waiting)
            if unpaid:
                stopped.append({"step": worker.step, "unpaid": unpaid})
            case.events[f"ended with {thaw(worker)}"] += 1
            for one in (case, *waiting):
                one.settle()
            cases += waiting
            step += stride
        if worker is not None:
            thaw(worker)
        case.settle()
        return {"stopped": stopped, **_report(world, cases)}


def _work_until_paid(cases: list[Case]) -> None:
    """Run another worker, and again after a while, as its schedule does."""
    for _ in range(3):
        cases[0].work(slots=len(cases))
        if all(case.is_final for case in cases):
            return
        cases[0].now.advance(ROUND_SECONDS)


def thaws_after_deadline(seconds: int = 23) -> dict[str, Any]:
    """Freeze workers before their check of the time, and wait in earnest: CLOCK_BOOTTIME cannot be shifted.

    Meanwhile the node's clock becomes slow, so that only the worker itself can know that it is late. It is killed after
    this send.
    """
    with _world() as world:
        frozen = []
        for names in (("after prepare", "before COMMIT", "before SELECT"), ("before send",)):
            case = world.new_case(f"late after {names[-1]}")
            worker = freeze(Halt(signal.SIGSTOP, names), Halt(signal.SIGKILL, ("after send",)), now=world.now)
            assert worker is not None, f"the worker did not reach {names}"
            case.events["frozen"] += 1
            frozen.append((case, worker))
        control().set_clock(offset_seconds=-SLOW_SECONDS)
        time.sleep(seconds)
        for case, worker in frozen:
            case.events[f"ended with {thaw(worker)}"] += 1
        late = [case.name for case, _ in frozen if control().payments_of("platform", case.hashes()[0])]
        world.now.advance(LEASE_PASSES)
        for case, _ in frozen:
            case.settle()
        return {"late": late, **_report(world, [case for case, _ in frozen])}


@dataclass
class World:
    """The simulated clock and a wallet's service that all cases of a scenario share."""

    now: SimulatedClock
    address: str
    memo: Any

    finance: User = field(default_factory=partial(make_user, Role.FINANCE))
    approver: User = field(default_factory=partial(make_user, Role.APPROVER))
    events: Counter[str] = field(default_factory=Counter)

    def new_case(self, name: str, *, is_to_address: bool = False, new_order: NewOrder = new_payout) -> Case:
        self._resume_outgoing()
        address = {"lightning_address": self.address} if is_to_address else {}
        order = new_order(name.replace(" ", "-"), now=self.now(), **address)
        self.memo.value = order["subject"].encode()
        return Case(name, order, self.now)

    def _resume_outgoing(self) -> None:
        """Resume what the engine paused in the last case because it found something paid that should not be."""
        if outgoing().is_open:
            return
        self.events["outgoing money was paused"] += 1
        proposal = propose(kind=OUTGOING_RESUME, subject_id=OUTGOING, proposer=self.finance, now=self.now())
        approve(proposal_id=proposal.pk, approver=self.approver, digest=proposal.digest, now=self.now())


@contextmanager
def _world() -> Iterator[World]:
    now, memo = SimulatedClock(control), _shared_text()
    widen_limits(now=now())
    service = LnurlService(partial(_short_invoice, memo))
    child = start(partial(_serve, service, os.getpid()))
    try:
        with override_settings(ALLOWED_LOOPBACK_HOSTS=[service.authority]):
            yield World(now, service.address, memo)
    finally:
        kill_frozen()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        control().set_clock()


def _frozen(world: World, name: str, others: Others, halt: Halt, *, new_order: NewOrder = new_payout) -> Case:
    """Freeze a worker; let others finish its payout; thaw it; let all finish what is left."""
    case = world.new_case(name, is_to_address=others in OF_ADDRESSES, new_order=new_order)
    worker = freeze(halt, now=world.now)
    if worker is not None:
        case.events["frozen"] += 1
        case.events[f"at {' '.join(worker.step.split()[:2])}"] += 1
        if is_locked(case.order["id"]):
            case.events[ROW_LOCKED] += 1
        else:
            _let_others_finish(case, others)
        case.events[f"ended with {thaw(worker)}"] += 1
    case.settle()
    return case


def _taken_up_late(world: World, name: str, others: Others) -> Case:
    """The node holds the first call, whose worker is then killed, and takes it up when others have finished."""
    case = world.new_case(name, is_to_address=others in OF_ADDRESSES)
    held_before = control().wait("platform", "received", payment_hash=SEND, timeout_seconds=0)
    control().script_calls("platform", SEND, "received", {"do": "hold"})
    worker = start(partial(run_due, slots=1, clock=world.now))
    case.events["held"] += control().wait_for_call("platform", SEND, times=held_before + 1) - held_before
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    _let_others_finish(case, others)
    control().release_call("platform", SEND)
    _wait_for_payment(case.hashes()[0])
    case.settle()
    return case


def _paid_all_the_same(world: World) -> Case:
    """As with the third invoice, but the node did pay the first one."""
    case = world.new_case("paid all the same: third invoice")
    worker = freeze(AT_THE_LAST_MOMENT, now=world.now)
    assert worker is not None
    _let_others_finish(case, pay_a_third_invoice)
    control().clear_scripts("platform")
    first = next(row for row in control().invoices("wallets") if row["memo"] == case.memo)
    control().pay("platform", first["payment_request"])
    case.events["frozen"] += 1
    case.events[f"ended with {kill(worker)}"] += 1
    case.settle()
    return case


def _let_others_finish(case: Case, others: Others) -> None:
    case.now.advance(LEASE_PASSES)
    others(case)
    control().clear_scripts("platform")
    if case.loses_first_answer:
        lost = {"do": "drop", "at": "resolved"}
        control().script("platform", lost, payment_hash=case.hashes()[0], count=1)


def _wait_for_payment(payment_hash: str) -> None:
    """Give the node the time to execute a call, or to refuse it, which nobody but its caller sees."""
    ends_at = time.monotonic() + 2
    while time.monotonic() < ends_at:
        if any(row["status"] == "SUCCEEDED" for row in control().payments_of("platform", payment_hash)):
            return
        time.sleep(0.05)


def _report(world: World, cases: list[Case]) -> dict[str, Any]:
    """Count the faults and list what is wrong: paid twice, paid though cancelled, or not finished."""
    results = [case.result() for case in cases]
    events: Counter[str] = sum((case.events for case in cases), world.events.copy())
    for case in cases:
        take_back(case.subject, now=case.now())
    return {
        "events": dict(sorted(events.items())),
        "paid_twice": [result for result in results if result["is_paid_twice"]],
        "paid_though_cancelled": [result for result in results if result["is_paid_though_cancelled"]],
        "otherwise_wrong": [
            result for result in results if not _is_right(result) and not _is_overpaid(result)
        ],
        "waits": {name: events[name] for name in WAITS if events[name]},
        "cases": len(results),
        "breaches": breaches(now=world.now()),
    }


def _is_overpaid(result: dict[str, Any]) -> bool:
    return bool(result["is_paid_twice"] or result["is_paid_though_cancelled"])


def _is_right(result: dict[str, Any]) -> bool:
    expected = {"completed": (1, NET_SATS * MSAT), "cancelled": (0, 0)}.get(result["state"])
    return expected == (result["payments"], result["paid_msat"]) and bool(result["booked"])


def _serve(service: LnurlService, parent: int) -> None:
    with service:
        while os.getppid() == parent:
            time.sleep(1)


def _short_invoice(memo: Any, amount_msat: int) -> str:
    invoice = control().invoice(
        "wallets", amount_msat, memo=memo.value.decode(), expiry=SHORT_INVOICE_SECONDS
    )
    return str(invoice["payment_request"])


def _shared_text() -> Any:
    return multiprocessing.get_context("fork").RawArray(c_char, 200)
