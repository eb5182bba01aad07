"""Who issues receipts and the tax rate on them, set as in production: one person proposes, another approves."""

from datetime import datetime
from itertools import count
from typing import Any

from sunusav.core import approvals
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from transfers.models import AdoptedIssuer, AdoptedTaxRate
from transfers.services.issuers import propose_issuer, propose_tax_rate
from transfers.types import IssuerFacts

ISSUER = IssuerFacts("SunuSàv SA", "12, rue Félix-Faure\nDakar", "0061234562G3")
_numbers = count(1)


def adopt(proposal: Proposal, *, now: datetime, approver: User | None = None) -> None:
    approver = approver or make_user(Role.APPROVER, username=f"receipts-approver-{next(_numbers)}")
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)


def proposed_issuer(
    issuer: IssuerFacts = ISSUER, *, now: datetime, proposer: User | None = None, **given: Any
) -> Proposal:
    proposer = proposer or _proposer()
    return propose_issuer(issuer=issuer, reason="as registered", proposer=proposer, now=now, **given)


def proposed_tax_rate(
    rate_bps: int, *, now: datetime, proposer: User | None = None, **given: Any
) -> Proposal:
    proposer = proposer or _proposer()
    return propose_tax_rate(
        rate_bps=rate_bps, reason="the adviser's letter", proposer=proposer, now=now, **given
    )


def set_issuer(issuer: IssuerFacts = ISSUER, *, now: datetime, **given: Any) -> AdoptedIssuer:
    """Put an issuer in force."""
    proposal = proposed_issuer(issuer, now=now, **given)
    adopt(proposal, now=now)
    return AdoptedIssuer.objects.get(proposal=proposal)


def set_tax_rate(rate_bps: int, *, now: datetime, **given: Any) -> AdoptedTaxRate:
    """Put a tax rate in force."""
    proposal = proposed_tax_rate(rate_bps, now=now, **given)
    adopt(proposal, now=now)
    return AdoptedTaxRate.objects.get(proposal=proposal)


def _proposer() -> User:
    return make_user(Role.FINANCE, username=f"receipts-proposer-{next(_numbers)}")
