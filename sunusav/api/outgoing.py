"""Pausing and resuming outgoing money."""

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.answers import AnswerSerializer
from sunusav.api.documentation import OneTimeCode
from sunusav.api.endpoints import Endpoint
from sunusav.api.permissions import AnyOf
from sunusav.api.proposals import ProposalFields
from sunusav.api.serializers import ChoiceOf, ReasonBody, UtcDateTimeField
from sunusav.api.viewsets import ApiViewSet
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalFactsChanged,
    RoleNeededToDecide,
    approve,
    open_proposal,
    progress_of,
    propose,
)
from sunusav.core.models import Proposal, ProposalState
from sunusav.core.second_factor import SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes
from sunusav.core.switches import OUTGOING, OutgoingNotPaused, outgoing, pause_outgoing, sends_that_may_leave

PROPOSE_OR_APPROVE_RESUME = AnyOf(("core.propose_resume_outgoing", "core.approve_resume_outgoing"))


class SwitchStatusField(ChoiceOf):
    """Whether money may leave."""

    def __init__(self) -> None:
        super().__init__(("open", "paused"), source="is_open")

    def to_representation(self, value: Any) -> str:
        return "open" if value else "paused"


class SwitchAnswer(AnswerSerializer):
    """The outgoing switch as it stands."""

    status = SwitchStatusField()
    reason = serializers.CharField()
    changed_by = serializers.CharField()
    changed_at = UtcDateTimeField(allow_null=True)


class PauseAnswer(SwitchAnswer):
    """The switch, and how many sends had passed their last look at it before: they may still leave."""

    sends_that_may_leave = serializers.IntegerField()


class ResumeAnswer(ProposalFields, SwitchAnswer):
    """The switch, and the proposal to open it, which a second person approves by the same call.

    It stays closed (202) until as many people have approved as are needed.
    """


class OutgoingViewSet(ApiViewSet):
    """The switch that lets outgoing money leave."""

    @Endpoint(
        "Pause outgoing money",
        operation_id="pause_outgoing_post",
        permission="core.pause_outgoing",
        body=ReasonBody,
        answer=PauseAnswer,
        example={"reason": "node looks odd"},
    )
    @action(detail=False, methods=["post"])
    def pause(self, request: Request) -> Response:
        """Stop outgoing money at once."""
        pause_outgoing(actor=self.actor, reason=self.body()["reason"], now=self.now)
        return self.answer(outgoing(), sends_that_may_leave=sends_that_may_leave(self.now))

    @Endpoint(
        "Propose to resume outgoing money, or approve what another proposed",
        operation_id="resume_outgoing_post",
        permission=PROPOSE_OR_APPROVE_RESUME,
        body=ReasonBody,
        answer=ResumeAnswer,
        statuses=(200, 202),
        problems=[
            OutgoingNotPaused, ApproverIsProposer, NotAllowedToDecide, RoleNeededToDecide, ProposalFactsChanged,
            SecondFactorRefused, SecondFactorNotEnrolled, TooManyWrongCodes,
        ],
        example={"reason": "node is healthy again"},
        parameters=[OneTimeCode],
    )  # fmt: skip
    @action(detail=False, methods=["post"])
    def resume(self, request: Request) -> Response:
        """Let outgoing money leave again: one person proposes it, another approves it by the same call."""
        reason = self.body()["reason"]
        waiting = open_proposal(OUTGOING_RESUME, OUTGOING)
        if waiting is None:
            proposal = propose(
                kind=OUTGOING_RESUME, subject_id=OUTGOING, proposer=self.user, reason=reason, now=self.now
            )
            return self._answer_with(proposal, status=202)
        self.require_second_factor()
        decided = approve(proposal_id=waiting.pk, approver=self.user, digest=waiting.digest, now=self.now)
        return self._answer_with(decided, status=200 if decided.state == ProposalState.APPROVED else 202)

    def _answer_with(self, proposal: Proposal, *, status: int) -> Response:
        count = progress_of(proposal, now=self.now)
        return self.answer(outgoing(), proposal=proposal, progress=count, status=status)
