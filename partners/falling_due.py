"""Settlements that fall due: closed months that wait for their approval, and approved ones to pay."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from ledger.types import AccountRef, xof
from partners.enums import SettlementStatus
from partners.models import AdoptedSettlementAccount, ApprovedSettlement, Settlement, SettlementAccount
from partners.settlements.queries import settlement_facts
from transfers.rails import rail
from transfers.types import PaymentsDue
from transfers.types.accounts import BANK

# Windows settle in order, so those that are not paid are among the last: twelve a year per partner.
SETTLEMENTS_READ: Final = 100
_WHAT: Final = {
    SettlementStatus.PENDING: "due_settlement_pending",
    SettlementStatus.APPROVED: "due_settlement_approved",
}


def _settlements(days: Sequence[date]) -> Iterator[PaymentsDue]:
    """Yield what partners are owed and no payment was ordered for; due at once, as an approver may decide today."""
    rows = list(Settlement.objects.filter(due_xof__gt=0).order_by("-pk")[:SETTLEMENTS_READ])
    approved, registered = _approved([row.pk for row in rows]), _registered()
    for one in settlement_facts(rows):
        what = _WHAT.get(SettlementStatus(one.status))
        if what is not None:
            is_approved = one.status == SettlementStatus.APPROVED
            account = approved.get(one.id) if is_approved else registered.get(one.partner)
            yield PaymentsDue(_paid_from(account), days[0], what, 1, xof(one.amount_xof))


def _approved(settlement_ids: Sequence[int]) -> dict[int, SettlementAccount | None]:
    """Return the account that each settlement was last approved to be paid to."""
    rows = ApprovedSettlement.objects.filter(settlement__in=settlement_ids).select_related("account")
    return {row.settlement_id: row.account for row in rows.order_by("pk")}


def _registered() -> dict[str, SettlementAccount]:
    """Return the account in use of each partner."""
    rows = AdoptedSettlementAccount.objects.select_related("account").order_by("pk")
    return {row.account.partner: row.account for row in rows}


def _paid_from(account: SettlementAccount | None) -> AccountRef:
    """Return the account of ours that pays: the bank, where a partner has no account by a rail."""
    return rail(account.rail).account if account else BANK


FALLING_DUE = [_settlements]
