"""What this app contributes to the back office: inbox items, and how fee schedules and discounts are shown."""

from typing import Any

from django.utils.translation import gettext

from fees import next_steps, timelines
from fees.evidence import show_brackets
from fees.inbox import INBOX
from sunusav.backoffice.navigation import Area, ListEntry
from sunusav.backoffice.sections import link_to_page
from sunusav.core.subjects import key_of, kind_name

__all__ = ["FACT_FORMATS", "INBOX", "PAGE_FORMATS", "PROPOSAL_PAGES"]


def _granted_for(reference: str) -> Any:
    """Show the proposal for which a discount was granted."""
    if kind_name(reference) != "proposal":
        return reference
    number = gettext("proposal %(number)s") % {"number": key_of(reference)}
    return link_to_page("core.proposal", key_of(reference), number)


NAVIGATION = [
    ListEntry(Area.FEES, "fees.feeschedule", "sell", rank=10),
    ListEntry(Area.FEES, "fees.feescheduledraft", "edit_note", rank=20),
    ListEntry(Area.FEES, "fees.discountgrant", "loyalty", rank=30),
    ListEntry(Area.FEES, "fees.feeassessment", "calculate", rank=40),
    ListEntry(Area.FEES, "fees.feerecord", "toll", rank=50),
]
PROPOSAL_PAGES = {"fee_schedule": "fees.feescheduledraft"}
FACT_FORMATS = {"brackets": show_brackets, "for": _granted_for}
PAGE_FORMATS = {"fees.discountgrant.granted_for": _granted_for}
TIMELINES = [timelines.lines]
NEXT_STEPS = next_steps.NEXT_STEPS
