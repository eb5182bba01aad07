"""Personal data: whatever was erased, two people had it erased."""

from collections.abc import Iterator

from payouts.enums import MEMBER_ERASURE
from payouts.models import Member, MemberErasure
from sunusav.core.auditing import AuditScope, Breach, pages, rows_since
from sunusav.core.models import Approval, ProposalState
from sunusav.core.privacy import erased_people, is_erased
from transfers.types import member_ref


def two_people_erased(scope: AuditScope) -> Iterator[Breach]:
    """Yield each erasure without its approved proposal or two different people, and data erased without one."""
    for rows in pages(rows_since(MemberErasure.objects.select_related("proposal"), "erased_at", scope.since)):
        given = Approval.objects.filter(proposal__in=[row.proposal_id for row in rows], is_approved=True)
        approved = set(given.values_list("proposal_id", "approver_id", "digest"))
        for row in rows:
            for detail in _wrong_with(row, approved):
                yield Breach("I16", member_ref(row.user_id), detail)
    for people in erased_people(scope.since):
        stored = MemberErasure.objects.filter(user_id__in=[key.partition(":")[2] for key in people])
        for person in sorted(set(people) - {member_ref(row.user_id) for row in stored}):
            yield Breach("I16", person, "erased, and nobody approved it")


def _wrong_with(row: MemberErasure, approved: set[tuple[int, int, str]]) -> Iterator[str]:
    proposal = row.proposal
    about = Member.objects.filter(user_id=row.user_id).values_list("pk", flat=True)
    if (proposal.kind, proposal.state) != (
        MEMBER_ERASURE,
        ProposalState.APPROVED,
    ) or proposal.subject_id not in {str(pk) for pk in about}:
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this erasure"
    if row.proposer_id != proposal.proposer_id:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (proposal.pk, row.approver_id, proposal.digest) not in approved:
        yield "its approver did not approve, or is the proposer"
    if not is_erased(member_ref(row.user_id)):
        yield "approved, and the data is still there"
