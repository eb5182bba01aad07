"""The minimum floats in force were decided by two people; settlements have rules of their own."""

from collections.abc import Iterator

from partners.models import AdoptedFloatMinimum
from partners.services.floats import FLOAT_MINIMUM
from partners.settlements import invariants as settlements
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.models import Approval, ProposalState


def _two_people_adopted(scope: AuditScope) -> Iterator[Breach]:
    # People make each, so there are few: a fast audit reads them all too.
    for row in AdoptedFloatMinimum.objects.select_related("proposal", "minimum"):
        for detail in _wrong_decision(row):
            yield Breach("I16", f"{FLOAT_MINIMUM}:{row.minimum_id}", detail)


def _wrong_decision(row: AdoptedFloatMinimum) -> Iterator[str]:
    proposal = row.proposal
    of_it = (FLOAT_MINIMUM, str(row.minimum_id), ProposalState.APPROVED)
    if (proposal.kind, proposal.subject_id, proposal.state) != of_it:
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this minimum"
    if len({row.proposer_id, row.minimum.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    given = Approval.objects.filter(proposal=proposal, approver_id=row.approver_id, is_approved=True)
    if row.approver_id == row.proposer_id or not given.filter(digest=proposal.digest).exists():
        yield "its approver did not approve, or is the proposer"


INVARIANTS = [
    Invariant("I16", "two people put each minimum float in force", _two_people_adopted),
    *settlements.INVARIANTS,
]
