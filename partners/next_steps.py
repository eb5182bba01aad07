"""What comes next for what a partner delivered."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners.models import InboundWebhook
from sunusav.backoffice.next_steps import NOTHING_TO_DO, NextStep
from sunusav.backoffice.sections import link_to
from transfers.reference_queries import collection_of_reference, payment_of_reference


def webhook_step(row: InboundWebhook, now: datetime) -> NextStep:
    """Return what comes next for a delivery, with a link to the payment or the request that it names."""
    if row.handled_at is not None:
        return NextStep(_("followed"), NOTHING_TO_DO, link=_about(row), tone="good")
    text = _("A worker asks the partner about what it names.")
    return NextStep(_("not followed yet"), text, until=row.follow_at, link=_about(row))


def _about(row: InboundWebhook) -> Any:
    if not row.reference:
        return ""
    payment = payment_of_reference(rail=row.partner, reference=row.reference)
    if payment is not None:
        return link_to(payment, gettext("payment %(number)s") % {"number": payment.pk})
    request = collection_of_reference(method=row.partner, reference=row.reference)
    return link_to(request, gettext("payment request %(number)s") % {"number": request.pk}) if request else ""


NEXT_STEPS = {"partners.inboundwebhook": webhook_step}
