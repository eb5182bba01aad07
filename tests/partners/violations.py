"""Rows that break the constraints of the inbox."""

from datetime import UTC, datetime

from partners.models import InboundWebhook
from tests.support.constraints import Violation

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def delivery() -> InboundWebhook:
    return InboundWebhook.objects.create(
        partner="wave", event_key="AE_1", authenticity="signature", received_at=NOW, follow_at=NOW
    )


VIOLATIONS = [
    Violation("inboundwebhook_event_stored_once", delivery, {"kind": "other"}),
    Violation("inboundwebhook_event_is_named", delivery, {"event_key": ""}),
    Violation("inboundwebhook_authenticity_is_known", delivery, {"event_key": "b", "authenticity": "none"}),
    Violation(
        "inboundwebhook_handled_has_outcome",
        delivery,
        {"event_key": "b", "follow_at": None, "handled_at": NOW},
    ),
]
