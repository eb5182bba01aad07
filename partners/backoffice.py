"""What this app contributes to the back office: inbox items, its page of all partners, pages of its proposals."""

from decimal import Decimal

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from partners import next_steps, timelines
from partners.inbox import INBOX, PARTNERS_PAGE
from partners.models import SettlementBankPayment
from sunusav.backoffice.facts import day, numbered
from sunusav.backoffice.money import show_xof
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry
from sunusav.backoffice.search import Search, reference, rows_found

__all__ = ["INBOX", "NAVIGATION", "PROPOSAL_PAGES"]


def _day_of(text: str) -> str:
    """Show the day in Dakar of a moment, whose hours are midnight."""
    return day(text[:10])


def _francs(text: str) -> str:
    return show_xof(Decimal(text))


def _paid_by_bank(text: str) -> QuerySet[SettlementBankPayment]:
    return SettlementBankPayment.objects.filter(reference=text)


NAVIGATION = [
    PageEntry(
        Area.PARTNERS,
        PARTNERS_PAGE,
        _("Partners in use"),
        "handshake",
        "partners.view_inboundwebhook",
        rank=10,
    ),
    ListEntry(Area.PARTNERS, "partners.floatminimum", "low_priority", rank=40),
    ListEntry(Area.PARTNERS, "partners.adoptedfloatminimum", "check", rank=45),
    ListEntry(Area.PARTNERS, "partners.settlement", "payments", rank=12),
    ListEntry(Area.PARTNERS, "partners.approvedsettlement", "check", rank=14),
    ListEntry(Area.PARTNERS, "partners.settlementbankpayment", "account_balance", rank=16),
    ListEntry(Area.PARTNERS, "partners.contestedline", "gavel", rank=18),
    ListEntry(Area.PARTNERS, "partners.settlementaccount", "contact_page", rank=42),
    ListEntry(Area.PARTNERS, "partners.adoptedsettlementaccount", "check", rank=43),
    ListEntry(Area.TECHNICAL, "partners.inboundwebhook", "webhook", rank=60),
]
PROPOSAL_PAGES = {
    "float_minimum": "partners.floatminimum",
    "settlement": "partners.settlement",
    "settlement_account": "partners.settlementaccount",
}
FACT_FORMATS = {
    "period_start": _day_of,
    "period_end": _day_of,
    "accrued_exactly": _francs,
    "carried_exactly": _francs,
    "left_over_exactly": _francs,
    "settlement_account": numbered,
    "paid_on": day,
    "contested_on": day,
    "latest": day,
}
SEARCHES = [
    Search(
        "settlements",
        _("Settlements, by the bank's reference"),
        "partners.view_settlementbankpayment",
        reference,
        rows_found(_paid_by_bank),
    ),
]
TIMELINES = [timelines.lines]
NEXT_STEPS = next_steps.NEXT_STEPS
