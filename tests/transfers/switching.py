"""Switching providers off and on, as tests of the engine and of collections do it."""

from typing import Never

from sunusav.core.approvals import approve, propose
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import BY
from tests.transfers.rails import Watch
from transfers.enums import PROVIDER_SWITCH_ON, FailureClass
from transfers.errors import RailCredentialsRefused
from transfers.models import ProviderSwitch
from transfers.services.switches import switch_off
from transfers.types import Refused

WRONG_PIN = Refused("wrong-pin", FailureClass.STOP)


def switched_off(watch: Watch, provider: str = "lightning", *, reason: str = "odd answers") -> ProviderSwitch:
    """Switch a provider off."""
    return switch_off(provider=provider, actor=BY, reason=reason, now=watch())


def proposed_on(watch: Watch, provider: str = "lightning") -> Proposal:
    """Let one person propose to switch a provider on."""
    proposer = make_user(Role.FINANCE)
    return propose(
        kind=PROVIDER_SWITCH_ON,
        subject_id=provider,
        proposer=proposer,
        now=watch(),
        reason="it is well again",
    )


def approved(proposal: Proposal, watch: Watch) -> None:
    """Let another person approve."""
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=watch())


def switched_on(watch: Watch, provider: str = "lightning") -> None:
    """Let two people switch a provider on."""
    approved(proposed_on(watch, provider), watch)


def refuse_credentials() -> Never:
    """Answer as a provider whose key was revoked."""
    raise RailCredentialsRefused(rail="lightning", detail="key revoked")
