"""Two people who decide about a payment, and what they and the audit see of it."""

from __future__ import annotations

from typing import Any

from ledger.auditor import audit
from ledger.models import JournalTransaction
from sunusav.core.approvals import approve
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.rails import Watch
from transfers.enums import ResolutionVerdict
from transfers.models import ProviderAnswer
from transfers.services.resolutions import propose_resolution

PAID, NOT_PAID, WRITTEN_OFF = (
    ResolutionVerdict.PAID,
    ResolutionVerdict.NOT_PAID,
    ResolutionVerdict.WRITTEN_OFF,
)


class People:
    """A finance officer who proposes, and an approver."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.finance: User = make_user(Role.FINANCE)
        self.approver: User = make_user(Role.APPROVER)

    def propose(self, disbursement_id: int, verdict: ResolutionVerdict = NOT_PAID, **facts: Any) -> Proposal:
        return propose_resolution(
            disbursement_id=disbursement_id, verdict=verdict, proposer=self.finance, now=self.watch(),
            **{"explanation": "asked her", **facts},
        )  # fmt: skip

    def approve(self, proposal: Proposal, *, by: User | None = None) -> Proposal:
        return approve(
            proposal_id=proposal.pk, approver=by or self.approver, digest=proposal.digest, now=self.watch()
        )

    def decide(self, disbursement_id: int, verdict: ResolutionVerdict = NOT_PAID, **facts: Any) -> Proposal:
        return self.approve(self.propose(disbursement_id, verdict, **facts))


def breaches(watch: Watch) -> list[tuple[str, str]]:
    """Return the code and the detail of each breach that a full audit finds now."""
    found = [(breach.invariant, breach.detail) for breach in audit(now=watch()).breaches]
    # The pots of these tests are of no cycle.
    return [one for one in found if one != ("I05", "there is a pot, but no such cycle")]


def waiting(watch: Watch) -> list[tuple[str, str]]:
    """Return the code and the detail of what a full audit finds to wait for people, besides open attempts."""
    return [(one.invariant, one.detail) for one in audit(now=watch()).waiting if one.invariant != "I20"]


def kinds_of_answers(attempt_id: int) -> list[str]:
    """Return the kinds of the stored answers about an attempt, oldest first."""
    return list(
        ProviderAnswer.objects.filter(attempt=attempt_id).order_by("pk").values_list("kind", flat=True)
    )


def transactions() -> int:
    return JournalTransaction.objects.count()
