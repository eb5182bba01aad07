"""Inbox items about our money at partners and what they deliver, as last read: no partner is asked."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partners.health import MANY_REFUSED
from partners.models import InboundWebhook
from partners.queries import late_webhooks
from partners.settlements import inbox as settlements
from partners.webhooks.refusals import refused_lately
from sunusav.backoffice.facts import numbered, show_code_or_text
from sunusav.backoffice.inbox import (
    ALARM,
    ATTENTION,
    ROWS_SHOWN,
    Amount,
    InboxItem,
    NextStep,
    Notice,
    Row,
    Waiting,
    count_waiting,
)
from sunusav.backoffice.money import show_number
from sunusav.backoffice.sections import page_of
from sunusav.core.models import User
from sunusav.core.readings import health_of
from sunusav.core.roles import Role

PARTNERS_PAGE: Final = "admin:partners_overview"


def _low_floats(user: User, now: datetime) -> Notice | None:
    """Report the floats that were low when a worker last looked, at most some minutes ago."""
    floats = health_of("partners", now=now)
    low = {name: facts for name, facts in floats.items() if isinstance(facts, dict) and facts["is_low"]}
    if not low:
        return None
    rows = [_float(name, facts) for name, facts in sorted(low.items())]
    url = reverse(PARTNERS_PAGE)
    return Notice(_("Money at partners is running low"), "", url, ALARM, Waiting(len(low)), rows[:ROWS_SHOWN])


def _float(name: str, facts: dict[str, Any]) -> Row:
    days = facts["days_of_cover"]
    why = _("covers %(days)s days") % {"days": number_format(Decimal(days))} if days is not None else ""
    step = NextStep(
        _("Book a top-up"), reverse("admin:transfers_treasurymovement_action", args=["propose"]),
        "transfers.propose_treasury_movement",
    )  # fmt: skip
    balance = facts["balance"] or 0
    amount = Amount.of(facts["currency"], balance)
    return Row(
        show_code_or_text(name),
        reverse("admin:partners_partner", args=[name]),
        amount=amount,
        why=why,
        step=step,
    )


def _refused_webhooks(user: User, now: datetime) -> Notice | None:
    """Report partners of which many deliveries were refused: somebody forges, or a secret is set wrong here."""
    refused = {name: refused_lately(name, now=now) for name in settings.PARTNERS}
    many = {name: count for name, count in refused.items() if count > MANY_REFUSED}
    if not many:
        return None
    rows = [
        Row(
            show_code_or_text(name), reverse(PARTNERS_PAGE),
            why=ngettext("%(count)s refused in two hours", "%(count)s refused in two hours", count)
            % {"count": show_number(count)},
        )
        for name, count in many.items()
    ]  # fmt: skip
    title = _("Many webhooks of partners are refused")
    return Notice(title, "", reverse(PARTNERS_PAGE), ATTENTION, Waiting(sum(many.values())), rows)


def _late_webhooks(user: User, now: datetime) -> Notice | None:
    """Report deliveries that no worker follows."""
    late = late_webhooks(now)
    waiting = count_waiting(late, since="received_at")
    if waiting is None:
        return None
    url = f"{reverse('admin:partners_inboundwebhook_changelist')}?late=yes"
    rows = [_webhook(row) for row in late.order_by("follow_at")[:ROWS_SHOWN]]
    return Notice(_("Webhooks of partners that nobody follows"), "", url, ATTENTION, waiting, rows)


def _webhook(row: InboundWebhook) -> Row:
    page = page_of("partners.inboundwebhook", row.pk)
    return Row(f"{show_code_or_text(row.partner)} {numbered(row.pk)}", page, row.received_at)


INBOX = [
    InboxItem("partners.view_floatminimum", _low_floats, [Role.FINANCE]),
    InboxItem("partners.view_inboundwebhook", _refused_webhooks, [Role.OPERATOR]),
    InboxItem("partners.view_inboundwebhook", _late_webhooks, [Role.OPERATOR]),
    *settlements.INBOX,
]
