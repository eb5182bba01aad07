"""Scenario of the driver: cash-outs over a mobile-money partner whose worker is killed or frozen at a step.

The partner's simulator runs as a process of its own, and its record is the judge. A frozen worker goes on when others
have finished everything, days later by every clock of the scenario; by then the partner has closed the connection on
which no request came, as any web server does. Import it after Django is set up.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test.utils import override_settings

from partners import wire
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve
from sunusav.core.deadlines import NS_PER_SECOND
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.crash.frozen import Frozen, SimulatedClock, freeze, kill, kill_frozen, thaw, work
from tests.crash.payouts import breaches, fund, pot_of
from tests.crash.rails import Stepped
from tests.crash.step_switch import STEP_SWITCH, Halt
from tests.factories.limits import widen_limits
from tests.factories.users import make_user
from tests.ledger.builders import stored_rate
from tests.partners.calls import impatient
from tests.partners.harness import Harness, harness_of
from transfers.enums import ResolutionVerdict
from transfers.models import Attempt, Disbursement
from transfers.rails import rail
from transfers.services.disbursements import request_disbursement, retry_disbursement
from transfers.services.resolutions import propose_resolution
from transfers.types import Choice, Destination, DisbursementRequest

PEOPLE = Actor.system("people of the crash test")
# 100,000 sats without a fee, at 8,000,000 XOF for a bitcoin.
PAY_XOF, PAYOUT_SATS = 8_000, 100_000
FLOAT_XOF = 10**9
TIMEOUT_SECONDS = 2
# Every fifteen seconds for six minutes, past every fence; then every three hours for two days.
ROUNDS, ROUND_SECONDS, LONG_ROUNDS, LONG_ROUND_SECONDS = 24, 15, 16, 10_800
STOPPED = ("failed", "needs_review")
# A frozen worker runs on after the others have finished; a killed one never does.
ENDS: dict[str, Callable[[Frozen], int | None]] = {"frozen": thaw, "killed": kill}


# Around the call that pays: before the rail is asked to, when only the bytes have not left, and when it was answered.
AROUND_THE_SEND = (("before send",), ("before send", "before POST leaves"), ("after send",))
Halted = list[tuple["Case", Frozen, str]]


def partner_steps(number: int, first: int = 1, stride: int = 1, batch: int = 12) -> dict[str, Any]:
    """Halt workers around the send; then one at its first step, the next at its second, ... each with each end.

    Others finish the payouts meanwhile. `number` is that of the partner in the sorted names of the harnesses.
    """
    with _world(number) as world:
        halted: Halted = []
        for names in AROUND_THE_SEND:
            for end in ENDS:
                assert world.halt(Halt(signal.SIGSTOP, names), end, halted), f"no worker came to {names}"
        waiting = {end: first + place for place, end in enumerate(ENDS)}
        while waiting:
            for end, step in list(waiting.items()):
                if world.halt(Halt(signal.SIGSTOP, after=step), end, halted):
                    waiting[end] = step + stride
                else:
                    del waiting[end]
            if len(halted) >= batch or not waiting:
                world.end_all(halted)
        return world.report()


@dataclass
class Case:
    """One payout, and the step at which its worker was halted."""

    name: str
    disbursement_id: int
    step: str = ""

    @property
    def state(self) -> str:
        return str(Disbursement.objects.values_list("state", flat=True).get(pk=self.disbursement_id))

    def result(self, partner: Harness) -> dict[str, Any]:
        """Return its state in the books, and how often the partner paid any of its orders."""
        orders = Attempt.objects.filter(disbursement_id=self.disbursement_id)
        references = set(orders.values_list("order__reference", flat=True))
        paid = [one for one in partner.paid() if one.reference in references]
        return {
            "case": self.name, "step": self.step, "state": self.state, "orders": len(references),
            "payments": len(paid), "paid_xof": sum(one.amount_xof for one in paid),
        }  # fmt: skip


@dataclass
class _World:
    partner: Harness
    now: SimulatedClock
    finance: User
    approver: User
    cases: list[Case] = field(default_factory=list)
    resolved: int = 0

    def new_case(self, name: str) -> Case:
        """Order a payout to the partner's phone."""
        subject = f"cycle:{self.partner.name}-{len(self.cases)}"
        stored_rate("8000000", at=self.now())
        fund(subject, now=self.now())
        request = DisbursementRequest(
            subject=subject, payout_msat=PAYOUT_SATS * 1_000, debit=pot_of(subject), priced_for=None,
            choices=(Choice(Destination(self.partner.name, "phone", self.partner.phone)),),
        )  # fmt: skip
        case = Case(name, request_disbursement(request=request, actor=PEOPLE, now=self.now()))
        self.cases.append(case)
        return case

    def halt(self, halt: Halt, end: str, halted: Halted) -> bool:
        """Order a payout and halt its worker; return whether it came so far."""
        case = self.new_case(f"{halt.names or halt.after}, {end}")
        worker = freeze(halt, now=self.now)
        if worker is None:
            return False
        case.step = worker.step
        halted.append((case, worker, end))
        return True

    def end_all(self, halted: Halted) -> None:
        """Kill those that are to be killed, let others finish everything, thaw the rest, and let others run again."""
        for _case, worker, end in halted:
            if end == "killed":
                kill(worker)
        self._finish()
        self.partner.kill()
        self.partner.start()
        for _case, worker, end in halted:
            if end == "frozen":
                thaw(worker)
        self._finish()
        halted.clear()

    def report(self) -> dict[str, Any]:
        results = [case.result(self.partner) for case in self.cases]
        right = {"state": "completed", "payments": 1, "paid_xof": PAY_XOF}
        return {
            "payouts": len(results), "halted": sum(bool(case.step) for case in self.cases), "resolved": self.resolved,
            "steps": sorted({" ".join(case.step.split()[:2]) for case in self.cases if case.step}),
            "paid_twice": [one for one in results if one["payments"] > 1],
            "wrong": [one for one in results if not right.items() <= one.items()],
            "breaches": breaches(now=self.now()),
        }  # fmt: skip

    def _finish(self) -> None:
        """Let other workers, and people where nobody else can know, finish every payout."""
        self._rounds(ROUNDS, ROUND_SECONDS)
        if self._unfinished():
            self._rounds(LONG_ROUNDS, LONG_ROUND_SECONDS)
            for case in self._unfinished():
                self._resolve(case)
            self._rounds(ROUNDS, ROUND_SECONDS)

    def _rounds(self, rounds: int, seconds: int) -> None:
        for _ in range(rounds):
            self.now.advance(seconds)
            work(self.now)
            if not self._unfinished():
                return

    def _unfinished(self) -> list[Case]:
        return [case for case in self.cases if case.state != "completed"]

    def _resolve(self, case: Case) -> None:
        """Have two people find an order unpaid that the partner does not show, and have it paid anew."""
        if case.state != "needs_review" or case.result(self.partner)["payments"]:
            return
        proposal = propose_resolution(
            disbursement_id=case.disbursement_id, verdict=ResolutionVerdict.NOT_PAID, proposer=self.finance,
            explanation="the partner's statement does not have it", now=self.now(),
        )  # fmt: skip
        approve(proposal_id=proposal.pk, approver=self.approver, digest=proposal.digest, now=self.now())
        self.resolved += 1
        if case.state in STOPPED:
            retry_disbursement(
                disbursement_id=case.disbursement_id, actor=PEOPLE, reason="found unpaid", now=self.now()
            )


