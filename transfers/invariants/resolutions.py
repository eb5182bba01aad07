"""Attempts that two people resolved: as both decided, with a proof where it was paid, and what was written off."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef

from ledger import queries as books
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach, chunks, pages, rows_since
from sunusav.core.models import Approval, Proposal, ProposalState
from transfers.booking import write_off_lines
from transfers.enums import (
    UNPAID_ATTEMPT_STATES,
    AttemptState,
    FailureCode,
    ResolutionVerdict,
    TransactionKind,
)
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import attempt_pages, missing, name_of_attempt
from transfers.models import Attempt, ResolvedAttempt
from transfers.rails import rail
from transfers.services.resolutions import MANUAL_RESOLUTION


def two_people_resolved(scope: AuditScope) -> Iterator[Breach]:
    """Yield each resolved attempt without its approved proposal, two different people, its verdict or its proof."""
    rows = ResolvedAttempt.objects.select_related("attempt__order", "resolution", "proposal")
    for page in pages(rows_since(rows, "resolved_at", scope.since)):
        approvals, paid = _approvals_of(page), _paid_attempts(page)
        for row in page:
            for detail in _wrong_with(row, approvals.get(row.proposal_id, set())):
                yield Breach("I16", name_of_attempt(row.attempt), detail)
            for detail in _differs_from_verdict(row, paid.get(row.attempt.order_id)):
                yield Breach("I16", name_of_attempt(row.attempt), detail)


def write_offs_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    """Yield each write-off in the books that two people did not decide, or that has other lines than its payment."""
    for booked in books.transactions_of_kind(TransactionKind.WRITE_OFF, since=scope.since):
        rows = ResolvedAttempt.objects.filter(transaction_id__in=booked)
        known = rows.values_list("transaction_id", flat=True)
        for orphan in missing(booked, known):
            yield Breach("I25b", f"journal:{orphan}", "a write-off in the books without a decision")
    rows = ResolvedAttempt.objects.filter(transaction__isnull=False)
    rows = rows.select_related("attempt__order", "attempt__disbursement", "resolution")
    for page in pages(rows_since(rows, "resolved_at", scope.since)):
        keys = [row.transaction_id or 0 for row in page]
        lines, kinds = books.lines_by_transaction(keys), books.kinds_of(keys)
        for row in page:
            subject, key = name_of_attempt(row.attempt), row.transaction_id or 0
            if kinds.get(key) != TransactionKind.WRITE_OFF:
                yield Breach("I25b", subject, "written off, but its transaction is not one of a write-off")
            yield from different_lines("I25b", subject, "its write-off", lines.get(key, []), _expected(row))


def _expected(row: ResolvedAttempt) -> list[Line]:
    order = row.attempt.order
    paid_from, cost_account = order.accounts
    return write_off_lines(
        paid=order.money(order.amount), cost=order.stated_cost(row.resolution.cost), paid_from=paid_from,
        cost_account=cost_account,
    )  # fmt: skip


def _paid_attempts(page: list[ResolvedAttempt]) -> dict[int, Attempt]:
    """Return the attempt that was paid by each order: one that was closed is booked by another attempt."""
    paid: dict[int, Attempt] = {}
    for keys in chunks(sorted(row.attempt.order_id for row in page)):
        for attempt in Attempt.objects.filter(order_id__in=keys, state=AttemptState.SUCCEEDED):
            paid[attempt.order_id] = attempt
    return paid


def none_resolved_alone(scope: AuditScope) -> Iterator[Breach]:
    """Yield each attempt that was closed as resolved unpaid without an approved resolution."""
    decided = ResolvedAttempt.objects.filter(decided_attempt=OuterRef("pk"))
    alone = Attempt.objects.filter(~Exists(decided), outcome=FailureCode.RESOLVED_AS_NOT_PAID)
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
    proposal, resolution = row.proposal, row.resolution
    if not _is_its_proposal(proposal, row):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of its resolution"
    if len({row.proposer_id, resolution.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (row.approver_id, proposal.digest) not in approvals:
        yield "its approver did not approve, or is the proposer"
    if resolution.attempt_id != row.attempt_id:
        yield "decided about another attempt"


def _differs_from_verdict(row: ResolvedAttempt, paid: Attempt | None) -> Iterator[str]:
    """Yield how an attempt differs from its verdict. `paid`: the attempt by which its order was paid, if it was.

    What was called unpaid may be paid later all the same.
    """
    attempt, verdict = row.attempt, row.resolution.verdict
    is_written_off = verdict == ResolutionVerdict.WRITTEN_OFF
    if is_written_off != (row.transaction_id is not None):
        yield f"decided {verdict}, but it is {'not ' if is_written_off else ''}written off"
    if verdict == ResolutionVerdict.PAID:
        if paid is None:
            yield f"decided {verdict}, but the attempt is {attempt.state}"
        elif not _is_proven(row, paid):
            yield "paid by decision, but proof or cost is not the decided one"
    elif attempt.state not in UNPAID_ATTEMPT_STATES:
        yield f"decided {verdict}, but the attempt is {attempt.state}"
    elif is_written_off and (paid is not None or not _is_proven(row, attempt)):
        yield "written off, but its payment is booked, or is not the reported one"


def _is_its_proposal(proposal: Proposal, row: ResolvedAttempt) -> bool:
    about = (proposal.kind, proposal.subject_id, proposal.facts.get("resolution"))
    expected = (MANUAL_RESOLUTION, str(row.attempt.disbursement_id), row.resolution_id)
    return proposal.state == ProposalState.APPROVED and about == expected


def _is_proven(row: ResolvedAttempt, paid: Attempt) -> bool:
    decided = (row.resolution.proof, row.resolution.cost)
    order = row.attempt.order
    fits = rail(order.rail).verify(order.reference, paid.proof)
    return fits and decided == (paid.proof, paid.cost)
