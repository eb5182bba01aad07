"""Reads of settlements: which windows are due, how far each settlement is, what it comes to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet

from fees.accrual_queries import (
    accrued_before,
    accrued_in_all,
    closable_before,
    first_accrual_at,
    first_accruals,
    last_record,
)
from fees.types import Accrued, Span
from partners.enums import SettlementState, SettlementStatus
from partners.models import AdoptedSettlementAccount, ApprovedSettlement, Settlement, SettlementAccount
from partners.settlements.calculations import (
    NOTHING_CARRIED,
    close,
    month_of,
    window_after,
    without,
    worth_of,
)
from partners.settlements.errors import NothingAccrued, SettlementMissing
from partners.settlements.types import (
    Carried,
    Closing,
    PartnerDue,
    RegisteredAccount,
    SettlementFacts,
    SettlementsSummary,
    StatusTotals,
    Window,
)
from sunusav.core.keyset import Position
from sunusav.core.models import Proposal
from sunusav.core.privacy import keys_of
from transfers.destination_queries import masked_destinations, opened_with
from transfers.enums import DisbursementState
from transfers.queries import disbursements_for
from transfers.types import Destination, DisbursementFacts, SealedDestination

SETTLEMENT: Final = "settlement"
CONTESTED_LINE: Final = "contested_line"
STATUS_OF_PAYMENT: Final = {
    DisbursementState.SCHEDULED: SettlementStatus.PROCESSING,
    DisbursementState.PROCESSING: SettlementStatus.PROCESSING,
    DisbursementState.NEEDS_REVIEW: SettlementStatus.PROCESSING,
    DisbursementState.COMPLETED: SettlementStatus.COMPLETED,
    DisbursementState.FAILED: SettlementStatus.FAILED,
    DisbursementState.REVERSED: SettlementStatus.FAILED,
    DisbursementState.CANCELLED: SettlementStatus.APPROVED,
}


def subject_of(settlement_id: int) -> str:
    return f"{SETTLEMENT}:{settlement_id}"


# Windows


def last_settlement(partner: str) -> Settlement | None:
    """Return the settlement of a partner's last closed window."""
    return Settlement.objects.filter(partner=partner).order_by("-sequence").first()


def next_window(partner: str, last: Settlement | None) -> Window:
    """Return the window that a partner's next settlement closes. Raises: NothingAccrued."""
    if last is not None:
        return window_after(window_of(last))
    first_at = first_accrual_at(partner)
    if first_at is None:
        raise NothingAccrued(partner=partner)
    return month_of(first_at, sequence=1)


def window_of(row: Settlement) -> Window:
    return Window(row.sequence, row.period_start, row.period_end)


def span_of(row: Settlement) -> Span:
    """Return which fee records a settlement is about."""
    return Span(row.period_start, row.period_end, row.after_record_id, row.through_record_id)


def carried_by(last: Settlement | None) -> Carried:
    return NOTHING_CARRIED if last is None else Carried(last.residue_msat, last.residue_xof)


def closing_of(partner: str, window: Window, last: Settlement | None, *, through_id: int) -> Closing:
    """Return what a window comes to if it is closed now: all that was booked before its end, less earlier windows."""
    found = accrued_before(partner, end=window.end, through_id=through_id)
    return close(without(found, accrued_earlier(partner)), carried_by(last))


def accrued_earlier(partner: str) -> Accrued:
    """Return what all closed windows of a partner took together."""
    rows = list(Settlement.objects.filter(partner=partner).only("records", "accrued_sats", "accrued_xof"))
    return Accrued(
        sum(row.records for row in rows), sum(row.accrued_sats for row in rows),
        sum(worth_of(row.accrued_xof) for row in rows),
    )  # fmt: skip


def due_windows(partner: str, *, now: datetime) -> tuple[Window, ...]:
    """Return the windows of a partner that can be closed now, in their order; none before the first accrual."""
    try:
        window = next_window(partner, last_settlement(partner))
    except NothingAccrued:
        return ()
    return _closable(window, now=now)


def _closable(window: Window, *, now: datetime) -> tuple[Window, ...]:
    """Return this window and those that follow it, as far as they can be closed."""
    found: list[Window] = []
    while window.end <= closable_before(now):
        found.append(window)
        window = window_after(window)
    return tuple(found)


