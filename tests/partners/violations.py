"""Rows that break the constraints of the inbox and of minimum floats."""

from datetime import UTC, datetime
from typing import Any

from partners.models import AdoptedFloatMinimum, FloatMinimum, InboundWebhook
from tests.factories.floats import adopt_minimum, proposed_minimum
from tests.support.constraints import Violation, copy_of

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def delivery() -> InboundWebhook:
    return InboundWebhook.objects.create(
        partner="wave", event_key="AE_1", authenticity="signature", received_at=NOW, follow_at=NOW
    )


def adopted_minimum() -> AdoptedFloatMinimum:
    return adopt_minimum(proposed_minimum(now=NOW), now=NOW)


def minimum() -> FloatMinimum:
    return adopted_minimum().minimum


def another(row: AdoptedFloatMinimum, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the adoption of another minimum, by another proposal."""
    copies = {"minimum_id": copy_of(row.minimum), "proposal_id": copy_of(row.proposal)}
    for copied in copies.values():
        copied.save(force_insert=True)
    return {**{name: copied.pk for name, copied in copies.items()}, **changes}


VIOLATIONS = [
    Violation("inboundwebhook_event_stored_once", delivery, {"kind": "other"}),
    Violation("inboundwebhook_event_is_named", delivery, {"event_key": ""}),
    Violation("inboundwebhook_authenticity_is_known", delivery, {"event_key": "b", "authenticity": "none"}),
    Violation(
        "inboundwebhook_handled_has_outcome",
        delivery,
        {"event_key": "b", "follow_at": None, "handled_at": NOW},
    ),
    Violation("floatminimum_is_not_negative", minimum, {"minimum_xof": -1}),
    Violation("floatminimum_has_reason", minimum, {"reason": ""}),
    Violation(
        "adoptedfloatminimum_four_eyes",
        adopted_minimum,
        lambda row: another(row, approver_id=row.proposer_id),
    ),
    Violation(
        "partners_adoptedfloatminimum.minimum_id",
        adopted_minimum,
        lambda row: another(row, minimum_id=row.minimum_id),
    ),
    Violation(
        "partners_adoptedfloatminimum.proposal_id",
        adopted_minimum,
        lambda row: another(row, proposal_id=row.proposal_id),
    ),
]
