"""Pausing and resuming outgoing money."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.documentation import documented
from sunusav.api.permissions import AnyOf
from sunusav.api.serializers import ReasonBody, utc_text
from sunusav.api.shapes import ResumeShape, SwitchShape
from sunusav.api.views import ApiView
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalFactsChanged,
    approve,
    open_proposal,
    propose,
)
from sunusav.core.models import Proposal
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused
from sunusav.core.switches import OUTGOING, OutgoingNotPaused, outgoing, pause_outgoing


class PauseOutgoing(ApiView):
    """Stop outgoing money at once."""

    required_permissions = {"POST": "core.pause_outgoing"}

    @documented(
        "Pause outgoing money", body=ReasonBody, answer=SwitchShape, example={"reason": "node looks odd"}
    )
    def post(self, request: Request) -> Response:
        pause_outgoing(actor=self.actor, reason=self.body(ReasonBody)["reason"], now=self.now)
        return Response(_switch())


class ResumeOutgoing(ApiView):
    """Let outgoing money leave again: one person proposes, another approves by the same call."""

    required_permissions = {"POST": AnyOf(("core.propose_resume_outgoing", "core.approve_resume_outgoing"))}

    @documented(
        "Propose to resume outgoing money, or approve what another proposed",
        body=ReasonBody,
        answer=ResumeShape,
        statuses=(200, 202),
        problems=[
            OutgoingNotPaused, ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged,
            SecondFactorRefused, SecondFactorNotEnrolled,
        ],
        example={"reason": "node is healthy again"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        reason = self.body(ReasonBody)["reason"]
        waiting = open_proposal(OUTGOING_RESUME, OUTGOING)
        if waiting is None:
            return self._propose(reason)
        self.require_second_factor()
        approve(proposal_id=waiting.pk, approver=self.user, digest=waiting.digest, now=self.now)
        return Response(_resume(waiting))

    def _propose(self, reason: str) -> Response:
        proposal = propose(
            kind=OUTGOING_RESUME, subject_id=OUTGOING, proposer=self.user, reason=reason, now=self.now
        )
        return Response(_resume(proposal), status=202)


def _resume(proposal: Proposal) -> dict[str, Any]:
    return {
        **_switch(),
        "proposal_id": str(proposal.pk),
        "proposed_by": proposal.proposer.get_username(),
    }


def _switch() -> dict[str, Any]:
    switch = outgoing()
    return {
        "status": "open" if switch.is_open else "paused",
        "reason": switch.reason,
        "changed_by": switch.changed_by,
        "changed_at": utc_text(switch.changed_at) if switch.changed_at else None,
    }
