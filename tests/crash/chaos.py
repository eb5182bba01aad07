"""Chaos: payouts of odd amounts while the node misbehaves at random and is killed, and workers are killed too.

Imported once Django is set up. In the end the node's own record and our books must agree to the last msat.
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
from datetime import datetime, timedelta
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
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.crash.driver import forked, start, wait
from tests.factories.limits import widen_limits
from tests.factories.users import make_user
from tests.support.lightning import settings_of
from transfers.engine.runner import run_due
from transfers.enums import OPEN_ATTEMPT_STATES, AttemptState, ResolutionVerdict
from transfers.errors import EvidenceTooOld, OrderStillPayable, ProviderContradicts
from transfers.matching import match_rail
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import replace_destination, request_disbursement, retry_disbursement
from transfers.services.resolutions import propose_resolution
from transfers.types import Destination, DisbursementRequest

MSAT = 1_000
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
PEOPLE = Actor.system("people of the soak")
WAVE, WORKERS = 50, 3
# Past a lease, past the waits between retries, past a breaker's: clocks move on by this after every round.
STEP = timedelta(seconds=45)
CALM_ROUNDS, CALM_ROUNDS_TO_A_RESTART = 60, 5
INVOICES_LAST = timedelta(days=8)
FAULTS_IN_TEN = 5
LIES = ("misreport", "bad_preimage")
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
class Chaos:
    """One run: its dice, its node, its clock, and what has happened so far."""

    dice: random.Random
    world: SimulatorProcess
    ahead: timedelta = timedelta(0)
    payouts: list[Payout] = field(default_factory=list)
    funded_msat: int = 0
    # Payments of which the node's statement is false: it lost every trace of them, or was told to lie.
    false: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    finance: User = field(default_factory=partial(make_user, Role.FINANCE))
    approver: User = field(default_factory=partial(make_user, Role.APPROVER))

    @property
    def control(self) -> Control:
        return self.world.control

    def now(self) -> datetime:
        return clock.now() + self.ahead

    def let_time_pass(self) -> None:
        self.ahead += STEP
        self.control.set_clock(offset_seconds=int(self.ahead.total_seconds()))


def chaos(payouts: int, seed: int = 0) -> dict[str, Any]:
    """Pay so many in waves amid faults and kills; then let calm workers and people finish, and compare."""
    with _world() as world:
        run = Chaos(random.Random(seed), world)
        widen_limits(now=run.now())
        at_first = Sums.of(run)
        for begun in range(0, payouts, WAVE):
            wave = [_order(run, begun + number) for number in range(min(WAVE, payouts - begun))]
            run.payouts += wave
            _attack(run)
        _calm_down(run)
        return _verdict(run, seed, at_first)


@contextmanager
def _world() -> Iterator[SimulatorProcess]:
    """Run nodes of our own: nobody else's test meets their deaths."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        SimulatorProcess(Path(folder)) as world,
        override_settings(**settings_of(world), RAILS={"lightning": "tests.crash.rails.ImpatientRail"}),
    ):
        yield world


def _order(run: Chaos, number: int) -> Payout:
    """Fund a pot of an odd amount, script the node's mood for its payment, and order it."""
    payout_sats = run.dice.randint(2_000, 300_000)
    net_sats = payout_sats - max(1, payout_sats // 100)
    subject = f"cycle:chaos-{number}"
    pot = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject)
    amount_msat = payout_sats * MSAT
    lines = [Line(NODE, amount_msat), Line(pot, -amount_msat)]
    post(kind="receipt_for_test", reference=f"fund:{subject}", lines=lines, at=run.now(), subject=subject)
    run.funded_msat += amount_msat
    payment_request, payment_hash = _invoice(run, net_sats)
    request = DisbursementRequest(
        subject=subject, payout_sats=payout_sats, debit=pot,
        priced_for=PricedFor("group:chaos", f"user:{number}", "wave"),
        destination=Destination("lightning", "bolt11", payment_request),
    )  # fmt: skip
    disbursement_id = request_disbursement(request=request, actor=PEOPLE, now=run.now())
    return Payout(disbursement_id, subject, net_sats, [payment_hash])


