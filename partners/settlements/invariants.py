"""Settlements against fees and books: windows without gap or overlap, exact sums, each paid once, by two people."""

from collections import Counter
from collections.abc import Iterator

from fees.accrual_queries import accrued_in, accrued_in_all, first_accruals
from ledger import queries as books
from partners.enums import SettlementState
from partners.models import (
    AdoptedSettlementAccount,
    ApprovedSettlement,
    Settlement,
    SettlementBankPayment,
)
from partners.settlements.calculations import close, month_of, window_after
from partners.settlements.queries import (
    SETTLEMENT,
    carried_by,
    payments_of,
    span_of,
    subject_of,
    window_of,
)
from partners.settlements.services.accounts import SETTLEMENT_ACCOUNT
from partners.settlements.services.payments import PAID_BY_BANK, bank_lines
from partners.settlements.statement_queries import facts_of_row
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.models import Approval, DecidedByTwo, ProposalState
from sunusav.core.subjects import key_of
from transfers.document_queries import receipts_of
from transfers.enums import RELEASED_STATES
from transfers.types.accounts import partner_reserve


def _windows_follow_each_other(scope: AuditScope) -> Iterator[Breach]:
    """Compare each window with the one before it. A partner has twelve a year: all are read."""
    for row in Settlement.objects.select_related("previous").order_by("pk"):
        expected = (
            window_after(window_of(row.previous)) if row.previous else month_of(row.period_start, sequence=1)
        )
        if window_of(row) != expected or (row.previous and row.previous.partner != row.partner):
            yield Breach(
                "I10",
                subject_of(row.pk),
                f"{row.period_start:%Y-%m-%d} is not the month after the one before",
            )
        after_id = row.previous.through_record_id if row.previous else 0
        if row.after_record_id != after_id or row.through_record_id < after_id:
            yield Breach(
                "I10", subject_of(row.pk), "its fee records do not follow those of the window before"
            )


def _sums_are_those_of_the_fees(scope: AuditScope) -> Iterator[Breach]:
    """Sum the fee records of each window again; a fast audit only those closed lately."""
    rows = Settlement.objects.select_related("previous").order_by("pk")
    for row in rows if scope.since is None else rows.filter(closed_at__gte=scope.since):
        found = close(accrued_in(row.partner, span_of(row)), carried_by(row.previous))
        stored = (
            row.records, row.accrued_sats, row.accrued_xof, row.carried_msat, row.carried_xof, row.due_xof,
            row.settled_msat, row.residue_msat, row.residue_xof,
        )  # fmt: skip
        expected = (
            found.accrued.records, found.accrued.amount_sats, found.accrued_xof, found.carried.amount_msat,
            found.carried.amount_xof, found.due_xof, found.settled_msat, found.residue_msat, found.residue_xof,
        )  # fmt: skip
        if stored != expected:
            yield Breach(
                "I10", subject_of(row.pk), f"its fees come to {found.due_xof} XOF, stored are {row.due_xof}"
            )


def _payments_are_those_of_settlements(scope: AuditScope) -> Iterator[Breach]:
    """Compare the payment of each settlement with what is due, and the booking of the bank's with its lines."""
    ordered = list(Settlement.objects.filter(state=SettlementState.ORDERED).order_by("pk"))
    payments = payments_of(ordered)
    for row in ordered:
        payment = payments.get(row.pk)
        if payment is None or (payment.payout_msat, payment.pay_xof) != (row.settled_msat, row.due_xof):
            yield Breach(
                "I10", subject_of(row.pk), f"its payment is not {row.due_xof} XOF for {row.settled_msat} msat"
            )
    paid = list(SettlementBankPayment.objects.select_related("settlement").order_by("pk"))
    kinds = books.kinds_of([one.transaction_id for one in paid])
    lines = books.lines_by_transaction([one.transaction_id for one in paid])
    for one in paid:
        subject, booked = subject_of(one.settlement_id), lines.get(one.transaction_id, [])
        if Counter(booked) != Counter(bank_lines(one.settlement)):
            yield Breach("I08b", subject, "the bank's payment does not have its lines")
        if kinds.get(one.transaction_id) != PAID_BY_BANK or one.settlement.state != SettlementState.SETTLED:
            yield Breach(
                "I08", subject, "the bank's payment is not booked as one, or the settlement is not settled"
            )


