"""What this app contributes to the back office: inbox items, and how a fee schedule is shown in facts."""

from fees import next_steps, timelines
from fees.evidence import show_brackets
from fees.inbox import INBOX
from sunusav.backoffice.navigation import Area, ListEntry

__all__ = ["FACT_FORMATS", "INBOX", "PROPOSAL_PAGES"]


NAVIGATION = [
    ListEntry(Area.FEES, "fees.feeschedule", "sell", rank=10),
    ListEntry(Area.FEES, "fees.feescheduledraft", "edit_note", rank=20),
    ListEntry(Area.FEES, "fees.discountgrant", "loyalty", rank=30),
    ListEntry(Area.FEES, "fees.feeassessment", "calculate", rank=40),
    ListEntry(Area.FEES, "fees.feerecord", "toll", rank=50),
]
PROPOSAL_PAGES = {"fee_schedule": "fees.feescheduledraft"}
FACT_FORMATS = {"brackets": show_brackets}
TIMELINES = [timelines.lines]
NEXT_STEPS = next_steps.NEXT_STEPS
