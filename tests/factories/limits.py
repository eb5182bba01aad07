"""Limits of outgoing money, set as in production: one person proposes, another approves."""

from datetime import datetime

from sunusav.core import approvals
from sunusav.core.roles import Role
from tests.factories.users import make_user
from transfers.enums import LimitKind
from transfers.queries import limits_in_force
from transfers.services.limits import propose_limit

# A thousand bitcoin, far above anything that a test, a soak or a benchmark pays.
WIDE_SATS = 100_000_000_000


def set_limit_to(kind: str, amount_sats: int, *, now: datetime) -> None:
    """Put a limit in force."""
    version = limits_in_force()[kind].version + 1
    proposer = make_user(Role.FINANCE, username=f"proposer-{kind}-{version}")
    approver = make_user(Role.APPROVER, username=f"approver-{kind}-{version}")
    proposal = propose_limit(
        kind=kind, amount_sats=amount_sats, reason="for this test", proposer=proposer, now=now
    )
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def widen_limits(*, now: datetime) -> None:
    """Raise every limit, for soaks and benchmarks that pay more than the limits of a day."""
    for kind in LimitKind.values:
        if limits_in_force()[kind].amount_sats != WIDE_SATS:
            set_limit_to(kind, WIDE_SATS, now=now)
