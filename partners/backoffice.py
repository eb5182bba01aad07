"""What this app contributes to the back office: inbox items, its page of all partners, pages of its proposals."""

from django.utils.translation import gettext_lazy as _

from partners import next_steps, timelines
from partners.inbox import INBOX, PARTNERS_PAGE
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry

__all__ = ["INBOX", "NAVIGATION", "PROPOSAL_PAGES"]

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
    ListEntry(Area.TECHNICAL, "partners.inboundwebhook", "webhook", rank=60),
]
PROPOSAL_PAGES = {"float_minimum": "partners.floatminimum"}
TIMELINES = [timelines.lines]
NEXT_STEPS = next_steps.NEXT_STEPS
