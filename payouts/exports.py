"""What the exports of this app's lists hold. Their rows carry the facts that the lists show."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from payouts.enums import CycleStatus
from payouts.models import Contribution, Cycle, Refund
from payouts.types import CycleFacts
from sunusav.backoffice.refusals import show_reason
from sunusav.core.exporting.columns import SATS, column_of, columns_of
from sunusav.core.exporting.types import Column, ListExport
from sunusav.core.phrasing import code_label
from transfers.enums import DisbursementState


def status_shown(facts: CycleFacts) -> str:
    """Return the state of a cycle as people see it: one whose payout was reversed as such; what failed has a reason."""
    failure, is_failed = facts.payout_failure, facts.status == CycleStatus.FAILED
    is_reversed = is_failed and failure is not None and not failure.code
    return DisbursementState.REVERSED if is_reversed else facts.status


def _failure(row: Any) -> str:
    return str(show_reason(row.facts.failure.code, row.facts.failure.facts))


EXPORTS = [
    ListExport(
        "payouts.cycle",
        columns_of(
            Cycle,
            "id",
            "group",
            "cycle_index",
            Column(_("state"), lambda row: code_label(status_shown(row.facts))),
            "contribution_sats",
            Column(_("contributions settled"), lambda row: row.facts.contributions_settled),
            "members_count",
            Column(_("pot"), lambda row: row.payout_total_sats, SATS),
            "winner_user_id",
            "created_at",
            "ready_at",
            "cancelled_at",
        ),
    ),
    ListExport(
        "payouts.contribution",
        columns_of(
            Contribution, "id", "cycle", column_of(Contribution, "cycle__group"), "user_id", "amount_sats"
        ),
        related=("cycle",),
    ),
    ListExport(
        "payouts.refund",
        columns_of(
            Refund,
            "id",
            "user_id",
            "amount_sats",
            Column(_("state"), lambda row: code_label(row.facts.status)),
            Column(_("failure"), _failure),
            Column(_("payment"), lambda row: row.facts.payout_id),
            "requested_at",
        ),
    ),
]
