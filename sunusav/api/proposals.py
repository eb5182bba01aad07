"""What answers say of a proposal."""

from rest_framework import serializers

from sunusav.api.answers import AnswerSerializer


class ProposalFields(AnswerSerializer):
    """A proposal, how many approvals it needs, and how many of those given count at present."""

    proposal_id = serializers.CharField(source="proposal.pk")
    proposed_by = serializers.CharField(source="proposal.proposer.username")
    approvals_needed = serializers.IntegerField(source="progress.needed")
    approvals_given = serializers.IntegerField(source="progress.given")