def _reserves_agree(scope: AuditScope) -> Iterator[Breach]:
    """Compare what each reserve holds, less what it owes back, with all shares less what settlements took."""
    if scope.since is not None:
        return  # it sums all fees
    for partner in first_accruals():
        reserve = partner_reserve(partner)
        held_msat = books.owed(reserve) - books.balance(reserve.receivable)
        taken_msat = sum(row.settled_msat for row in _that_took(partner))
        expected_msat = accrued_in_all(partner).amount_sats * 1_000 - taken_msat
        if held_msat != expected_msat:
            detail = f"holds {held_msat} msat, fees and settlements leave {expected_msat}"
            yield Breach("I10", f"account:{reserve.code}", detail)


def _that_took(partner: str) -> Iterator[Settlement]:
    """Yield the settlements of a partner that hold or have taken their msat."""
    rows = list(Settlement.objects.filter(partner=partner))
    payments = payments_of(rows)
    for row in rows:
        payment = payments.get(row.pk)
        if row.state == SettlementState.SETTLED or (payment and payment.state not in RELEASED_STATES):
            yield row


def _statements_are_as_closed(scope: AuditScope) -> Iterator[Breach]:
    """Compare what each issued statement says with its settlement; `verify_statement` reads the lines again."""
    for statement in receipts_of(SETTLEMENT, since=scope.since):
        row = Settlement.objects.filter(pk=int(key_of(statement.subject))).first()
        facts = {**statement.facts, "transactions": [], "lines_sha256": ""}
        if row is None or facts != {**facts_of_row(row), "transactions": [], "lines_sha256": ""}:
            yield Breach("I10", f"issued_receipt:{statement.id}", "does not say what its settlement is")


def _two_people_decided(scope: AuditScope) -> Iterator[Breach]:
    # People make each, so there are few: a fast audit reads them all too.
    for approval in ApprovedSettlement.objects.select_related("proposal"):
        yield from _wrong(approval, SETTLEMENT, approval.settlement_id)
    for adopted in AdoptedSettlementAccount.objects.select_related("proposal"):
        yield from _wrong(adopted, SETTLEMENT_ACCOUNT, adopted.account_id)
    decided = (SettlementState.APPROVED, SettlementState.ORDERED)
    for row in Settlement.objects.filter(state__in=decided).exclude(approvals__isnull=False):
        yield Breach("I16", subject_of(row.pk), "approved by nobody")
    for one in SettlementBankPayment.objects.exclude(settlement__approvals__isnull=False):
        yield Breach("I16", subject_of(one.settlement_id), "paid by the bank, and approved by nobody")


def _wrong(row: DecidedByTwo, kind: str, key: int) -> Iterator[Breach]:
    proposal, subject = row.proposal, f"{kind}:{key}"
    if (proposal.kind, proposal.subject_id, proposal.state) != (kind, str(key), ProposalState.APPROVED):
        yield Breach("I16", subject, f"proposal {proposal.pk} ({proposal.state}) is not the approved one")
    given = Approval.objects.filter(proposal=proposal, approver_id=row.approver_id, is_approved=True)
    if proposal.proposer_id != row.proposer_id or row.approver_id == row.proposer_id or not given.exists():
        yield Breach("I16", subject, "its approver did not approve, or is the proposer")


INVARIANTS = [
    Invariant("I10", "windows follow each other without gap or overlap", _windows_follow_each_other),
    Invariant("I10", "a settlement is what the fees of its window come to", _sums_are_those_of_the_fees),
    Invariant("I10", "a settlement is paid once, as it was approved", _payments_are_those_of_settlements),
    Invariant("I10", "reserves are all shares less what settlements took", _reserves_agree),
    Invariant("I10", "a statement says what its settlement is", _statements_are_as_closed),
    Invariant("I16", "two people decided on each settlement and account", _two_people_decided),
]
