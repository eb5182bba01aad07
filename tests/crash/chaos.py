"""Chaos test: payouts while the node fails at random, the node is killed, and workers are killed or frozen.

Import it after Django is set up. At the end the node's own record and our books must agree to the msat.
"""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.test.utils import override_settings

from fees.types import PricedFor
from ledger.auditor import audit
from ledger.enums import AccountRole, Currency
from ledger.queries import balance
from ledger.services import post
from ledger.types import AccountRef, Line
from sandbox.lnd.control import Control, ControlError
from sandbox.lnd.process import SimulatorProcess
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.crash.driver import forked, start, wait
from tests.crash.frozen import SimulatedClock, ended
from tests.factories.limits import widen_limits
from tests.factories.users import make_user
from tests.support.lightning import settings_of
from tests.transfers.builders import replace_destination
from transfers.engine.runner import run_due
from transfers.enums import OPEN_ATTEMPT_STATES, AttemptState, ResolutionVerdict
from transfers.errors import EvidenceTooOld, OrderStillPayable, ProviderContradicts
from transfers.matching import match_rail
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import request_disbursement, retry_disbursement
from transfers.services.resolutions import propose_resolution
from transfers.types import Choice, Destination, DisbursementRequest

MSAT = 1_000
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
PEOPLE = Actor.system("people of the soak")
WAVE_SIZE, WORKERS = 50, 3
# Longer than a lease, the wait between retries and the wait of a breaker. The clocks advance by it after every round.
STEP_SECONDS = 45
FINISHING_ROUNDS, ROUNDS_PER_RESTART = 60, 5
INVOICES_LAST = timedelta(days=8)
FAULTS_IN_TEN = 5
KILLS, FREEZES, THAWS = 0.6, 0.2, 0.7
FALSE_ANSWERS = ("misreport", "bad_preimage")
NEEDS_NEW_INVOICE = (
    "incorrect-payment-details", "resolved-as-not-paid", "invoice-expired", "invoice-expires-too-soon",
    "never sent, and the order has expired",
)  # fmt: skip
Step = dict[str, Any]


@dataclass
class Payout:
    """One order, with every invoice that was ever its destination."""

    id: int
    subject: str
    net_sats: int
    hashes: list[str]


@dataclass
class ChaosRun:
    """One run: its random numbers, its node, its clock, and what has happened so far."""

    rng: random.Random
    simulator: SimulatorProcess
    now: SimulatedClock
    frozen: list[int] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    funded_msat: int = 0
    # Hashes whose payment the node's statement omits (forgotten) or reports falsely (scripted).
    misreported: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    finance: User = field(default_factory=partial(make_user, Role.FINANCE))
    approver: User = field(default_factory=partial(make_user, Role.APPROVER))

    @property
    def control(self) -> Control:
        return self.simulator.control


def run_chaos(payouts: int, seed: int = 0) -> dict[str, Any]:
    """Order payouts in waves during faults and kills; then let workers and people finish them, and compare."""
    with _simulator() as simulator:
        run = ChaosRun(random.Random(seed), simulator, SimulatedClock(lambda: simulator.control))
        widen_limits(now=run.now())
        at_first = Sums.of(run)
        with _nobody_left_frozen(run):
            for begun in range(0, payouts, WAVE_SIZE):
                wave = [_order(run, begun + number) for number in range(min(WAVE_SIZE, payouts - begun))]
                run.payouts += wave
                _disrupt(run)
        _finish(run)
        return _verdict(run, seed, at_first)


@contextmanager
def _simulator() -> Iterator[SimulatorProcess]:
    """Run separate nodes, because this scenario kills them."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        SimulatorProcess(Path(folder)) as simulator,
        override_settings(**settings_of(simulator), RAILS={"lightning": "tests.crash.rails.ImpatientRail"}),
    ):
        yield simulator


@contextmanager
def _nobody_left_frozen(run: ChaosRun) -> Iterator[None]:
    try:
        yield
    finally:
        while run.frozen:
            _thaw(run, run.frozen.pop())


def _order(run: ChaosRun, number: int) -> Payout:
    """Fund a pot with a random amount, script the node's faults for its payment, and order the payment."""
    payout_sats = run.rng.randint(2_000, 300_000)
    net_sats = payout_sats - max(1, payout_sats // 100)
    subject = f"cycle:chaos-{number}"
    pot = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject)
    amount_msat = payout_sats * MSAT
    lines = [Line(NODE, amount_msat), Line(pot, -amount_msat)]
    post(kind="receipt_for_test", reference=f"fund:{subject}", lines=lines, at=run.now(), subject=subject)
    run.funded_msat += amount_msat
    payment_request, payment_hash = _invoice(run, net_sats)
    request = DisbursementRequest(
        subject=subject, payout_msat=amount_msat, debit=pot,
        priced_for=PricedFor("group:chaos", f"user:{number}", "wave"),
        choices=(Choice(Destination("lightning", "bolt11", payment_request)),),
    )  # fmt: skip
    disbursement_id = request_disbursement(request=request, actor=PEOPLE, now=run.now())
    return Payout(disbursement_id, subject, net_sats, [payment_hash])