class _PartnersClock:
    """The partner's clock, as `SimulatedClock` sets a node's."""

    def __init__(self, partner: Harness) -> None:
        self._partner = partner

    def set_clock(self, *, offset_seconds: int) -> None:
        self._partner.control.set(ahead_seconds=offset_seconds)


@contextmanager
def _world(number: int) -> Iterator[_World]:
    """Start the partner, and give the engine its rail with steps."""
    with stepped_partner(number) as (partner, now):
        yield _World(partner, now, make_user(Role.FINANCE), make_user(Role.APPROVER))


@contextmanager
def stepped_partner(number: int) -> Iterator[tuple[Harness, SimulatedClock]]:
    """Start a partner, give the engine its rail with steps, and let all clocks be shifted as one."""
    from tests.partners.harness import HARNESSES

    variables = pytest.MonkeyPatch()
    with tempfile.TemporaryDirectory() as folder:
        partner = harness_of(sorted(HARNESSES)[number], Path(folder))
        partner.start()
        try:
            partner.reset(variables, float_xof=FLOAT_XOF)
            impatient(partner, variables, seconds=TIMEOUT_SECONDS)
            with override_settings(RAILS={partner.name: _stepped(type(partner.rail()))}):
                rail.cache_clear()
                now = SimulatedClock(lambda: _PartnersClock(partner))
                _shift_boot_clock(now)
                _step_before_bytes_leave()
                widen_limits(now=now())
                yield partner, now
        finally:
            kill_frozen()
            partner.stop()
            variables.undo()
            rail.cache_clear()


def _stepped(rail_class: type) -> str:
    """Make a rail with steps before and after its calls; return its dotted path."""
    module = sys.modules[__name__]
    vars(module)["SteppedPartnerRail"] = type("SteppedPartnerRail", (Stepped, rail_class), {})
    return f"{__name__}.SteppedPartnerRail"


def _shift_boot_clock(now: SimulatedClock) -> None:
    """Have the clock that runs while a process is frozen be as far ahead as the others."""
    read = time.clock_gettime_ns

    def shifted(clock_id: int) -> int:
        ahead_ns = now.ahead_seconds * NS_PER_SECOND if clock_id == time.CLOCK_BOOTTIME else 0
        return read(clock_id) + ahead_ns

    time.clock_gettime_ns = shifted


def _step_before_bytes_leave() -> None:
    """Count a step when the deadline of a call was compared, and only its bytes have not left."""
    begin = wire._begin

    def begun(connection: Any, sending: Any) -> None:
        is_first = not sending.has_begun
        begin(connection, sending)
        if is_first:
            STEP_SWITCH.step(f"before {connection._method} leaves")

    wire._begin = begun
