"""Groups and cycles in any state, made by the services that make them in production."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import factory

from ledger.types import msat
from payouts.enums import GROUP_VERIFICATION
from payouts.models import Cycle, Group, Member
from payouts.queries.cycles import contributions_page
from payouts.services.contributions import open_contribution
from payouts.services.cycles import create_cycle, record_ready_cycles, set_destination
from payouts.services.groups import propose_verification
from payouts.services.payouts import request_payout
from payouts.types import Claims
from sunusav.core import approvals
from sunusav.core.actors import Actor
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.fakes.rail import invoice
from transfers.collection_queries import collections_for
from transfers.services.receipts import record_receipt
from transfers.types import Destination

# A Wednesday, ten o'clock in Dakar.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ACTOR = Actor.system("tests")
_numbers = count(1)


class GroupFactory(factory.django.DjangoModelFactory):
    """A group in Senegal that settles with Wave."""

    class Meta:
        model = Group

    id = factory.Sequence(lambda n: f"group-{n}")
    name = "Tontine Médina"
    country = "SN"
    settlement_partner_id = "wave"
    created_at = NOW


class MemberFactory(factory.django.DjangoModelFactory):
    """A member with sealed name and phone."""

    class Meta:
        model = Member

    group = factory.SubFactory(GroupFactory)
    user_id = factory.Sequence(lambda n: f"user-{n}")
    sealed_name = factory.LazyAttribute(lambda row: seal(f"member:{row.user_id}", "Awa Ndiaye"))
    sealed_phone = factory.LazyAttribute(lambda row: seal(f"member:{row.user_id}", "+221771234567"))
    added_at = NOW


def make_group(*, members: int = 10, **fields: Any) -> Group:
    """Create a group of `user-0`, `user-1`, ..."""
    group: Group = GroupFactory.create(**fields)
    for number in range(members):
        MemberFactory.create(group=group, user_id=f"user-{number}")
    return group


def verify(group: Group, *, now: datetime = NOW - timedelta(days=1)) -> None:
    """Have a group verified by two people."""
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose_verification(group_id=group.pk, proposer=proposer, reason="papers seen", now=now)
    assert proposal.kind == GROUP_VERIFICATION
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def make_cycle(group: Group | None = None, **fields: Any) -> Cycle:
    """Create a cycle that collects 10,000 sats of each member for `user-0`."""
    group = group or make_group()
    number = next(_numbers)
    given = {
        "cycle_id": f"cycle-{number}", "cycle_index": number, "contribution_sats": 10_000,
        "winner_user_id": "user-0", **fields,
    }  # fmt: skip
    create_cycle(group_id=group.pk, **given, actor=ACTOR, now=NOW)
    return Cycle.objects.get(pk=given["cycle_id"])


def pay_contribution(cycle: Cycle, user_id: str, *, received_msat: int | None = None) -> None:
    """Have a member request an invoice for the whole amount and pay it."""
    owed = open_contribution(
        cycle_id=cycle.pk, user_id=user_id, method="lightning", use_credit=False, actor=ACTOR, now=NOW
    )
    asked = collections_for([f"contribution:{owed.id}"])[f"contribution:{owed.id}"]
    received = asked.amount if received_msat is None else msat(received_msat)
    record_receipt(
        method=asked.method, reference=asked.reference, received=received, proof="00" * 32, received_at=NOW,
        now=NOW,
    )  # fmt: skip


def pay_contributions(cycle: Cycle) -> None:
    """Have every member pay."""
    for owed in contributions_page(None, 1_000, cycle_id=cycle.pk):
        pay_contribution(cycle, owed.user_id)


def make_ready_cycle(
    group: Group | None = None, *, destination: Destination | None = None, **fields: Any
) -> Cycle:
    """Create a cycle that every member has paid; with a destination, its winner can be paid."""
    cycle = make_cycle(group, **fields)
    pay_contributions(cycle)
    record_ready_cycles(now=NOW)
    if destination is not None:
        set_destination(cycle_id=cycle.pk, destination=destination, actor=ACTOR, now=NOW)
    cycle.refresh_from_db()
    return cycle


def make_payable_cycle(group: Group | None = None, *, net_sats: int = 99_000, **fields: Any) -> Cycle:
    """Create a ready cycle whose winner gave an invoice for exactly the net amount."""
    return make_ready_cycle(group, destination=invoice(f"invoice-{next(_numbers)}", net_sats), **fields)


def process(cycle: Cycle, *, now: datetime = NOW, **claims: bool) -> int:
    """Request the payout of a cycle."""
    return request_payout(cycle_id=cycle.pk, claims=Claims(**claims), actor=ACTOR, now=now)