def _invoice(run: ChaosRun, net_sats: int) -> tuple[str, str]:
    made = run.control.invoice("wallets", net_sats * MSAT, expiry=int(INVOICES_LAST.total_seconds()) // 2)
    faults = _faults(run.rng)
    for step in faults:
        run.events[f"{step['do']} {step.get('at', step.get('reason', ''))}".strip()] += 1
    if any(step["do"] in FALSE_ANSWERS for step in faults):
        run.misreported.append(made["payment_hash"])
    if faults:
        count = run.rng.randint(1, 2)
        run.control.script("platform", *faults, payment_hash=made["payment_hash"], count=count)
    return made["payment_request"], made["payment_hash"]


def _faults(rng: random.Random) -> list[Step]:
    """Choose a routing fee, and for half of the payments a fault."""
    fee: Step = {"do": "fee", "fee_msat": rng.randint(0, 9_999)}
    if rng.randrange(10) >= FAULTS_IN_TEN:
        return [fee]
    phase = rng.choice(("arrived", "created", "in_flight", "resolved"))
    return [
        fee,
        rng.choice(
            (
                {"do": "drop", "at": phase},
                {"do": "end", "at": phase},
                {"do": "error", "at": phase, "code": "UNKNOWN", "text": "routerrpc server shutting down"},
                {"do": "delay", "at": phase, "seconds": round(rng.uniform(0.05, 0.5), 2)},
                {"do": "in_flight", "seconds": rng.randint(1, 120)},
                {"do": "fail", "reason": rng.choice(("TIMEOUT", "NO_ROUTE", "CANCELED", "ERROR"))},
                {"do": "fail", "reason": rng.choice(("INCORRECT_PAYMENT_DETAILS", "INSUFFICIENT_BALANCE"))},
                {"do": "stuck"},
                {"do": "bad_preimage"},
                {"do": "misreport", "value_msat": 1},
            )
        ),
    ]


def _disrupt(run: ChaosRun) -> None:
    """Three times over: start several workers, kill or freeze most of them, and sometimes restart the node."""
    for _ in range(3):
        children = [start(partial(run_due, clock=run.now)) for _ in range(WORKERS)]
        for child in children:
            # On a quiet machine a worker is done within half a second.
            time.sleep(run.rng.uniform(0.02, 0.2))
            _interrupt(run, child)
        if run.rng.random() < 0.4:
            run.simulator.restart()
            run.events["node killed"] += 1
        _forget_one_payment(run)
        left = [child for child in children if child not in run.frozen]
        run.events["workers killed"] += sum(wait(child) == -signal.SIGKILL for child in left)
        run.now.advance(STEP_SECONDS)
        if run.frozen and run.rng.random() < THAWS:
            _thaw(run, run.frozen.pop(0))


def _interrupt(run: ChaosRun, child: int) -> None:
    """Kill a worker, freeze it, or let it run to its end."""
    chance = run.rng.random()
    if chance < KILLS:
        os.kill(child, signal.SIGKILL)
    elif chance < KILLS + FREEZES:
        os.kill(child, signal.SIGSTOP)
        run.frozen.append(child)


def _thaw(run: ChaosRun, child: int) -> None:
    """Let a frozen worker go on, minutes later on every clock but that of its machine."""
    was_frozen = os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    if was_frozen:
        run.events["workers frozen"] += 1
        os.kill(child, signal.SIGCONT)
        ended(child)


def _finish(run: ChaosRun) -> None:
    """Run workers without kills, and resolve by hand what needs it, until every payout is paid."""
    for number in range(1, FINISHING_ROUNDS):
        if number == FINISHING_ROUNDS // 2:
            # Past the expiry of every invoice: a payment may now be recorded as not paid.
            run.now.advance(int(INVOICES_LAST.total_seconds()))
        if number % ROUNDS_PER_RESTART == 0:
            run.simulator.restart()  # as an operator does when payments hang: LND then fails them
        assert forked(partial(run_due, clock=run.now)) == 0, "a worker failed without being killed"
        _resolve_by_hand(run)
        run.now.advance(STEP_SECONDS)
        if not _unpaid(run).exists():
            return


def _forget_one_payment(run: ChaosRun) -> None:
    """Have the node complete a payment that our books have in flight, and then forget it."""
    seen = Attempt.objects.filter(state=AttemptState.IN_FLIGHT).exclude(order__reference__in=run.misreported)
    payment_hash = seen.order_by("pk").values_list("order__reference", flat=True).first()
    if payment_hash is None:
        return
    try:
        run.control.settle("platform", payment_hash)
    except ControlError:
        return  # it ended in the meantime
    run.control.forget("platform", payment_hash)
    run.misreported.append(payment_hash)
    run.events["forgotten by the node"] += 1


def _resolve_by_hand(run: ChaosRun) -> None:
    """Do what finance does: resolve payments of unknown outcome; retry the others, with a new invoice where needed."""
    known = {payout.id: payout for payout in run.payouts}
    for row in _unpaid(run).filter(state__in=("failed", "needs_review")):
        attempt = row.attempts.filter(state__in=OPEN_ATTEMPT_STATES).select_related("order").first()
        if attempt is not None:
            _resolve_as_paid(run, attempt)
            continue
        payout = known[row.pk]
        if row.failure_code in NEEDS_NEW_INVOICE:
            payment_request, payment_hash = _invoice(run, payout.net_sats)
            payout.hashes.append(payment_hash)
            destination = Destination("lightning", "bolt11", payment_request)
            replace_destination(disbursement_id=row.pk, destination=destination, actor=PEOPLE, now=run.now())
        retry_disbursement(disbursement_id=row.pk, actor=PEOPLE, reason="soak", now=run.now())
        run.events["retried by people"] += 1


def _resolve_as_paid(run: ChaosRun, attempt: Attempt) -> None:
    """Propose and approve a resolution as paid, if the payee's wallet shows the preimage of a settled invoice."""
    shown = next(
        row for row in run.control.invoices("wallets") if row["payment_hash"] == attempt.order.reference
    )
    if shown["state"] != "SETTLED":
        _resolve_as_not_paid(run, attempt)
        return
    fee_msat = next(
        row["fee_msat"]
        for row in run.control.payments_of("platform", attempt.order.reference)
        if row["fee_msat"]
    )
    proposal = propose_resolution(
        disbursement_id=attempt.disbursement_id, verdict=ResolutionVerdict.PAID, proof=shown["preimage"],
        cost=fee_msat, explanation="the payee's wallet shows it", proposer=run.finance, now=run.now(),
    )  # fmt: skip
    approve(proposal_id=proposal.pk, approver=run.approver, digest=proposal.digest, now=run.now())
    run.events["resolved as paid by two people"] += 1


def _resolve_as_not_paid(run: ChaosRun, attempt: Attempt) -> None:
    """Propose and approve a resolution as not paid, unless the order can still be paid or the evidence is refused."""
    try:
        proposal = propose_resolution(
            disbursement_id=attempt.disbursement_id, verdict=ResolutionVerdict.NOT_PAID,
            explanation="the payee's wallet shows nothing", proposer=run.finance, now=run.now(),
        )  # fmt: skip
    except (OrderStillPayable, ProviderContradicts, EvidenceTooOld):
        return
    approve(proposal_id=proposal.pk, approver=run.approver, digest=proposal.digest, now=run.now())
    run.events["resolved as not paid by two people"] += 1


def _unpaid(run: ChaosRun) -> Any:
    return Disbursement.objects.filter(pk__in=[payout.id for payout in run.payouts]).exclude(
        state="completed"
    )


def _verdict(run: ChaosRun, seed: int, at_first: "Sums") -> dict[str, Any]:
    """Compare the node's record, the node's balance and our books.

    This is the first gRPC call of the process: a process must not fork after it.
    """
    rows = run.control.payments("platform")
    paid = {row["payment_hash"]: row for row in rows if row["status"] == "SUCCEEDED" and row["successes"]}
    report, at_last = audit(now=run.now()), Sums.of(run)
    return {
        "seed": seed, "payouts": len(run.payouts), "events": dict(run.events),
        "wrong": [problem for payout in run.payouts if (problem := _judge(payout, paid))],
        "mismatches": [
            str(mismatch)
            for mismatch in match_rail("lightning", now=run.now()).mismatches
            if mismatch.reference not in run.misreported
        ],
        "breaches": [f"{breach.invariant} {breach.subject}: {breach.detail}" for breach in report.breaches],
        "record_msat": sum(row["value_msat"] + row["fee_msat"] for row in paid.values()),
        "node_msat": at_first.node_msat - at_last.node_msat,
        "books_msat": at_first.books_msat - at_last.books_msat + run.funded_msat,
    }  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """The node's local channel balance, and the balance of its account in our books."""

    node_msat: int
    books_msat: int

    @classmethod
    def of(cls, run: ChaosRun) -> "Sums":
        return cls(run.control.nodes()["platform"]["local_msat"], balance(NODE))


def _judge(payout: Payout, paid: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is wrong with a payout; it must be completed, and the node must have paid its net exactly once."""
    state = Disbursement.objects.values_list("state", flat=True).get(pk=payout.id)
    rows = [paid[payment_hash] for payment_hash in payout.hashes if payment_hash in paid]
    payments = [(row["value_msat"], row["successes"]) for row in rows]
    if state == "completed" and payments == [(payout.net_sats * MSAT, 1)]:
        return None
    attempts = Attempt.objects.filter(disbursement_id=payout.id).order_by("number")
    return {
        "id": payout.id, "state": state, "payments": payments,
        "attempts": list(attempts.values_list("state", "outcome", "sends")),
    }  # fmt: skip
