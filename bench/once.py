"""B6: many processes request the payout of one cycle at once, each with its own invoice, while workers are killed.

The result is read from the simulated node's own record: how many payments succeeded for all the invoices of a cycle.
"""

import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import OperationalError, transaction
from django.test.utils import override_settings

from bench.ratios import print_ratio
from fees.types import PricedFor
from ledger.auditor import audit as audit_books
from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.crash import driver
from tests.crash.payouts import MSAT, NET_SATS, PAYOUT_SATS
from tests.crash.step_switch import STEP_SWITCH, Halt
from transfers.errors import SubjectHeld
from transfers.services.disbursements import request_disbursement
from transfers.types import Choice, Destination, DisbursementRequest

CYCLES_PER_ROUND, ATTEMPTS = 4, 8
# A payout takes at most this many steps, counted by `tests.crash.step_switch`; an attempt is killed at one, or never.
STEPS = 90
SEED = 6


def main(rounds: int) -> int:
    rng = random.Random(SEED)
    with override_settings(RAILS={"lightning": "tests.crash.rails.SteppedRail"}):
        counted = [attack(f"once-{number}", rng) for number in range(rounds * CYCLES_PER_ROUND)]
        breaches = audit()
    payments, kills = Counter(paid for paid, _ in counted), sum(killed for _, killed in counted)
    worst = max(payments, key=lambda paid: abs(paid - 1))
    reached = print_ratio(
        "B6", worst, f"{len(counted)} cycles, {ATTEMPTS} attempts each, {kills} of them killed; cycles by payments: "
        + ", ".join(f"{paid}: {cycles}" for paid, cycles in sorted(payments.items())),
        f"the books afterwards: {len(breaches)} breaches", *breaches[:3],
    )  # fmt: skip
    return 0 if reached and not breaches else 1


def attack(name: str, rng: random.Random) -> tuple[int, int]:
    """Try to pay one cycle many times; return the payments in the node's record and the number of killed attempts."""
    fund(name)
    invoices = [driver.control().invoice("wallets", NET_SATS * MSAT, expiry=86_400) for _ in range(ATTEMPTS)]
    kill_steps = [rng.choice((0, rng.randint(1, STEPS))) for _ in invoices]
    children = [
        driver.start(partial(attempt, name, invoice, kill_step))
        for invoice, kill_step in zip(invoices, kill_steps, strict=True)
    ]
    statuses = [driver.wait(child) for child in children]
    # The platform repeats a request without an answer; then workers run that are not killed.
    assert driver.forked(partial(attempt, name, invoices[0], 0)) == 0
    driver.recover()
    empty(name)
    return payments_of(invoices), sum(status == -9 for status in statuses)


def fund(name: str) -> None:
    """Fill the pot for every attempt, so that a second payment is not stopped by an empty pot."""
    move(name, "fund", ATTEMPTS * PAYOUT_SATS * MSAT)


def empty(name: str) -> None:
    """Take out the rest, because no cycle exists that the audit could match this pot with."""
    move(name, "empty", -owed(pot_of(name)))


def move(name: str, kind: str, amount_msat: int) -> None:
    lines = [Line(AccountRef(AccountRole.NODE, Currency.MSAT), amount_msat), Line(pot_of(name), -amount_msat)]
    reference = f"{kind}:{subject_of(name)}"
    post(kind=kind, reference=reference, lines=lines, at=clock.now(), subject=subject_of(name))


def subject_of(name: str) -> str:
    return f"cycle:{name}"


def pot_of(name: str) -> Any:
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject_of(name))


def attempt(name: str, invoice: dict[str, Any], kill_step: int) -> None:
    """Request the cycle's payout and run a worker, with a kill at the given step (0: none)."""
    STEP_SWITCH.watch_databases()
    STEP_SWITCH.plan(Halt(signal.SIGKILL, after=kill_step))
    # Another attempt was first, or the database ended this one in a deadlock (`database-busy`: repeat the request).
    with suppress(SubjectHeld, OperationalError):
        order(name, invoice)
    driver.run_later(timedelta(0))


def order(name: str, invoice: dict[str, Any]) -> None:
    request = DisbursementRequest(
        subject=subject_of(name), payout_msat=PAYOUT_SATS * 1_000, debit=pot_of(name),
        priced_for=PricedFor("group:bench", f"user:{name}", "wave"),
        choices=(Choice(Destination("lightning", "bolt11", invoice["payment_request"])),),
    )  # fmt: skip
    with transaction.atomic():
        request_disbursement(request=request, actor=Actor.system("bench"), now=clock.now())


def payments_of(invoices: Sequence[dict[str, Any]]) -> int:
    """Count the successful payments of these invoices in the node's record."""
    hashes = {invoice["payment_hash"] for invoice in invoices}
    rows = driver.control().payments("platform")
    return sum(row["successes"] for row in rows if row["payment_hash"] in hashes)


def audit() -> list[str]:
    return [
        f"{breach.invariant} {breach.subject}: {breach.detail}"
        for breach in audit_books(now=clock.now()).breaches
    ]
