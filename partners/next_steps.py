"""What comes next for what a partner delivered."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from partners.models import InboundWebhook
from partners.settlements import next_steps as settlements
from sunusav.backoffice.next_steps import NOTHING_TO_DO, NextStep
from sunusav.backoffice.sections import show_subject
from transfers.reference_queries import subject_of_reference


def webhook_step(row: InboundWebhook, now: datetime) -> NextStep:
    """Return what comes next for a delivery, with a link to the payment or the request that it names."""
    if row.handled_at is not None:
        return NextStep(_("followed"), NOTHING_TO_DO, link=_about(row), tone="good")
    text = _("A worker asks the partner about what it names.")
    return NextStep(_("not followed yet"), text, until=row.follow_at, link=_about(row))


def _about(row: InboundWebhook) -> Any:
    subject = subject_of_reference(method=row.partner, reference=row.reference) if row.reference else ""
    return show_subject(subject) if subject else ""


NEXT_STEPS = {"partners.inboundwebhook": webhook_step, **settlements.NEXT_STEPS}
