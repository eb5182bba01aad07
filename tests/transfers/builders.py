"""Builders of disbursements in any state, through the services and the engine, and what a test reads of one.

Without discounts the fee of 100,000 sats is 1 %: 1,000 = 500 + 200 + 300; the winner's net is 99,000.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fees.types import PricedFor
from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core.actors import Actor
from sunusav.core.clock import Clock
from sunusav.core.privacy import keys_of
from tests.transfers.rails import Watch, invoice_for
from transfers.booking import IN_TRANSIT
from transfers.engine import runner
from transfers.engine.claims import Claim, claim_due, release
from transfers.engine.destinations import instruction_for
from transfers.engine.flow_runner import Inline
from transfers.engine.runner import run_due
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.queries import destination_in_use, destinations_of
from transfers.services.disbursements import replace_destinations, request_disbursement
from transfers.types import Choice, Destination, DisbursementRequest, Instruction

# A Wednesday, ten o'clock in Dakar.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
BY = Actor.system("tests")
PAYOUT_SATS, NET_SATS = 100_000, 99_000
PAYOUT_MSAT, FEE_MSAT, NET_MSAT = 100_000_000, 1_000_000, 99_000_000
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
ROUTING = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
# A send may leave for 20 s, and the provider may still accept it 10 s after that.
MAY_LEAVE_SECONDS = 30


def pot(subject: str) -> AccountRef:
    """Return the account a subject is paid out of."""
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject)


def fund(subject: str, sats: int = PAYOUT_SATS) -> None:
    """Put sats into a subject's pot."""
    lines = [Line(NODE, sats * 1_000), Line(pot(subject), -sats * 1_000)]
    post(kind="receipt_for_test", reference=f"fund:{subject}", lines=lines, at=NOW, subject=subject)


def request_for(name: str = "awa", **changes: Any) -> DisbursementRequest:
    """Return an order of 100,000 sats to the winner of that name, to one destination or to `choices`."""
    destination = changes.pop("destination", None) or invoice_for(name, NET_SATS)
    replaced_at = changes.pop("destination_replaced_at", None)
    facts: dict[str, Any] = {
        "subject": f"cycle:{name}",
        "payout_msat": changes.pop("payout_sats", PAYOUT_SATS) * 1_000,
        "debit": pot(f"cycle:{name}"),
        "priced_for": PricedFor("group-1", f"user-{name}", "wave"),
        "choices": (Choice(destination, replaced_at),),
        **changes,
    }
    return DisbursementRequest(**facts)


def ordered(name: str = "awa", *, at: datetime = NOW, **changes: Any) -> int:
    """Fund a pot and order its payment; return the disbursement."""
    request = request_for(name, **changes)
    fund(request.subject, request.payout_msat // 1_000)
    return request_disbursement(request=request, actor=BY, now=at)


def run(watch: Watch) -> int:
    """Let one worker do all that is due; return how many it claimed."""
    return run_due(slots=1, clock=watch).worked


def settle(watch: Watch) -> int:
    """Let a worker ask about orders that were closed just now, as soon as no send of them can leave any more."""
    watch.advance(MAY_LEAVE_SECONDS)
    return run(watch)


def claimed(disbursement_id: int, watch: Watch, *, worker: str = "worker-1") -> Claim:
    """Let a worker claim one disbursement."""
    claims = {claim.disbursement_id: claim for claim in claim_due(worker=worker, now=watch(), limit=64)}
    wanted = claims.pop(disbursement_id)
    for other in claims.values():
        release(other, due_at=watch())
    return wanted


def worked(disbursement_id: int, watch: Watch) -> None:
    """Claim one disbursement and run its flow."""
    work(claimed(disbursement_id, watch), clock=watch)


def work(*claims: Claim, clock: Clock) -> None:
    """Run the flows of claimed disbursements, one provider call after the other."""
    remaining = list(claims)

    def take(*, limit: int, **_: object) -> list[Claim]:
        return [remaining.pop(0) for _ in remaining[:limit]]

    runner.run(take, slots=len(claims), limit=len(claims), clock=clock, executor=Inline())


@dataclass(frozen=True)
class Snapshot:
    """A disbursement: its state, its attempts' states, and what its pot and transit hold. Units: msat."""

    state: str
    attempts: list[str]
    pot_msat: int
    transit_msat: int


def snapshot(disbursement_id: int) -> Snapshot:
    """Return a disbursement as it is now; transit holds money of all disbursements of the test."""
    row = row_of(disbursement_id)
    states = [attempt.state for attempt in attempts(disbursement_id)]
    return Snapshot(row.state, states, owed(pot(row.subject)), owed(IN_TRANSIT))


UNTOUCHED = Snapshot("processing", [], 0, PAYOUT_MSAT)
PREPARED = Snapshot("processing", ["prepared"], 0, PAYOUT_MSAT)
IN_FLIGHT = Snapshot("processing", ["in_flight"], 0, PAYOUT_MSAT)
PAID = Snapshot("completed", ["succeeded"], 0, 0)


def row_of(disbursement_id: int) -> Disbursement:
    """Return the row as it is stored now."""
    return Disbursement.objects.get(pk=disbursement_id)


def attempts(disbursement_id: int) -> list[Attempt]:
    """Return the attempts, oldest first."""
    return list(Attempt.objects.filter(disbursement_id=disbursement_id).order_by("number"))


def node_msat() -> int:
    """Return what our node holds according to the books."""
    return balance(NODE)


def other_invoice(name: str, *, sats: int = NET_SATS) -> Destination:
    """Return another invoice for the same amount."""
    return invoice_for(name, sats)


def replace_destination(
    *,
    disbursement_id: int,
    destination: Destination,
    actor: Actor,
    now: datetime,
    replaced_at: datetime | None = None,
) -> None:
    """Give an unpaid disbursement one other destination."""
    choices = [Choice(destination, replaced_at)]
    replace_destinations(disbursement_id=disbursement_id, choices=choices, actor=actor, now=now)


def instruction_of(disbursement_id: int) -> Instruction:
    """Return what a rail is asked to prepare for a disbursement."""
    row = row_of(disbursement_id)
    return instruction_for(destination_in_use(destinations_of(row)), row, keys_of([row.person_ref]))


def destination_row(disbursement_id: int) -> DisbursementDestination:
    """Return the first destination as it is stored now."""
    return DisbursementDestination.objects.get(disbursement_id=disbursement_id, position=1)