def _invoice(run: Chaos, net_sats: int) -> tuple[str, str]:
    made = run.control.invoice("wallets", net_sats * MSAT, expiry=int(INVOICES_LAST.total_seconds()) // 2)
    mood = _mood(run.dice)
    for step in mood:
        run.told[f"{step['do']} {step.get('at', step.get('reason', ''))}".strip()] += 1
    if any(step["do"] in LIES for step in mood):
        run.false.append(made["payment_hash"])
    if mood:
        count = run.dice.randint(1, 2)
        run.control.script("platform", *mood, payment_hash=made["payment_hash"], count=count)
    return made["payment_request"], made["payment_hash"]


def _mood(dice: random.Random) -> list[Step]:
    """Choose how the node will treat a payment: routing fees that differ, and often a fault."""
    fee: Step = {"do": "fee", "fee_msat": dice.randint(0, 9_999)}
    if dice.randrange(10) >= FAULTS_IN_TEN:
        return [fee]
    phase = dice.choice(("arrived", "created", "in_flight", "resolved"))
    return [
        fee,
        dice.choice(
            (
                {"do": "drop", "at": phase},
                {"do": "end", "at": phase},
                {"do": "error", "at": phase, "code": "UNKNOWN", "text": "routerrpc server shutting down"},
                {"do": "delay", "at": phase, "seconds": round(dice.uniform(0.05, 0.5), 2)},
                {"do": "in_flight", "seconds": dice.randint(1, 120)},
                {"do": "fail", "reason": dice.choice(("TIMEOUT", "NO_ROUTE", "CANCELED", "ERROR"))},
                {"do": "fail", "reason": dice.choice(("INCORRECT_PAYMENT_DETAILS", "INSUFFICIENT_BALANCE"))},
                {"do": "stuck"},
                {"do": "bad_preimage"},
                {"do": "misreport", "value_msat": 1},
            )
        ),
    ]


def _attack(run: Chaos) -> None:
    """Let several workers loose at once, kill most of them and now and then the node, more than once."""
    for _ in range(3):
        children = [start(partial(_work, run.ahead)) for _ in range(WORKERS)]
        for child in children:
            time.sleep(run.dice.uniform(0.05, 0.6))
            if run.dice.random() < 0.7:
                _kill(child)
        if run.dice.random() < 0.4:
            run.world.restart()
            run.told["node killed"] += 1
        _make_one_vanish(run)
        run.told["workers killed"] += sum(wait(child) == -signal.SIGKILL for child in children)
        run.let_time_pass()


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)


def _work(ahead: timedelta) -> None:
    run_due(clock=lambda: clock.now() + ahead)


def _calm_down(run: Chaos) -> None:
    """Nobody is killed any more: workers come, and people look after what asks for them, until all is paid."""
    for number in range(1, CALM_ROUNDS):
        if number == CALM_ROUNDS // 2:
            run.ahead += INVOICES_LAST  # what nobody can pay any more may be called unpaid
        if number % CALM_ROUNDS_TO_A_RESTART == 0:
            run.world.restart()  # what operators do about payments that hang: LND then fails them
        assert forked(partial(_work, run.ahead)) == 0, "a worker died by itself"
        _look_after(run)
        run.let_time_pass()
        if not _unpaid(run).exists():
            return


def _make_one_vanish(run: Chaos) -> None:
    """Have the node pay a payment that it was seen to have on its way, and then lose every trace of it."""
    seen = Attempt.objects.filter(state=AttemptState.IN_FLIGHT).exclude(order__reference__in=run.false)
    payment_hash = seen.order_by("pk").values_list("order__reference", flat=True).first()
    if payment_hash is None:
        return
    try:
        run.control.settle("platform", payment_hash)
    except ControlError:
        return  # it has ended meanwhile
    run.control.forget("platform", payment_hash)
    run.false.append(payment_hash)
    run.told["vanished"] += 1


