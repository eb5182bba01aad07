"""B6: many at once ask for one cycle's payout, each with an invoice of its own, and workers are killed meanwhile.

The judge is the simulated node's own record: how many payments succeeded for all the invoices of a cycle.
"""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import OperationalError, transaction
from django.test.utils import override_settings

from bench.ratios import tell
from fees.types import PricedFor
from ledger.auditor import audit as audit_books
from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.crash import driver
from tests.crash.kill_switch import KILL_SWITCH
from transfers.errors import SubjectHeld
from transfers.services.disbursements import request_disbursement
from transfers.types import Destination, DisbursementRequest

CYCLES_PER_ROUND, ATTEMPTS = 4, 8
# A payout takes this many steps at most (`tests.crash.kill_switch` counts them): a fuse burns anywhere in it, or never.
STEPS = 90
SEED = 6


def main(rounds: int) -> int:
    dice = random.Random(SEED)
    with override_settings(RAILS={"lightning": "tests.crash.rails.KillSwitchRail"}):
        counted = [attack(f"once-{number}", dice) for number in range(rounds * CYCLES_PER_ROUND)]
        breaches = audit()
    payments, kills = Counter(paid for paid, _ in counted), sum(killed for _, killed in counted)
    worst = max(payments, key=lambda paid: abs(paid - 1))
    reached = tell(
        "B6", worst, f"{len(counted)} cycles, {ATTEMPTS} attempts each, {kills} of them killed; payments: cycles "
        + ", ".join(f"{paid}: {cycles}" for paid, cycles in sorted(payments.items())),
        f"the books afterwards: {len(breaches)} breaches", *breaches[:3],
    )  # fmt: skip
    return 0 if reached and not breaches else 1


def attack(name: str, dice: random.Random) -> tuple[int, int]:
    """Try to pay one cycle many times over; return its payments by the node's record, and how many were killed."""
    fund(name)
    bills = [
        driver.control().invoice("wallets", driver.NET_SATS * driver.MSAT, expiry=86_400)
        for _ in range(ATTEMPTS)
    ]
    fuses = [dice.choice((0, dice.randint(1, STEPS))) for _ in bills]
    children = [
        driver.start(partial(attempt, name, bill, kill_switch))
        for bill, kill_switch in zip(bills, fuses, strict=True)
    ]
    statuses = [driver.wait(child) for child in children]
    # The platform asks again when nobody answered it; clean workers come, as they do within a minute and a quarter.
    assert driver.forked(partial(attempt, name, bills[0], 0)) == 0
    driver.recover()
    empty(name)
    return payments_of(bills), sum(status == -9 for status in statuses)


def fund(name: str) -> None:
    """Fill the pot for every attempt: it must not be the empty pot that stops a second payment."""
    move(name, "fund", ATTEMPTS * driver.PAYOUT_SATS * driver.MSAT)


def empty(name: str) -> None:
    """Take out what is left: the auditor knows no cycle that this pot would belong to."""
    move(name, "empty", -owed(pot_of(name)))


def move(name: str, kind: str, amount_msat: int) -> None:
    lines = [Line(AccountRef(AccountRole.NODE, Currency.MSAT), amount_msat), Line(pot_of(name), -amount_msat)]
    reference = f"{kind}:{subject_of(name)}"
    post(kind=kind, reference=reference, lines=lines, at=clock.now(), subject=subject_of(name))


def subject_of(name: str) -> str:
    return f"cycle:{name}"


def pot_of(name: str) -> Any:
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject_of(name))


def attempt(name: str, bill: dict[str, Any], kill_switch: int) -> None:
    """Ask for the cycle's payout and work on whatever is due, until the fuse burns."""
    KILL_SWITCH.watch_databases()
    KILL_SWITCH.at = kill_switch
    # Another attempt was first; or the database let another one pass (a deadlock: `database-busy`, ask again).
    with suppress(SubjectHeld, OperationalError):
        order(name, bill)
    driver.run_later(timedelta(0))


def order(name: str, bill: dict[str, Any]) -> None:
    request = DisbursementRequest(
        subject=subject_of(name), payout_sats=driver.PAYOUT_SATS, debit=pot_of(name),
        priced_for=PricedFor("group:bench", f"user:{name}", "wave"),
        destination=Destination("lightning", "bolt11", bill["payment_request"]),
    )  # fmt: skip
    with transaction.atomic():
        request_disbursement(request=request, actor=Actor.system("bench"), now=clock.now())


def payments_of(bills: Sequence[dict[str, Any]]) -> int:
    """Count the successful payments of these invoices in the node's record."""
    hashes = {bill["payment_hash"] for bill in bills}
    rows = driver.control().payments("platform")
    return sum(row["successes"] for row in rows if row["payment_hash"] in hashes)


def audit() -> list[str]:
    return [
        f"{breach.invariant} {breach.subject}: {breach.detail}"
        for breach in audit_books(now=clock.now()).breaches
    ]
