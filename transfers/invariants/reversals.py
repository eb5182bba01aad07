"""Reversed payments: each has its proof, was booked back once with its lines, and its fee with it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ledger import queries as books
from ledger.enums import AccountRole
from ledger.types import AccountRef, Line
from sunusav.core.auditing import AuditScope, Breach, chunks, pages, rows_since
from sunusav.core.models import Approval, ProposalState
from transfers.booking import reversed_lines
from transfers.enums import PAYMENT_REVERSAL, AttemptState, DisbursementState, ReturnKind, TransactionKind
from transfers.invariants.bookings import different_lines
from transfers.invariants.scope import disbursement_pages, missing
from transfers.models import Attempt, Disbursement, Reversal
from transfers.queries import debit_account, subject_of
from transfers.services.reversals import paid_shares, shares_to_take_back


def reversals_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    reversed_ones = Disbursement.objects.filter(state=DisbursementState.REVERSED)
    for rows in disbursement_pages(scope, reversed_ones):
        stored = Reversal.objects.filter(attempt__disbursement__in=rows)
        proven = set(stored.values_list("attempt__disbursement_id", flat=True))
        for row in rows:
            if row.pk not in proven:
                yield Breach("I27", subject_of(row.pk), "reversed without a proof that the money came back")
    for booked in books.transactions_of_kind(TransactionKind.REVERSAL, since=scope.since):
        known = Reversal.objects.filter(transaction_id__in=booked)
        for orphan in missing(booked, known.values_list("transaction_id", flat=True)):
            yield Breach("I27", f"journal:{orphan}", "a reversal in the books without its proof")


def reversals_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Derive what each reversal gives back and compare; a receivable counts as the account that owes it."""
    rows = Reversal.objects.select_related("attempt__order", "attempt__disbursement")
    for page in pages(rows_since(rows, "reversed_at", scope.since)):
        lines = books.lines_by_transaction([row.transaction_id for row in page])
        for row in page:
            subject = subject_of(row.attempt.disbursement_id)
            if not _is_of_a_paid_attempt(row):
                yield Breach(
                    "I27", subject, "its proof belongs to an attempt that was not paid or not reversed"
                )
            in_books = _merged(lines.get(row.transaction_id, []))
            yield from different_lines("I27", subject, "its reversal", in_books, _merged(_expected(row)))


def reversals_are_proven(scope: AuditScope) -> Iterator[Breach]:
    """Yield each reversal by people without its approved proposal and two different people."""
    rows = Reversal.objects.exclude(kind=ReturnKind.PROVIDER_REVERSAL)
    rows = rows.select_related("attempt", "claim", "proposal")
    for page in pages(rows_since(rows, "reversed_at", scope.since)):
        approvals = _approvals_of(page)
        for row in page:
            if not _is_approved(row, approvals.get(row.proposal_id or 0, set())):
                detail = "reversed without the approval of a second person"
                yield Breach("I16", subject_of(row.attempt.disbursement_id), detail)


def _is_of_a_paid_attempt(row: Reversal) -> bool:
    attempt: Attempt = row.attempt
    is_whole = (row.amount, row.currency) == (attempt.order.amount, attempt.order.currency)
    is_reversed = attempt.disbursement.state == DisbursementState.REVERSED
    return attempt.state == AttemptState.SUCCEEDED and is_whole and is_reversed


def _expected(row: Reversal) -> list[Line]:
    disbursement = row.attempt.disbursement
    shares = paid_shares(disbursement, row.attempt)
    platform_msat, amounts = shares_to_take_back(disbursement, shares)
    return reversed_lines(
        payout_msat=disbursement.payout_msat, debit=debit_account(disbursement), returned=row.money,
        arrived_in=row.account, shares=shares, platform_msat=platform_msat,
        taken_back=[Line(account, amount) for account, amount in amounts.items()],
        returned_cost=row.returned_cost, cost_account=row.attempt.order.accounts[1],
    )  # fmt: skip


def _merged(lines: Sequence[Line]) -> list[Line]:
    """Sum lines by account, and what is receivable with the account that owes it."""
    sums: dict[AccountRef, int] = defaultdict(int)
    for line in lines:
        is_receivable = line.account.role is AccountRole.RECEIVABLE
        sums[AccountRef.of_code(line.account.owner) if is_receivable else line.account] += line.amount
    return [Line(account, amount) for account, amount in sums.items() if amount]


def _approvals_of(page: Sequence[Reversal]) -> dict[int, set[tuple[int, str]]]:
    approved: dict[int, set[tuple[int, str]]] = {}
    for keys in chunks(sorted(row.proposal_id for row in page if row.proposal_id)):
        given = Approval.objects.filter(proposal_id__in=keys, is_approved=True)
        for proposal_id, approver_id, digest in given.values_list("proposal_id", "approver_id", "digest"):
            approved.setdefault(proposal_id, set()).add((approver_id, digest))
    return approved


def _is_approved(row: Reversal, approvals: set[tuple[int, str]]) -> bool:
    claim, proposal = row.claim, row.proposal
    if claim is None or proposal is None or row.approver_id is None or row.approver_id == row.proposer_id:
        return False
    is_its_proposal = (
        (proposal.kind, proposal.subject_id, proposal.state)
        == (PAYMENT_REVERSAL, str(row.attempt.disbursement_id), ProposalState.APPROVED)
        and proposal.facts.get("claim") == claim.pk
        and {row.proposer_id} == {claim.proposer_id, proposal.proposer_id}
    )  # fmt: skip
    return is_its_proposal and (row.approver_id, proposal.digest) in approvals
