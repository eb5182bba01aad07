"""Minimum floats at partners, set as in production, and looks at partners."""

from datetime import datetime
from itertools import count

from partners.models import AdoptedFloatMinimum
from partners.services.floats import propose_float_minimum
from partners.types import FloatMinimumFacts
from sunusav.core import approvals
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from transfers.models import RailLiquidity

MINIMUM = FloatMinimumFacts(minimum_xof=100_000, minimum_days=3)
_numbers = count(1)


def proposed_minimum(
    minimum: FloatMinimumFacts = MINIMUM,
    *,
    now: datetime,
    partner: str = "wave",
    proposer: User | None = None,
) -> Proposal:
    proposer = proposer or make_user(Role.FINANCE, username=f"floats-proposer-{next(_numbers)}")
    return propose_float_minimum(
        partner=partner, minimum=minimum, reason="a busy month", proposer=proposer, now=now
    )


def adopt_minimum(proposal: Proposal, *, now: datetime, approver: User | None = None) -> AdoptedFloatMinimum:
    approver = approver or make_user(Role.APPROVER, username=f"floats-approver-{next(_numbers)}")
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)
    return AdoptedFloatMinimum.objects.get(proposal=proposal)


def looked_at(partner: str, balance_xof: int, *, at: datetime) -> None:
    """Store a look at a partner's rail, as the worker that may pay does every half minute."""
    RailLiquidity.objects.update_or_create(
        rail=partner,
        defaults={
            "currency": "XOF", "total": balance_xof, "largest": balance_xof, "known_at": at, "seen_at": at,
            "provider_amount": balance_xof, "booked_amount": balance_xof, "difference_amount": 0, "balance_at": at,
        },
    )  # fmt: skip
