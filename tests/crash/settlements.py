"""Scenario of the driver: a process that works on a settlement is killed or frozen at a step; others finish it.

Each settlement is of a partner of its own and comes to 247 francs. Wave's simulator runs as a process of its own, and
its record is the judge of what was paid. Import it after Django is set up.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count, cycle
from typing import Any

from django.utils.timezone import localdate

from ledger.queries import owed
from partners.enums import SettlementStatus
from partners.models import ApprovedSettlement, Settlement
from partners.settlements.calculations import month_of
from partners.settlements.queries import SETTLEMENT, settlement_facts, subject_of
from partners.settlements.services.decisions import approve_shown, reject_shown
from partners.settlements.services.payments import (
    Approved,
    BankEvidence,
    execute_settlement,
    record_bank_payment,
)
from partners.settlements.services.windows import close_window, propose_again
from sunusav.core.attachments import attachments_of
from sunusav.core.calendar import DAKAR
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.crash.frozen import Frozen, SimulatedClock, act, exit_with_refusal, freeze_work, kill, thaw
from tests.crash.partners import ROUND_SECONDS, ROUNDS, stepped_partner
from tests.crash.payouts import breaches
from tests.crash.step_switch import Halt
from tests.factories.attachments import upload
from tests.factories.settlements import another_partner, rate_of
from tests.factories.treasury import BANK, book
from tests.factories.users import make_user
from tests.partners.harness import HARNESSES, Harness
from transfers.booking import IN_TRANSIT
from transfers.engine.runner import run_due
from transfers.enums import TreasuryKind
from transfers.models import Attempt, Disbursement
from transfers.types import Movement
from transfers.types.accounts import partner_reserve

WAVE = sorted(HARNESSES).index("wave")
# So long ago, the month is over whatever day it is today.
AGO = timedelta(days=32)
# What the five payouts of the worked example come to, and what they leave in the partner's reserve.
DUE_XOF, LEFT_MSAT = 247, 11_500
BANK_XOF = 10**9
# The factory books fees whose payouts were never made; the audit names each.
MADE_UP_FEE = " no paid settled:"
DECIDED = ("propose", "approve", "approved")
PAID_BY_RAIL, PAID_BY_BANK = (*DECIDED, "execute"), (*DECIDED, "attach", "record_bank_payment")


@dataclass(frozen=True)
class Course:
    """How a settlement is completed: what the trail says of it in the end, after its window was closed."""

    trail: tuple[str, ...] = PAID_BY_RAIL
    is_rejected_first: bool = False
    is_paid_by_bank: bool = False


BY_RAIL = Course()
BY_BANK = Course(PAID_BY_BANK, is_paid_by_bank=True)
AGAIN = Course(("propose", "reject", *PAID_BY_RAIL), is_rejected_first=True)
ENDS = ("frozen", "killed")
# In which state somebody begins the phase; None: the window is not closed.
PHASES: dict[str, tuple[Course, SettlementStatus | None]] = {
    "approving": (BY_RAIL, SettlementStatus.PENDING),
    "executing": (BY_RAIL, SettlementStatus.APPROVED),
    "paying": (BY_RAIL, SettlementStatus.PROCESSING),
    "recording the bank's payment": (BY_BANK, SettlementStatus.APPROVED),
    "proposing again": (AGAIN, SettlementStatus.REJECTED),
    "closing the window": (BY_RAIL, None),
}


@dataclass(frozen=True)
class Team:
    """The persons who work on a settlement."""

    maker: User
    checker: User
    executor: User


@dataclass
class Case:
    """The first window of one partner, and the step at which somebody who worked on it was halted."""

    phase: str
    partner: str
    start: datetime
    course: Course
    step: str = ""

    @property
    def row(self) -> Settlement | None:
        return Settlement.objects.filter(partner=self.partner).order_by("sequence").first()

    @property
    def status(self) -> str | None:
        row = self.row
        return settlement_facts([row])[0].status if row else None

    def result(self, partner: Harness) -> dict[str, Any]:
        """Return what came of it in the books, in the trail and at the partner."""
        rows = Settlement.objects.filter(partner=self.partner)
        subject = subject_of(rows[0].pk) if rows else ""
        payments = Disbursement.objects.filter(subject=subject)
        references = set(
            Attempt.objects.filter(disbursement__in=payments).values_list("order__reference", flat=True)
        )
        proposals = Proposal.objects.filter(kind=SETTLEMENT, subject_id__in=[str(row.pk) for row in rows])
        return {
            "case": self.phase, "step": self.step, "status": self.status, "windows": len(rows),
            "due_xof": [row.due_xof for row in rows], "payments": payments.count(),
            "paid_xof": [one.amount_xof for one in partner.paid() if one.reference in references],
            "left_msat": owed(partner_reserve(self.partner)),
            "proposals": sorted(proposals.values_list("state", flat=True)),
            "approvals": ApprovedSettlement.objects.filter(settlement__in=rows).count(),
            "documents": attachments_of(subject).count() if subject else 0,
            "trail": list(
                TrailEntry.objects.filter(subject=subject).order_by("pk").values_list("action", flat=True)
            ),
        }  # fmt: skip

    @property
    def expected(self) -> dict[str, Any]:
        is_by_rail = not self.course.is_paid_by_bank
        return {
            "status": SettlementStatus.COMPLETED, "windows": 1, "due_xof": [DUE_XOF],
            "payments": int(is_by_rail), "paid_xof": [DUE_XOF] * is_by_rail, "left_msat": LEFT_MSAT,
            "proposals": ["approved", *["rejected"] * self.course.is_rejected_first], "approvals": 1,
            "documents": int(self.course.is_paid_by_bank), "trail": ["close_window", *self.course.trail],
        }  # fmt: skip


Halted = list[tuple[Case, Frozen, str]]


@dataclass
class _World:
    partner: Harness
    now: SimulatedClock
    team: Team
    others: Team
    cases: list[Case] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)

    def new_case(self, phase: str) -> Case:
        """Have fees accrue to a new partner, and bring its settlement to where the phase begins."""
        course, status = PHASES[phase]
        at = self.now() - AGO
        rate_of("8000000", at=at)
        code = another_partner(at=at, now=self.now())
        case = Case(phase, code, month_of(at, sequence=1).start, course)
        while case.status != status:
            self.next_act(case, self.team)()
        self.cases.append(case)
        return case

    def next_act(self, case: Case, team: Team) -> Callable[[], Any]:
        """Return what somebody does next to a settlement that is not completed."""
        row = case.row
        if row is None:
            return partial(_close, case, team, self.now)
        facts = settlement_facts([row])[0]
        seen = Approved(facts.proposal_id or 0, facts.digest)
        if facts.status == SettlementStatus.PENDING:
            is_first = Proposal.objects.filter(kind=SETTLEMENT, subject_id=str(row.pk)).count() == 1
            decide = _reject if case.course.is_rejected_first and is_first else _approve
            return partial(decide, row.pk, seen, team, self.now)
        if facts.status == SettlementStatus.REJECTED:
            return partial(_propose_again, row.pk, team, self.now)
        if facts.status == SettlementStatus.PROCESSING:
            return partial(run_due, slots=1, clock=self.now)
        pay = _record_bank_payment if case.course.is_paid_by_bank else _execute
        return partial(pay, row.pk, seen, team, self.now)

    def halt(self, phase: str, step: int, end: str, halted: Halted) -> bool:
        """Halt a process that works on a new settlement at a step of a phase; return whether it came so far."""
        case = self.new_case(phase)
        work = partial(exit_with_refusal, self.next_act(case, self.team), DomainError)
        worker = freeze_work(work, Halt(signal.SIGSTOP, after=step))
        if worker is None:
            return False
        case.step = f"{step}, {worker.step}, {end}"
        self.events[end] += 1
        if end == "killed":
            kill(worker)
        halted.append((case, worker, end))
        return True

    def end_all(self, halted: Halted) -> None:
        """Let others finish everything, thaw who is frozen, and let others look once more."""
        self._finish()
        for _case, worker, end in halted:
            if end == "frozen":
                status = thaw(worker)
                self.events[f"thawed: ended with {status}"] += 1
                self.waits["thawed"] += status is None
        self._finish()
        self._act(partial(run_due, slots=1, clock=self.now))
        halted.clear()

    def report(self) -> dict[str, Any]:
        results = [(case, case.result(self.partner)) for case in self.cases]
        by_rail = sum(not case.course.is_paid_by_bank for case in self.cases)
        return {
            "settlements": len(results), "events": dict(self.events), "waits": dict(+self.waits),
            "halted": Counter(case.phase for case in self.cases if case.step),
            "steps": sorted({case.step.split(", ")[1][:20] for case in self.cases if case.step}),
            "wrong": [found for case, found in results if not case.expected.items() <= found.items()],
            "paid_too_much_xof": sum(one.amount_xof for one in self.partner.paid()) - by_rail * DUE_XOF,
            "in_transit_msat": owed(IN_TRANSIT),
            "breaches": [one for one in breaches(now=self.now()) if MADE_UP_FEE not in one],
        }  # fmt: skip

    def _finish(self) -> None:
        """Have others do what comes next for every settlement, until all are completed."""
        for _ in range(ROUNDS):
            unfinished = [case for case in self.cases if case.status != SettlementStatus.COMPLETED]
            if not unfinished:
                return
            for case in unfinished:
                if case.status != SettlementStatus.COMPLETED:
                    self._act(self.next_act(case, self.others))
            self.now.advance(ROUND_SECONDS)

    def _act(self, do: Callable[[], Any]) -> None:
        status = act(do, refusals=DomainError)
        self.waits["others"] += status is None
        if status:
            self.events[f"others: ended with {status}"] += 1


def settlement_steps(first: int = 1, stride: int = 1, phase: int = -1, batch: int = 24) -> dict[str, Any]:
    """Freeze or kill, in turn, at every `stride`-th step of a phase, or of each; others finish the settlements.

    `phase` is its place in `PHASES`. With the stride 1, the firsts 1 and 2 are together both at every step.
    """
    with _world() as world:
        halted: Halted = []
        for place, name in enumerate(PHASES):
            if phase not in (-1, place):
                continue
            ends = cycle(ENDS if place % 2 else reversed(ENDS))
            for step, end in zip(count(first, stride), ends, strict=False):
                if not world.halt(name, step, end, halted):
                    break
                if len(halted) >= batch:
                    world.end_all(halted)
        world.end_all(halted)
        return world.report()


@contextmanager
def _world() -> Iterator[_World]:
    with stepped_partner(WAVE) as (partner, now):
        book(Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, BANK_XOF), now=now())
        yield _World(partner, now, _team(), _team())


def _team() -> Team:
    return Team(make_user(Role.FINANCE), make_user(Role.APPROVER), make_user(Role.FINANCE))


# What people do


def _close(case: Case, team: Team, now: SimulatedClock) -> None:
    close_window(partner=case.partner, proposer=team.maker, now=now(), starting_at=case.start)


def _approve(settlement_id: int, seen: Approved, team: Team, now: SimulatedClock) -> None:
    approve_shown(settlement_id=settlement_id, seen=seen, approver=team.checker, now=now())


def _reject(settlement_id: int, seen: Approved, team: Team, now: SimulatedClock) -> None:
    reject_shown(settlement_id=settlement_id, seen=seen, approver=team.checker, reason="call them", now=now())


def _propose_again(settlement_id: int, team: Team, now: SimulatedClock) -> None:
    propose_again(settlement_id=settlement_id, proposer=team.maker, reason="they agree", now=now())


def _execute(settlement_id: int, seen: Approved, team: Team, now: SimulatedClock) -> None:
    execute_settlement(settlement_id=settlement_id, seen=seen, user=team.executor, now=now())


def _record_bank_payment(settlement_id: int, seen: Approved, team: Team, now: SimulatedClock) -> None:
    evidence = BankEvidence(f"BICIS-{settlement_id}", localdate(now(), DAKAR), "transfer", upload())
    record_bank_payment(
        settlement_id=settlement_id, seen=seen, evidence=evidence, user=team.executor, now=now()
    )