def all_due(*, now: datetime) -> list[PartnerDue]:
    """Return the partners whose windows have ended and are not proposed yet, in two queries."""
    last = {row.partner: window_after(window_of(row)) for row in Settlement.objects.filter(following=None)}
    following = {
        partner: last.get(partner) or month_of(first_at, sequence=1)
        for partner, first_at in first_accruals().items()
    }
    found = (PartnerDue(partner, _closable(window, now=now)) for partner, window in following.items())
    return [one for one in found if one.windows]


def known_partners() -> list[str]:
    """Return the partners to which a fee has ever accrued."""
    return list(first_accruals())


def previewed(partner: str, *, now: datetime) -> Iterator[tuple[Window, Closing]]:
    """Yield what each window that is due would come to; nothing is stored."""
    last, through_id = last_settlement(partner), last_record()
    earlier, carried = accrued_earlier(partner), carried_by(last)
    for window in due_windows(partner, now=now):
        found = accrued_before(partner, end=window.end, through_id=through_id)
        closing = close(without(found, earlier), carried)
        yield window, closing
        earlier, carried = found, Carried(closing.residue_msat, closing.residue_xof)


# How far each settlement is


def settlement(settlement_id: int) -> SettlementFacts:
    """Return one settlement. Raises: SettlementMissing."""
    return settlement_facts([settlement_row(str(settlement_id))])[0]


def settlement_row(settlement_id: str) -> Settlement:
    """Return the row of a settlement. Raises: SettlementMissing."""
    found = Settlement.objects.filter(pk=int(settlement_id)).first() if settlement_id.isdecimal() else None
    if found is None:
        raise SettlementMissing(settlement_id=settlement_id)
    return found


def settlement_of_month(partner: str, month: datetime | None) -> Settlement:
    """Return the settlement of a partner's month, or of its last one. Raises: SettlementMissing."""
    rows = Settlement.objects.filter(partner=partner).order_by("-sequence")
    found = (rows if month is None else rows.filter(period_start=month)).first()
    if found is None:
        raise SettlementMissing(settlement_id=f"{partner} {month:%Y-%m}" if month else partner)
    return found


def settlements_page(
    after: Position | None, limit: int, *, partner_name: str = "", status: str = ""
) -> Sequence[SettlementFacts]:
    """Return settlements, the newest first, after a position; of one partner and in one state, where given."""
    rows = Settlement.objects.filter(pk__in=keys_with(status)) if status else Settlement.objects.all()
    if partner_name:
        rows = rows.filter(partner=partner_name)
    if after is not None:
        rows = rows.filter(pk__lt=after[0])
    return settlement_facts(list(rows.order_by("-pk")[:limit]))


def settlement_facts(rows: Sequence[Settlement]) -> list[SettlementFacts]:
    """Return settlements with what their proposals and payments say of them, in a fixed number of queries."""
    proposals, payments = _proposals(rows), payments_of(rows)
    return [_facts(row, proposals.get(row.pk), payments.get(row.pk)) for row in rows]


def payments_of(rows: Iterable[Settlement]) -> dict[int, DisbursementFacts]:
    """Return the newest payment by a rail of each settlement that has one."""
    ordered = {subject_of(row.pk): row.pk for row in rows if row.state == SettlementState.ORDERED}
    return (
        {ordered[subject]: found for subject, found in disbursements_for(ordered).items()} if ordered else {}
    )


def _proposals(rows: Iterable[Settlement]) -> dict[int, Proposal]:
    """Return the newest proposal about each settlement."""
    keys = [str(row.pk) for row in rows]
    found = Proposal.objects.filter(kind=SETTLEMENT, subject_id__in=keys).order_by("pk")
    return {int(proposal.subject_id): proposal for proposal in found}


def _facts(row: Settlement, proposal: Proposal | None, payment: DisbursementFacts | None) -> SettlementFacts:
    return SettlementFacts(
        id=row.pk, partner=row.partner, period_start=row.period_start, period_end=row.period_end,
        amount_sats=row.accrued_sats, amount_xof=row.due_xof, residue_xof=row.residue_xof,
        status=status_of(row, is_open=proposal is not None and proposal.state == "open", payment=payment),
        created_at=row.closed_at, executed_at=payment.completed_at if payment else row.completed_at,
        proposal_id=proposal.pk if proposal else None, digest=proposal.digest if proposal else "",
        payout_id=payment.id if payment else None,
    )  # fmt: skip


