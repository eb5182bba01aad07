"""Payments whose outcome stays unknown, and the two people who resolve them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sunusav.core.approvals import approve
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import NET_SATS, ordered, run, snapshot
from tests.transfers.rails import SOURCE, SteeredRail, Watch, invoice_for, proof_of
from transfers.enums import ResolutionVerdict
from transfers.services.resolutions import propose_resolution
from transfers.types import FindOutcome, NotSeen, SendOutcome, Unknown

PAID, NOT_PAID = ResolutionVerdict.PAID, ResolutionVerdict.NOT_PAID
# Its invoice's hour, and ten minutes in which the node's clock may be slow.
GIVE_UP_SECONDS = 3_600 + 600
SEEN = Unknown(seen=True, reason="in-flight")
GONE = NotSeen(source=SOURCE, evidence={"code": "NOT_FOUND"})


class Case:
    """A payment under way that the provider no longer knows, and two people."""

    def __init__(
        self,
        node: SteeredRail,
        watch: Watch,
        *,
        name: str = "awa",
        first: SendOutcome = SEEN,
        then: FindOutcome = GONE,
        again: SendOutcome | None = None,
    ) -> None:
        self.node, self.watch, self.name = node, watch, name
        self.finance = make_user(Role.FINANCE)
        self.approver = make_user(Role.APPROVER)
        invoice = invoice_for(name, NET_SATS, expires_at=watch() + timedelta(hours=1))
        self.id = ordered(name, destination=invoice, at=watch())
        node.script += [first] if again is None else [first, again]
        run(watch)
        self.query(then, after=15)

    def query(self, answer: FindOutcome | None = None, *, after: float = 600) -> None:
        """Let a worker query later; by default the provider answers what it knows."""
        if answer is not None:
            self.node.finds.append(answer)
        self.watch.advance(after)
        run(self.watch)

    def expire(self) -> None:
        """Advance to when the provider can no longer pay the order, and query."""
        self.query(GONE, after=GIVE_UP_SECONDS + 1)

    def propose(self, verdict: ResolutionVerdict, *, by: User | None = None, **changes: Any) -> Proposal:
        facts: dict[str, Any] = {"proof": proof_of(self.name, NET_SATS), "cost": 1_500}
        if verdict == NOT_PAID:
            facts = {}
        facts = {"explanation": "her wallet shows it", **facts, **changes}
        return propose_resolution(
            disbursement_id=self.id, verdict=verdict, proposer=by or self.finance, now=self.watch(), **facts
        )

    def approve(self, proposal: Proposal, *, by: User | None = None) -> Proposal:
        return approve(
            proposal_id=proposal.pk, approver=by or self.approver, digest=proposal.digest, now=self.watch()
        )

    @property
    def snapshot(self) -> Any:
        return snapshot(self.id)
