"""The demo's initial data. Each step checks what exists: seeding twice changes nothing."""

from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group as RoleGroup
from django.core.management import call_command
from django.db import transaction
from django.utils.timezone import localdate
from knox.models import AuthToken

from ledger.queries import transaction_for
from ledger.services import update_rates
from payouts.enums import GROUP_VERIFICATION
from payouts.errors import CycleMissing, GroupMissing
from payouts.queries.cycles import cycle
from payouts.queries.groups import group
from payouts.services.cycles import create_cycle, record_ready_cycles
from payouts.services.groups import create_group, propose_verification
from payouts.services.members import add_member
from sandbox.credentials import Credentials
from sandbox.members import MEMBERS, WINNER
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve, open_proposal
from sunusav.core.calendar import DAKAR
from sunusav.core.errors import Missing
from sunusav.core.models import User
from sunusav.core.roles import Role
from transfers.document_queries import issuer_in_force
from transfers.enums import TreasuryKind
from transfers.rails import rail
from transfers.services.issuers import propose_issuer
from transfers.services.treasury import propose_movement
from transfers.treasury import is_opened
from transfers.types import IssuerFacts, Movement, MovementEvidence

PEOPLE = [
    ("awa", "Awa", "Ndiaye", Role.FINANCE),
    ("ibrahima", "Ibrahima", "Fall", Role.FINANCE),
    ("fatou", "Fatou", "Diop", Role.APPROVER),
    ("moussa", "Moussa", "Sarr", Role.APPROVER),
    ("khady", "Khady", "Ba", Role.AUDITOR),
    ("omar", "Omar", "Sy", Role.OPERATOR),
]
TOKEN_HOLDERS = {
    Role.PLATFORM: "sunusav-platform",
    Role.FINANCE: "awa",
    Role.APPROVER: "fatou",
    Role.AUDITOR: "khady",
    Role.OPERATOR: "omar",
}
GROUP = "demo-group"
CYCLES = {"demo-cycle": WINNER, "cycle-123": WINNER, "cycle-124": WINNER, "demo-wave-cycle": "user-1"}
CONTRIBUTION_SATS = 10_000
ISSUER = IssuerFacts("SunuSàv (démonstration)", "1, place de l’Indépendance\nDakar", "0000000 0X0")
SEEDER = Actor.system("seed_demo")


def seed_demo(state: Path, *, now: datetime) -> None:
    """Create people, tokens, a verified group of ten and its four cycles of 100,000 sats, where missing."""
    credentials = Credentials.load(state)
    for login, first_name, last_name, role in PEOPLE:
        _person(login, first_name, last_name, role, credentials)
    for role, holder in TOKEN_HOLDERS.items():
        _token(role, holder, credentials)
    credentials.save(state)
    if settings.RATE_SOURCES:
        update_rates(now=now)
    for name in settings.RAILS:
        _opening_balance(name, now)
    _issuer(now)
    _group(now)
    _verify_group(now)
    for index, (cycle_id, winner) in enumerate(CYCLES.items(), start=1):
        _cycle(cycle_id, index, winner, now)
    # A run that was stopped may have lost the wake-up for the last contribution: its broker keeps nothing.
    record_ready_cycles(now=now)


def _person(login: str, first_name: str, last_name: str, role: Role, credentials: Credentials) -> None:
    password = credentials.password_for(login)
    credentials.roles[login] = role.value
    user, is_new = User.objects.get_or_create(
        username=login, defaults={"first_name": first_name, "last_name": last_name, "is_staff": True}
    )
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    user.groups.set([RoleGroup.objects.get(name=role.value)])


def _token(role: Role, holder: str, credentials: Credentials) -> None:
    if role.value in credentials.tokens and AuthToken.objects.filter(user__username=holder).exists():
        return
    output = StringIO()
    call_command("issue_token", holder, role=role.value, stdout=output)
    credentials.tokens[role.value] = output.getvalue().strip()


def _opening_balance(name: str, now: datetime) -> None:
    """Book what the node or a partner holds at the start, as in production: by two people."""
    opened = rail(name)
    # The second: a demo that was seeded before two people had to book it.
    if is_opened(opened.account) or (name == "lightning" and transaction_for("opening:node") is not None):
        return
    opening = Movement(TreasuryKind.OPENING_BALANCE, opened.account, opened.balance().amount)
    evidence = MovementEvidence(
        localdate(now, DAKAR), f"{name} at the start", "what the simulated node or partner reports",
    )  # fmt: skip
    proposer, approver = User.objects.get(username="awa"), User.objects.get(username="fatou")
    with transaction.atomic():
        proposal = propose_movement(movement=opening, evidence=evidence, proposer=proposer, now=now)
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def _issuer(now: datetime) -> None:
    """Set who issues receipts as in production. The tax rate stays at its default of 0."""
    if issuer_in_force(now) is not None:
        return
    proposer, approver = User.objects.get(username="awa"), User.objects.get(username="fatou")
    with transaction.atomic():
        proposal = propose_issuer(issuer=ISSUER, reason="the demo's issuer", proposer=proposer, now=now)
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def _group(now: datetime) -> None:
    if _exists(GroupMissing, lambda: group(GROUP, at=now)):
        return
    create_group(
        group_id=GROUP, name="Tontine Médina", country="SN", settlement_partner="wave", actor=SEEDER, now=now,
    )  # fmt: skip
    for member in MEMBERS:
        add_member(
            group_id=GROUP, user_id=member.user_id, display_name=member.name, phone=member.phone, actor=SEEDER, now=now,
        )  # fmt: skip


def _verify_group(now: datetime) -> None:
    """Verify the group as in production: a finance officer proposes, an approver approves."""
    if group(GROUP, at=now).is_verified:
        return
    proposer, approver = User.objects.get(username="awa"), User.objects.get(username="fatou")
    proposal = open_proposal(GROUP_VERIFICATION, GROUP) or propose_verification(
        group_id=GROUP, proposer=proposer, reason="known to us since 2019", now=now
    )
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def _cycle(cycle_id: str, index: int, winner: str, now: datetime) -> None:
    if _exists(CycleMissing, lambda: cycle(cycle_id)):
        return
    create_cycle(
        cycle_id=cycle_id, group_id=GROUP, cycle_index=index, contribution_sats=CONTRIBUTION_SATS,
        winner_user_id=winner, actor=SEEDER, now=now,
    )  # fmt: skip


def _exists(missing: type[Missing], read: Callable[[], object]) -> bool:
    try:
        read()
    except missing:
        return False
    return True
