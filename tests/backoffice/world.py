"""Data for the back office: money received and paid, a failed payment, open proposals."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group as RoleGroup
from knox.models import AuthToken

from fees.models import FeeBracketDraft, FeeScheduleDraft
from ledger.services.rates import propose_manual_rate
from ledger.services.sealing import seal_books
from payouts.models import Cycle, Group
from payouts.services.cycles import set_destination
from payouts.services.groups import propose_verification
from sunusav.core.models import OutboxMessage, Proposal, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.schedules import sync_schedules
from sunusav.core.trail import seal_trail
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_ready_cycle,
    pay_contribution,
    process,
    verify,
)
from tests.fakes.rail import ScriptedRail, invoice
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.types import Refused

EVIL = "<img src=x onerror=alert(1)>"
LATER = NOW + timedelta(days=3650)


@dataclass(frozen=True)
class World:
    """The rows that tests point at."""

    group: Group
    paid: Disbursement
    failed: Disbursement
    collecting: Cycle
    verification: Proposal
    manual_rate: Proposal
    draft: FeeScheduleDraft
    proposer: User


def person(name: str, role: Role | None, **fields: Any) -> User:
    """Create a person who may use the back office."""
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, **fields})
    if role is not None:
        user.groups.set([RoleGroup.objects.get(name=role.value)])
    return user


def make_world(*, now: Any = NOW) -> World:
    """Create the data through the services that create it in production."""
    sync_roles()
    sync_schedules()
    proposer = person("awa", Role.FINANCE, first_name=EVIL, last_name="Ndiaye")
    group = make_group(members=3, id="medina", name=f"Tontine {EVIL}")
    verify(group)
    paid = paid_payment(group, "demo-cycle", payee="awa")
    failed = failed_payment(group, "cycle-failed", payee="moussa")
    collecting = make_cycle(group, cycle_id="cycle-collecting")
    pay_contribution(collecting, "user-1")
    pay_contribution(collecting, "user-2", received_msat=4_000_500)
    waiting = make_group(members=1, id="fass", name="Tontine Fass")
    verification = propose_verification(
        group_id=waiting.pk, proposer=proposer, reason=f"papers seen {EVIL}", now=now
    )
    manual_rate = propose_manual_rate(
        rate_xof_per_btc=Decimal("66000000.5"), reason="sources are unavailable", proposer=proposer, now=now
    )
    seal_trail(now=now)
    seal_books(now=now)
    _integration()
    draft = _draft(proposer)
    return World(group, paid, failed, collecting, verification, manual_rate, draft, proposer)


def paid_payment(group: Group, cycle_id: str, *, payee: str) -> Disbursement:
    """Pay out a cycle of the group of three; the name of its invoice is used once."""
    cycle = make_ready_cycle(group, destination=invoice(payee, 29_850), cycle_id=cycle_id)
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    return Disbursement.objects.get(pk=payout_id)


def failed_payment(group: Group, cycle_id: str, *, payee: str) -> Disbursement:
    """Let the payout of a cycle of the group of three be finally refused."""
    cycle = make_ready_cycle(group, cycle_id=cycle_id)
    set_destination(cycle_id=cycle.pk, destination=invoice(payee, 29_850), actor=ACTOR, now=NOW)
    node = rail("lightning")
    assert isinstance(node, ScriptedRail)
    node.script.append(
        Refused(reason="incorrect_payment_details", failure=FailureClass.FINAL, evidence={"hops": 2})
    )
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    # Its order can leave no more after half a minute, and the node is asked about it once more.
    run_due(slots=1, clock=lambda: NOW + timedelta(seconds=30))
    return Disbursement.objects.get(pk=payout_id)


def _integration() -> None:
    OutboxMessage.objects.create(
        topic="disbursement.completed", subject="cycle:demo-cycle", payload={"cycle_id": EVIL}, created_at=NOW,
        next_try_at=NOW,
    )  # fmt: skip
    service = User.objects.create(username=f"platform{EVIL}", is_service=True)
    AuthToken.objects.create(user=service)


def _draft(author: User) -> FeeScheduleDraft:
    draft = FeeScheduleDraft.objects.create(
        author=author, created_at=NOW, effective_at=LATER, note=f"cheaper {EVIL}", maximum_fee_sats=50_000
    )
    FeeBracketDraft.objects.create(draft=draft, from_sats=0, base_rate_ppm=10_000)
    FeeBracketDraft.objects.create(draft=draft, from_sats=1_000_000, base_rate_ppm=5_000)
    return draft
