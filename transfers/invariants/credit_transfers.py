"""Credit moved to another person: what two people approved is booked once, with exactly its lines, and nothing else."""

from collections.abc import Iterator
from itertools import chain

from ledger import queries as books
from sunusav.core.auditing import AuditScope, Breach, chunks, pages, rows_since
from sunusav.core.models import Approval, Proposal, ProposalState
from transfers.enums import TransactionKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import missing
from transfers.models import CreditTransfer
from transfers.services.credit_transfers import CREDIT_TRANSFER, subject_of, transfer_lines


def transfers_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for rows in _pages(scope):
        kinds = books.kinds_of([row.transaction_id for row in rows])
        for row in rows:
            if kinds.get(row.transaction_id) != TransactionKind.CREDIT_TRANSFERRED:
                yield Breach("I08", subject_of(row.request_id), "not booked as a transfer of credit")
    for found in books.transactions_of_kind(TransactionKind.CREDIT_TRANSFERRED, since=scope.since):
        booked = CreditTransfer.objects.filter(transaction_id__in=found)
        for orphan in missing(found, booked.values_list("transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a transfer of credit in the books that nobody approved")
    yield from _approved_without_booking(scope)


def transfers_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for rows in _pages(scope):
        lines = books.lines_by_transaction([row.transaction_id for row in rows])
        for row in rows:
            expected, in_books = transfer_lines(row.request), lines.get(row.transaction_id, [])
            yield from different_lines("I08b", subject_of(row.request_id), "its booking", in_books, expected)


def two_people_transferred(scope: AuditScope) -> Iterator[Breach]:
    """Yield each transfer without its approved proposal, or without two different people."""
    for rows in _pages(scope):
        given = Approval.objects.filter(proposal__in=[row.proposal_id for row in rows], is_approved=True)
        approved = set(given.values_list("proposal_id", "approver_id", "digest"))
        for row in rows:
            for detail in _wrong_with(row, approved):
                yield Breach("I16", subject_of(row.request_id), detail)


def _wrong_with(row: CreditTransfer, approved: set[tuple[int, int, str]]) -> Iterator[str]:
    proposal = row.proposal
    about = (proposal.kind, proposal.subject_id, proposal.state)
    if about != (CREDIT_TRANSFER, str(row.request_id), ProposalState.APPROVED):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this transfer"
    if len({row.proposer_id, row.request.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (proposal.pk, row.approver_id, proposal.digest) not in approved:
        yield "its approver did not approve, or is the proposer"


def _approved_without_booking(scope: AuditScope) -> Iterator[Breach]:
    approved = Proposal.objects.filter(kind=CREDIT_TRANSFER, state=ProposalState.APPROVED)
    if scope.since is not None:
        # Not `rows_since`: a proposal may be decided long after it was made. People make each, so there are few.
        approved = approved.filter(decided_at__gte=scope.since)
    keys = sorted(int(subject_id) for subject_id in approved.values_list("subject_id", flat=True))
    booked = chain.from_iterable(
        CreditTransfer.objects.filter(request__in=some).values_list("request_id", flat=True)
        for some in chunks(keys)
    )
    for request_id in missing(keys, booked):
        yield Breach("I08", subject_of(request_id), "approved, and not booked")


def _pages(scope: AuditScope) -> Iterator[list[CreditTransfer]]:
    rows = CreditTransfer.objects.select_related("request", "proposal")
    return pages(rows_since(rows, "transferred_at", scope.since))
