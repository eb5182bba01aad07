"""Movements of the treasury: what two people approved is booked once, with exactly its lines, and nothing else is."""

from collections.abc import Iterator
from itertools import chain

from ledger import queries as books
from sunusav.core.auditing import AuditScope, Breach, chunks, pages, rows_since
from sunusav.core.models import Approval, Proposal, ProposalState
from transfers.enums import TreasuryKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import missing
from transfers.models import BookedMovement
from transfers.services.treasury import TREASURY_MOVEMENT, opened_account, subject_of
from transfers.treasury_booking import TREASURY_TRANSACTIONS, movement_lines


def movements_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for rows in _booked_pages(scope):
        kinds = books.kinds_of([row.transaction_id for row in rows])
        for row in rows:
            if kinds.get(row.transaction_id) != TREASURY_TRANSACTIONS[TreasuryKind(row.movement.kind)]:
                yield Breach("I08", subject_of(row.movement_id), "not booked as a movement of its kind")
            if (row.reference, row.opened_account) != (
                row.movement.reference,
                opened_account(row.movement.value),
            ):
                yield Breach("I08", subject_of(row.movement_id), "booked under another reference or account")
    yield from _transactions_without_movement(scope)
    yield from _approved_without_booking(scope)


def movements_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for rows in _booked_pages(scope):
        lines = books.lines_by_transaction([row.transaction_id for row in rows])
        for row in rows:
            expected, in_books = movement_lines(row.movement.value), lines.get(row.transaction_id, [])
            yield from different_lines("I08b", subject_of(row.movement_id), "its booking", in_books, expected)


def two_people_booked(scope: AuditScope) -> Iterator[Breach]:
    """Yield each booked movement without its approved proposal, or without two different people."""
    for rows in _booked_pages(scope):
        approvals = _approvals_of(rows)
        for row in rows:
            for detail in _wrong_with(row, approvals.get(row.proposal_id, set())):
                yield Breach("I16", subject_of(row.movement_id), detail)


def _wrong_with(row: BookedMovement, approvals: set[tuple[int, str]]) -> Iterator[str]:
    proposal = row.proposal
    about = (proposal.kind, proposal.subject_id, proposal.state)
    if about != (TREASURY_MOVEMENT, str(row.movement_id), ProposalState.APPROVED):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of this movement"
    if len({row.proposer_id, row.movement.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    if row.approver_id == row.proposer_id or (row.approver_id, proposal.digest) not in approvals:
        yield "its approver did not approve, or is the proposer"


def _approvals_of(rows: list[BookedMovement]) -> dict[int, set[tuple[int, str]]]:
    """Return the approver and the digest of each approval, by proposal."""
    given = Approval.objects.filter(proposal__in=[row.proposal_id for row in rows], is_approved=True)
    approved: dict[int, set[tuple[int, str]]] = {}
    for proposal_id, approver_id, digest in given.values_list("proposal_id", "approver_id", "digest"):
        approved.setdefault(proposal_id, set()).add((approver_id, digest))
    return approved


def _transactions_without_movement(scope: AuditScope) -> Iterator[Breach]:
    for found in books.transactions_of_kinds(TREASURY_TRANSACTIONS.values(), since=scope.since):
        booked = BookedMovement.objects.filter(transaction_id__in=found)
        for orphan in missing(found, booked.values_list("transaction_id", flat=True)):
            yield Breach(
                "I08", f"journal:{orphan}", "a movement of the treasury in the books that nobody approved"
            )


def _approved_without_booking(scope: AuditScope) -> Iterator[Breach]:
    approved = Proposal.objects.filter(kind=TREASURY_MOVEMENT, state=ProposalState.APPROVED)
    if scope.since is not None:
        # Not `rows_since`: a proposal may be decided long after it was made. People make each, so there are few.
        approved = approved.filter(decided_at__gte=scope.since)
    keys = {int(subject_id) for subject_id in approved.values_list("subject_id", flat=True)}
    booked = chain.from_iterable(
        BookedMovement.objects.filter(movement__in=some).values_list("movement_id", flat=True)
        for some in chunks(sorted(keys))
    )
    for movement_id in missing(sorted(keys), booked):
        yield Breach("I08", subject_of(movement_id), "approved, and not booked")


def _booked_pages(scope: AuditScope) -> Iterator[list[BookedMovement]]:
    rows = BookedMovement.objects.select_related("movement", "proposal")
    return pages(rows_since(rows, "booked_at", scope.since))