def status_of(row: Settlement, *, is_open: bool, payment: DisbursementFacts | None) -> SettlementStatus:
    """Return how far a settlement is. `is_open`: a proposal about it waits for a decision."""
    if row.state == SettlementState.ORDERED and payment is not None:
        return STATUS_OF_PAYMENT[DisbursementState(payment.state)]
    if row.state == SettlementState.CLOSED:
        return SettlementStatus.PENDING if is_open else SettlementStatus.REJECTED
    is_settled = row.state == SettlementState.SETTLED
    return SettlementStatus.COMPLETED if is_settled else SettlementStatus.APPROVED


def keys_with(status: str) -> list[int]:
    """Return the settlements in a state, as people see it. A partner has twelve a year."""
    return [one.id for one in _all_facts(Settlement.objects.all()) if one.status == status]


def unsettled(partner: str = "") -> list[SettlementFacts]:
    """Return the settlements that are not completed, of all partners or of one, the oldest first.

    Twelve a year per partner are made.
    """
    rows = Settlement.objects.exclude(state=SettlementState.SETTLED).order_by("pk")
    rows = rows.filter(partner=partner) if partner else rows
    return [one for one in _all_facts(rows) if one.status != SettlementStatus.COMPLETED]


def earlier_unsettled(row: Settlement) -> SettlementFacts | None:
    """Return the first earlier settlement of the same partner that is not completed."""
    rows = Settlement.objects.filter(partner=row.partner, sequence__lt=row.sequence).order_by("sequence")
    found = _all_facts(rows.exclude(state=SettlementState.SETTLED))
    return next((one for one in found if one.status != SettlementStatus.COMPLETED), None)


def _all_facts(rows: QuerySet[Settlement]) -> list[SettlementFacts]:
    return settlement_facts(list(rows))


def settlements_summary(partner_name: str = "") -> SettlementsSummary:
    """Return counts and sums of all settlements, or those of one partner."""
    rows = Settlement.objects.all().order_by("pk")
    found = _all_facts(rows.filter(partner=partner_name) if partner_name else rows)
    by_status, by_partner = defaultdict(list), defaultdict(list)
    for one in found:
        by_status[str(one.status)].append(one)
        by_partner[one.partner].append(one)
    return SettlementsSummary(
        _totals(found),
        {name: _totals(by_status.get(name, [])) for name in SettlementStatus.values},
        {name: _totals(ones) for name, ones in sorted(by_partner.items())},
    )


def _totals(found: Sequence[SettlementFacts]) -> StatusTotals:
    return StatusTotals(
        len(found), sum(one.amount_xof for one in found), sum(one.amount_sats for one in found)
    )


def unsettled_xof(partner: str) -> int:
    """Return what a partner has accrued and was not paid, each share at its booked rate.

    Rounding: down, once, at the end.
    """
    paid_xof = sum(
        one.amount_xof
        for one in _all_facts(Settlement.objects.filter(partner=partner))
        if one.status == SettlementStatus.COMPLETED
    )
    return accrued_in_all(partner).worth // worth_of(Decimal(1)) - paid_xof


# Approvals and accounts


def approval_of(row: Settlement) -> ApprovedSettlement | None:
    """Return the approval of a settlement that holds."""
    return row.approvals.select_related("proposal", "account").order_by("-pk").first()


def is_repeatable(row: Settlement, status: str) -> bool:
    """Return whether a settlement in this state is proposed again.

    It is after a rejection, and while an approval allows no payment because another account is registered now.
    """
    if status not in (SettlementStatus.APPROVED, SettlementStatus.FAILED):
        return status == SettlementStatus.REJECTED
    approval = approval_of(row)
    return approval is not None and approval.account != account_in_use(row.partner)


def account_in_use(partner: str) -> SettlementAccount | None:
    """Return the account that a partner's settlements are paid to."""
    found = AdoptedSettlementAccount.objects.filter(account__partner=partner).select_related("account")
    last = found.order_by("-pk").first()
    return last.account if last else None


def person_of(partner: str) -> str:
    """Return under whose key the accounts of a partner are encrypted."""
    return f"partner:{partner}"


def sealed_account(row: SettlementAccount) -> SealedDestination:
    return SealedDestination(row.rail, row.kind, person_of(row.partner), bytes(row.sealed_value))


def opened_account(row: SettlementAccount) -> Destination:
    """Decrypt where a settlement goes."""
    return opened_with(keys_of([person_of(row.partner)]), sealed_account(row))


def registered_account(row: SettlementAccount) -> RegisteredAccount:
    """Return an account as people see it."""
    (masked,) = masked_destinations([sealed_account(row)])
    return RegisteredAccount(row.pk, row.rail, row.kind, masked.masked_value, row.holder, row.digest)
