"""What the exports of this app's lists hold."""

from django.utils.translation import gettext_lazy as _

from partners.models import InboundWebhook
from partners.settlements import exports as settlements
from sunusav.core.exporting.columns import code_or_text, columns_of
from sunusav.core.exporting.types import Column, ListExport

EXPORTS = [
    ListExport(
        "partners.inboundwebhook",
        columns_of(
            InboundWebhook,
            "id",
            "received_at",
            Column(_("partner"), lambda row: code_or_text(row.partner)),
            "kind",
            "reference",
            "transaction_id",
            "authenticity",
            "outcome",
            "handled_at",
        ),
    ),
    *settlements.EXPORTS,
]
