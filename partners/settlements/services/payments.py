"""Pay approved settlements: by the partner's rail, or by the bank with its reference and a document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.timezone import localdate

from ledger.errors import AccountShort
from ledger.services import require_owed
from ledger.types import Line, credit, debit
from partners.enums import SETTLEMENT_TRANSITIONS, SettlementState, SettlementStatus
from partners.models import ApprovedSettlement, Settlement, SettlementAccount, SettlementBankPayment
from partners.settlements.errors import (
    BankPaymentDateOutOfRange,
    BankPaymentIncomplete,
    EarlierSettlementUnpaid,
    ExecutorIsApprover,
    SettlementAccountChanged,
    SettlementAccountMissing,
    SettlementApprovalDiffers,
    SettlementFloatShort,
    SettlementNotPayable,
    SettlementReserveShort,
)
from partners.settlements.queries import (
    account_in_use,
    approval_of,
    earlier_unsettled,
    opened_account,
    payments_of,
    person_of,
    settlement_facts,
    subject_of,
)
from partners.settlements.services.windows import locked
from sunusav.core.actors import Actor
from sunusav.core.attachments import add_attachment
from sunusav.core.calendar import DAKAR
from sunusav.core.models import Attachment, User
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers.enums import DisbursementState, HoldFrom
from transfers.errors import FundsShort
from transfers.float_queries import floats_of
from transfers.services.destinations import request_digest
from transfers.services.disbursements import cancel_disbursement, request_disbursement, retry_disbursement
from transfers.services.treasury import book_bank_line
from transfers.types import Choice, DisbursementFacts, DisbursementRequest
from transfers.types.accounts import BANK, POSITION_MSAT, POSITION_XOF, partner_reserve

PAID_BY_BANK: Final = "settlement_paid_by_bank"
PAYABLE: Final = (SettlementStatus.APPROVED, SettlementStatus.FAILED)


@dataclass(frozen=True)
class Approved:
    """What the executor saw: the proposal that was approved, and its digest."""

    proposal_id: int
    digest: str


@dataclass(frozen=True)
class BankEvidence:
    """What shows that the bank paid: the line of its statement, and the document as a file."""

    reference: str
    paid_on: date
    explanation: str
    document: UploadedFile[Any] | None


@retried_on_deadlock
def execute_settlement(*, settlement_id: int, seen: Approved, user: User, now: datetime) -> None:
    """Pay an approved settlement by the partner's rail, to the account that was approved; one that failed, again.

    An unknown outcome keeps its order: only a final failure is sent anew. Raises: SettlementMissing,
    SettlementNotPayable, SettlementApprovalDiffers, ExecutorIsApprover, EarlierSettlementUnpaid,
    SettlementAccountMissing, SettlementAccountChanged, SettlementFloatShort, SettlementReserveShort; and as
    `request_disbursement`.
    """
    with transaction.atomic():
        row, approval = _payable(settlement_id, seen, user)
        account = _approved_account(row, approval)
        _require_float(row, account, now=now)
        payment = payments_of([row]).get(row.pk)
        if payment is not None and payment.state == DisbursementState.FAILED:
            retry_disbursement(
                disbursement_id=payment.id, actor=Actor.of(user), reason=f"settlement {row.pk}", now=now
            )
            return
        _order(row, account, user=user, now=now)


def _order(row: Settlement, account: SettlementAccount, *, user: User, now: datetime) -> None:
    if row.state == SettlementState.APPROVED:
        move(
            row, SettlementState.ORDERED, allowed=SETTLEMENT_TRANSITIONS, subject=subject_of(row.pk),
            action="execute", actor=Actor.of(user), at=now, facts={"due_xof": row.due_xof},
        )  # fmt: skip
    try:
        request_disbursement(request=request_of(row, account), actor=Actor.of(user), now=now)
    except FundsShort as short:
        raise SettlementReserveShort(
            settlement_id=str(row.pk), needed_msat=short.needed_msat, available_msat=short.available_msat
        ) from short


def request_of(row: Settlement, account: SettlementAccount) -> DisbursementRequest:
    """Return the payment of a settlement: its whole francs, for the msat that they take from the reserve."""
    request = DisbursementRequest(
        subject=subject_of(row.pk), payout_msat=row.settled_msat, debit=partner_reserve(row.partner),
        priced_for=None, choices=(Choice(opened_account(account)),), payee_ref=person_of(row.partner),
        person_ref=person_of(row.partner), pay_xof=row.due_xof, hold_from=HoldFrom.REQUEST,
    )  # fmt: skip
    return replace(request, approved_digest=request_digest(request))


def _payable(settlement_id: int, seen: Approved, user: User) -> tuple[Settlement, ApprovedSettlement]:
    """Return a settlement that this person may pay now, under its lock."""
    row = locked(settlement_id)
    status = settlement_facts([row])[0].status
    approval = approval_of(row)
    if status not in PAYABLE or approval is None:
        raise SettlementNotPayable(settlement_id=str(row.pk), settlement_status=status)
    if (approval.proposal_id, approval.proposal.digest) != (seen.proposal_id, seen.digest):
        raise SettlementApprovalDiffers(settlement_id=str(row.pk), proposal_id=str(seen.proposal_id))
    if approval.proposal.approvals.filter(approver=user).exists():
        raise ExecutorIsApprover(settlement_id=str(row.pk))
    earlier = earlier_unsettled(row)
    if earlier is not None:
        raise EarlierSettlementUnpaid(
            settlement_id=str(row.pk), earlier_id=str(earlier.id), earlier_status=earlier.status
        )
    return row, approval


def _approved_account(row: Settlement, approval: ApprovedSettlement) -> SettlementAccount:
    account = account_in_use(row.partner)
    if account is None:
        raise SettlementAccountMissing(partner=row.partner)
    if account != approval.account:
        raise SettlementAccountChanged(settlement_id=str(row.pk), partner=row.partner)
    return account


def _require_float(row: Settlement, account: SettlementAccount, *, now: datetime) -> None:
    """Refuse what our money at the partner did not cover when a worker last looked; before that, the rail decides."""
    available_xof = floats_of([account.rail], now=now)[account.rail].sendable_amount
    if available_xof is not None and available_xof < row.due_xof:
        raise SettlementFloatShort(
            settlement_id=str(row.pk), due_xof=row.due_xof, available_xof=available_xof,
            missing_xof=row.due_xof - available_xof,
        )  # fmt: skip


@retried_on_deadlock
def record_bank_payment(
    *, settlement_id: int, seen: Approved, evidence: BankEvidence, user: User, now: datetime
) -> SettlementBankPayment:
    """Book that the bank paid an approved settlement. A payment by the rail that failed is cancelled first.

    Raises: SettlementMissing, SettlementNotPayable, SettlementApprovalDiffers, ExecutorIsApprover,
    EarlierSettlementUnpaid, BankPaymentIncomplete, BankPaymentDateOutOfRange, BankLineBooked, TreasuryAccountShort,
    SettlementReserveShort, OrderStillPayable; and as `add_attachment`.
    """
    _require_complete(evidence)
    with transaction.atomic():
        row, approval = _payable(settlement_id, seen, user)
        _require_day(evidence.paid_on, approval, now)
        document = _attached(row, evidence, user=user, now=now)
        _cancel_failed(payments_of([row]).get(row.pk), user=user, now=now)
        _require_reserve(row, now=now)
        lines = bank_lines(row)
        transaction_id = book_bank_line(
            kind=PAID_BY_BANK, reference=evidence.reference, lines=lines, subject=subject_of(row.pk), now=now
        )
        paid = SettlementBankPayment.objects.create(
            settlement=row, reference=evidence.reference, paid_on=evidence.paid_on,
            explanation=evidence.explanation.strip(), transaction_id=transaction_id, recorder=user, recorded_at=now,
        )  # fmt: skip
        move(
            row, SettlementState.SETTLED, allowed=SETTLEMENT_TRANSITIONS, subject=subject_of(row.pk),
            action="record_bank_payment", actor=Actor.of(user), at=now, reason=paid.explanation,
            facts={
                "due_xof": row.due_xof, "transaction": transaction_id, "paid_on": paid.paid_on.isoformat(),
                "sha256": document.sha256,
            },
            completed_at=now,
        )  # fmt: skip
    return paid


def bank_lines(row: Settlement) -> list[Line]:
    """Return what a payment by the bank books: the msat of the reserve against the francs, by the currency position."""
    return [
        debit(partner_reserve(row.partner), row.settled_msat),
        credit(POSITION_MSAT, row.settled_msat),
        debit(POSITION_XOF, row.due_xof),
        credit(BANK, row.due_xof),
    ]


def _require_complete(evidence: BankEvidence) -> None:
    for name in ("reference", "explanation"):
        if not getattr(evidence, name).strip():
            raise BankPaymentIncomplete(missing=name)
    if evidence.document is None:
        raise BankPaymentIncomplete(missing="document")


def _attached(row: Settlement, evidence: BankEvidence, *, user: User, now: datetime) -> Attachment:
    """Attach the document to the settlement. Raises: as `add_attachment`."""
    assert evidence.document is not None, "checked before"  # noqa: S101  (for the type checker)
    return add_attachment(subject=subject_of(row.pk), upload=evidence.document, actor=Actor.of(user), now=now)


def _require_day(paid_on: date, approval: ApprovedSettlement, now: datetime) -> None:
    earliest, latest = localdate(approval.approved_at, DAKAR), localdate(now, DAKAR)
    if not earliest <= paid_on <= latest:
        raise BankPaymentDateOutOfRange(paid_on=paid_on, earliest=earliest, latest=latest)


def _cancel_failed(payment: DisbursementFacts | None, *, user: User, now: datetime) -> None:
    if payment is not None and payment.state == DisbursementState.FAILED:
        cancel_disbursement(
            disbursement_id=payment.id, actor=Actor.of(user), reason="paid by the bank", now=now
        )


def _require_reserve(row: Settlement, *, now: datetime) -> None:
    try:
        require_owed({partner_reserve(row.partner): row.settled_msat}, now=now)
    except AccountShort as short:
        raise SettlementReserveShort(
            settlement_id=str(row.pk), needed_msat=short.needed, available_msat=short.available
        ) from short
