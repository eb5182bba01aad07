"""Attempts that two people resolved: closed as both decided, with a proof where it was paid."""

from collections.abc import Iterator

from sunusav.core.auditing import AuditScope, Breach, chunks, pages, rows_since
from sunusav.core.models import Approval, Proposal, ProposalState
from transfers.enums import AttemptState, FailureCode, ResolutionVerdict
from transfers.invariants.scope import attempt_pages, name_of_attempt
from transfers.models import Attempt, ResolvedAttempt
from transfers.rails import rail
from transfers.services.resolutions import MANUAL_RESOLUTION

STATE_BY_VERDICT = {
    ResolutionVerdict.PAID.value: AttemptState.SUCCEEDED.value,
    ResolutionVerdict.NOT_PAID.value: AttemptState.FAILED.value,
}


def two_people_resolved(scope: AuditScope) -> Iterator[Breach]:
    """Yield each resolved attempt without its approved proposal, two different people, its verdict or its proof."""
    rows = ResolvedAttempt.objects.select_related("attempt__order", "resolution", "proposal")
    for page in pages(rows_since(rows, "resolved_at", scope.since)):
        approvals = _approvals_of(page)
        for row in page:
            for detail in _wrong_with(row, approvals.get(row.proposal_id, set())):
                yield Breach("I16", name_of_attempt(row.attempt), detail)


def none_resolved_alone(scope: AuditScope) -> Iterator[Breach]:
    """Yield each attempt that was closed as resolved unpaid without an approved resolution."""
    alone = Attempt.objects.filter(outcome=FailureCode.RESOLVED_AS_NOT_PAID, resolved=None).exclude(
        close_transaction=None
    )
    for page in attempt_pages(scope, alone):
        for row in page:
            yield Breach("I16", name_of_attempt(row), "called unpaid without an approved resolution")


def _approvals_of(page: list[ResolvedAttempt]) -> dict[int, set[tuple[int, str]]]:
    """Return the approver and the digest of each approval, by proposal."""
    approved: dict[int, set[tuple[int, str]]] = {}
    for keys in chunks(sorted(row.proposal_id for row in page)):
        approvals = Approval.objects.filter(proposal_id__in=keys, is_approved=True)
        for proposal_id, approver_id, digest in approvals.values_list("proposal_id", "approver_id", "digest"):
            approved.setdefault(proposal_id, set()).add((approver_id, digest))
    return approved


def _wrong_with(row: ResolvedAttempt, approvals: set[tuple[int, str]]) -> Iterator[str]:
    proposal, resolution, attempt = row.proposal, row.resolution, row.attempt
    if not _is_its_proposal(proposal, row):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of its resolution"
    if len({row.proposer_id, resolution.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (row.approver_id, proposal.digest) not in approvals:
        yield "its approver did not approve, or is the proposer"
    if resolution.attempt_id != attempt.pk or attempt.state != STATE_BY_VERDICT[resolution.verdict]:
        yield f"decided {resolution.verdict}, but the attempt is {attempt.state}"
    elif attempt.state == AttemptState.SUCCEEDED and not _is_proven(row):
        yield "paid by decision, but proof or cost is not the decided one"


def _is_its_proposal(proposal: Proposal, row: ResolvedAttempt) -> bool:
    about = (proposal.kind, proposal.subject_id, proposal.facts.get("resolution"))
    expected = (MANUAL_RESOLUTION, str(row.attempt.disbursement_id), row.resolution_id)
    return proposal.state == ProposalState.APPROVED and about == expected


def _is_proven(row: ResolvedAttempt) -> bool:
    decided = (row.resolution.proof, row.resolution.cost_msat)
    order = row.attempt.order
    fits = rail(order.rail).verify(order.reference, row.attempt.proof)
    return fits and decided == (row.attempt.proof, row.attempt.cost_msat)
