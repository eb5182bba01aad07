"""Movements of the treasury, proposed by one person and booked by another as in production."""

from datetime import date, datetime
from itertools import count
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core import approvals
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from transfers.enums import TreasuryKind
from transfers.models import BookedMovement
from transfers.services.treasury import propose_movement
from transfers.types import Movement, MovementEvidence

NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
ONCHAIN = AccountRef(AccountRole.BANK, Currency.MSAT, "onchain")
BANK = AccountRef(AccountRole.BANK, Currency.XOF)
WAVE = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "wave")
_numbers = count(1)


def evidence(reference: str = "", **changes: Any) -> MovementEvidence:
    """Return evidence with a reference of its own, unless one is given."""
    facts: dict[str, Any] = {
        "happened_on": date(2026, 3, 4),
        "reference": reference or f"reference {next(_numbers)}",
        "explanation": "seen on the statement",
    }
    return MovementEvidence(**{**facts, **changes})


def opening(account: AccountRef = NODE, amount: int = 2_000_000_000) -> Movement:
    return Movement(TreasuryKind.OPENING_BALANCE, account, amount)


def propose(movement: Movement, *, now: datetime, proposer: User | None = None, **given: Any) -> Proposal:
    return propose_movement(
        movement=movement, evidence=evidence(**given), proposer=proposer or make_user(Role.FINANCE), now=now
    )


def approve(proposal: Proposal, *, now: datetime, approver: User | None = None) -> None:
    approvals.approve(
        proposal_id=proposal.pk,
        approver=approver or make_user(Role.APPROVER),
        digest=proposal.digest,
        now=now,
    )


def book(movement: Movement, *, now: datetime, **given: Any) -> BookedMovement:
    """Have a movement booked by two people."""
    proposal = propose(movement, now=now, **given)
    approve(proposal, now=now)
    return BookedMovement.objects.get(proposal=proposal)
