"""Years of settlements with two partners: each month was closed, approved and paid by the bank, but for the last two.

A partner has twelve a year, however many payouts there are: they are made by the services, not copied.
"""

from datetime import datetime, timedelta
from typing import Final

from partners.models import Settlement
from partners.settlements.calculations import month_of
from partners.settlements.services.payments import Approved, BankEvidence, record_bank_payment
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.attachments import upload
from tests.factories.settlements import accrue, another_partner, approved, closed, rate_of
from tests.factories.treasury import BANK, book
from tests.factories.users import make_user
from transfers.enums import TreasuryKind
from transfers.types import Movement

PARTNERS: Final = 2
YEAR: Final = timedelta(days=365)
# When the schedule closes a month, after its end.
CLOSED_AFTER: Final = timedelta(hours=3)
FUNDED_XOF: Final = 10**9


def settle_years(years: int, *, now: datetime) -> int:
    """Settle the months since so many years ago with each partner; return how many settlements that makes."""
    began_at = now - years * YEAR
    rate_of("8000000", at=began_at)
    deposit = Movement(TreasuryKind.CAPITAL_DEPOSIT, BANK, FUNDED_XOF)
    book(deposit, now=began_at, happened_on=began_at.date())
    maker, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    before = Settlement.objects.count()
    for _ in range(PARTNERS):
        _settle_months(another_partner(at=began_at, now=began_at), began_at, maker, approver, now=now)
    return Settlement.objects.count() - before


def _settle_months(partner: str, began_at: datetime, maker: User, approver: User, *, now: datetime) -> None:
    month = month_of(began_at, sequence=1)
    while (closed_at := month.end + CLOSED_AFTER) <= now:
        accrue(1_000_000, at=month.end - CLOSED_AFTER, partner=partner)
        row = closed(partner=partner, now=closed_at, proposer=maker)
        if month.end < now - timedelta(days=35):
            seen = approved(row, now=closed_at, approver=approver)
            if month.end < now - timedelta(days=65):
                _pay(row, seen, maker, now=closed_at)
        month = month_of(month.end, sequence=month.sequence + 1)


def _pay(row: Settlement, seen: Approved, executor: User, *, now: datetime) -> None:
    evidence = BankEvidence(f"BICIS {row.pk}", now.date(), "transfer", upload())
    record_bank_payment(settlement_id=row.pk, seen=seen, evidence=evidence, user=executor, now=now)
