"""What this app contributes to the back office: inbox items, and how a fee schedule is shown in facts."""

from collections.abc import Sequence

from django.utils.translation import gettext

from fees import next_steps, timelines
from fees.inbox import INBOX
from sunusav.backoffice.money import show_ppm, show_sats
from sunusav.backoffice.navigation import Area, ListEntry

__all__ = ["FACT_FORMATS", "INBOX", "PROPOSAL_PAGES"]


def show_brackets(brackets: Sequence[tuple[int, int]]) -> str:
    """Show brackets given as pairs of an amount in sats and a rate in ppm."""
    return "; ".join(
        gettext("from %(amount)s: %(rate)s") % {"amount": show_sats(from_sats), "rate": show_ppm(rate_ppm)}
        for from_sats, rate_ppm in brackets
    )


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
