"""Items of this app in the inbox of the back office, its page of all partners, and pages of its proposals."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from partners import queries
from partners.health import MANY_REFUSED
from partners.webhooks.refusals import refused_lately
from sunusav.backoffice.facts import show_code_or_text
from sunusav.backoffice.inbox import ALARM, ATTENTION, InboxItem, Notice
from sunusav.backoffice.money import show_in
from sunusav.backoffice.navigation import Area, ListEntry, PageEntry
from sunusav.core.models import User

PARTNERS_PAGE: Final = "admin:partners_overview"


def _low_floats(user: User, now: datetime) -> Notice | None:
    low = [one for one in queries.partner_floats(now=now).values() if one.is_low]
    value = ", ".join(
        f"{show_code_or_text(one.partner)} {show_in(one.rail.currency, one.balance_amount)}" for one in low
    )
    return (
        Notice(_("Money at partners is running low"), value, reverse(PARTNERS_PAGE), ALARM) if low else None
    )


def _refused_webhooks(user: User, now: datetime) -> Notice | None:
    many = [name for name in settings.PARTNERS if refused_lately(name, now=now) > MANY_REFUSED]
    value = ", ".join(show_code_or_text(name) for name in many)
    title = _("Many webhooks of partners are refused")
    return Notice(title, value, reverse(PARTNERS_PAGE), ATTENTION) if many else None


INBOX = [
    InboxItem("partners.view_floatminimum", _low_floats),
    InboxItem("partners.view_inboundwebhook", _refused_webhooks),
]
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
