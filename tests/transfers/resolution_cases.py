"""Payments whose outcome stays unknown, and the two people who decide how they ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sunusav.core.approvals import approve
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import NET_SATS, ordered, run, story
from tests.transfers.rails import SOURCE, SteeredRail, Watch, paper, proof_of
from transfers.enums import ResolutionVerdict
from transfers.services.resolutions import propose_resolution
from transfers.types import FindOutcome, NotSeen, SendOutcome, Unknown

PAID, NOT_PAID = ResolutionVerdict.PAID, ResolutionVerdict.NOT_PAID
# Its invoice's hour, and ten minutes in which the node's clock may be slow.
GIVE_UP_SECONDS = 3_600 + 600
SEEN = Unknown(seen=True, reason="in-flight")
GONE = NotSeen(source=SOURCE, evidence={"code": "NOT_FOUND"})


class Case:
    """A payment under way that the outside forgot, and two people."""

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
        invoice = paper(name, NET_SATS, expires_at=watch() + timedelta(hours=1))
        self.id = ordered(name, destination=invoice, at=watch())
        node.script += [first] if again is None else [first, again]
        run(watch)
        self.ask(then, after=15)

    def ask(self, answer: FindOutcome | None = None, *, after: float = 600) -> None:
        """Let a worker ask again later; without an answer the outside tells what it knows."""
        if answer is not None:
            self.node.finds.append(answer)
        self.watch.advance(after)
        run(self.watch)

    def expire(self) -> None:
        """Come to where the outside can pay the order no more, and ask."""
        self.ask(GONE, after=GIVE_UP_SECONDS + 1)

    def propose(self, verdict: ResolutionVerdict, *, by: User | None = None, **changes: Any) -> Proposal:
        facts: dict[str, Any] = {"proof": proof_of(self.name, NET_SATS), "cost_msat": 1_500}
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
    def story(self) -> Any:
        return story(self.id)