def _look_after(run: Chaos) -> None:
    """Do what finance does: say together how an unknown payment ended; try again, by a new invoice if need be."""
    known = {payout.id: payout for payout in run.payouts}
    for row in _unpaid(run).filter(state__in=("failed", "needs_review")):
        attempt = row.attempts.filter(state__in=OPEN_ATTEMPT_STATES).select_related("order").first()
        if attempt is not None:
            _decide_together(run, attempt)
            continue
        payout = known[row.pk]
        if row.failure_code in NEEDS_NEW_INVOICE:
            payment_request, payment_hash = _invoice(run, payout.net_sats)
            payout.hashes.append(payment_hash)
            destination = Destination("lightning", "bolt11", payment_request)
            replace_destination(disbursement_id=row.pk, destination=destination, actor=PEOPLE, now=run.now())
        retry_disbursement(disbursement_id=row.pk, actor=PEOPLE, reason="soak", now=run.now())
        run.told["retried by people"] += 1


def _decide_together(run: Chaos, attempt: Attempt) -> None:
    """Propose and approve that it was paid, once the payee's wallet shows the preimage of a settled invoice."""
    shown = next(
        row for row in run.control.invoices("wallets") if row["payment_hash"] == attempt.order.reference
    )
    if shown["state"] != "SETTLED":
        _call_unpaid(run, attempt)
        return
    fee_msat = next(
        row["fee_msat"]
        for row in run.control.payments_of("platform", attempt.order.reference)
        if row["fee_msat"]
    )
    proposal = propose_resolution(
        disbursement_id=attempt.disbursement_id, verdict=ResolutionVerdict.PAID, proof=shown["preimage"],
        cost_msat=fee_msat, explanation="the payee's wallet shows it", proposer=run.finance, now=run.now(),
    )  # fmt: skip
    approve(proposal_id=proposal.pk, approver=run.approver, digest=proposal.digest, now=run.now())
    run.told["decided by two people"] += 1


def _call_unpaid(run: Chaos, attempt: Attempt) -> None:
    """Propose and approve that it was not paid, where it may be called so by now: the payee's wallet has no money."""
    try:
        proposal = propose_resolution(
            disbursement_id=attempt.disbursement_id, verdict=ResolutionVerdict.NOT_PAID,
            explanation="the payee's wallet shows nothing", proposer=run.finance, now=run.now(),
        )  # fmt: skip
    except (OrderStillPayable, ProviderContradicts, EvidenceTooOld):
        return
    approve(proposal_id=proposal.pk, approver=run.approver, digest=proposal.digest, now=run.now())
    run.told["called unpaid by two people"] += 1


def _unpaid(run: Chaos) -> Any:
    return Disbursement.objects.filter(pk__in=[payout.id for payout in run.payouts]).exclude(
        state="completed"
    )


def _verdict(run: Chaos, seed: int, at_first: "Sums") -> dict[str, Any]:
    """Compare the node's record, the node's purse and our books. The first gRPC of this process: it forks no more."""
    rows = run.control.payments("platform")
    paid = {row["payment_hash"]: row for row in rows if row["status"] == "SUCCEEDED" and row["successes"]}
    report, at_last = audit(now=run.now()), Sums.of(run)
    return {
        "seed": seed, "payouts": len(run.payouts), "told": dict(run.told),
        "wrong": [story for payout in run.payouts if (story := _judge(payout, paid))],
        "mismatches": [
            str(mismatch) for mismatch in match_rail("lightning") if mismatch.reference not in run.false
        ],
        "breaches": [f"{breach.invariant} {breach.subject}: {breach.detail}" for breach in report.breaches],
        "record_msat": sum(row["value_msat"] + row["fee_msat"] for row in paid.values()),
        "purse_msat": at_first.purse_msat - at_last.purse_msat,
        "books_msat": at_first.books_msat - at_last.books_msat + run.funded_msat,
    }  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """What the node can spend, by its own word, and what it should hold by our books."""

    purse_msat: int
    books_msat: int

    @classmethod
    def of(cls, run: Chaos) -> "Sums":
        return cls(run.control.nodes()["platform"]["local_msat"], balance(NODE))


def _judge(payout: Payout, paid: dict[str, Any]) -> dict[str, Any] | None:
    """Tell what is wrong with a payout: it must be completed, and the node must have paid exactly its net, once."""
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
