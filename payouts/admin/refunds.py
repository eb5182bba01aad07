"""Refunds of members' credit."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payouts.calculations import refund_subject
from payouts.enums import REFUND_PAYMENT, RefundStage
from payouts.models import ProposedRefund, Refund
from payouts.queries.refunds import masked_destination, refund_facts, refunds_in
from payouts.services.refunds import cancel_refund
from sunusav.backoffice.actions import Action, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import show_choice
from sunusav.backoffice.facts import numbered
from sunusav.backoffice.filters import FewRows
from sunusav.backoffice.forms import ReasonForm
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Section, link_to_page
from sunusav.backoffice.timeline import timeline_of
from sunusav.core.actors import Actor
from sunusav.core.models import User
from transfers.enums import DisbursementState
from transfers.types import member_ref


def _cancel_refund(decision: Decision) -> None:
    cancel_refund(
        user_id=decision.row.user_id, refund_id=decision.row.pk, reason=decision.reason,
        actor=Actor.of(decision.user), now=decision.now,
    )  # fmt: skip


def _is_refund_unpaid(user: User, row: Any) -> bool:
    return row.facts.completed_at is None and row.facts.status != DisbursementState.CANCELLED


CANCEL_REFUND = Action(
    slug="cancel-refund",
    label=_("Cancel the refund"),
    question=_("It will not be paid, and its amount is the member's credit again."),
    done=_("cancelled"),
    run=_cancel_refund,
    permission="payouts.cancel_refund",
    form=ReasonForm,
    is_offered=_is_refund_unpaid,
    tone="bad",
)


class StageFilter(FewRows):
    """Keep the refunds that are not paid yet, or those that failed or are under review."""

    title = _("state")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (RefundStage.WAITING.value, _("not paid yet")),
            (RefundStage.FAILED.value, _("failed or under review")),
        ]

    def found(self, request: HttpRequest, value: str) -> QuerySet[Any]:
        return refunds_in(RefundStage(value))


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "amount_sats", "status", "failure", "requested_at")
    fields = (
        "user_id",
        "amount_sats",
        "status",
        "failure",
        "payment",
        "reason",
        "requested_by",
        "requested_at",
    )
    list_filter = (StageFilter,)
    search_fields = ("user_id",)
    search_help_text = _("The exact identifier of the member.")
    ordering = ("-id",)
    actions_offered = (CANCEL_REFUND,)
    card_fields = ("user_id", "amount_sats", "status", "reason")

    def prepare(self, rows: Sequence[Any]) -> None:
        for row, facts in zip(rows, refund_facts(rows), strict=True):
            row.facts = facts

    @admin.display(description=_("state"))
    def status(self, refund: Any) -> str:
        return show_choice(refund.facts.status)

    @admin.display(description=_("failure"))
    def failure(self, refund: Any) -> str:
        return str(show_reason(refund.facts.failure.code, refund.facts.failure.facts))

    @admin.display(description=_("payment"))
    def payment(self, refund: Any) -> str:
        return str(
            link_to_page("transfers.disbursement", refund.facts.payout_id, numbered(refund.facts.payout_id))
        )

    def masked_person(self, row: Any) -> str:
        return member_ref(row.user_id)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        payment = f"disbursement:{row.facts.payout_id}"
        return (timeline_of([refund_subject(row.pk), payment]),)


@admin.register(ProposedRefund)
class ProposedRefundAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "amount_sats", "rail", "proposed_at")
    fields = ("user_id", "amount_sats", "rail", "kind", "where", "reason", "proposed_at")
    search_fields = ("user_id",)
    search_help_text = _("The exact identifier of the member.")
    ordering = ("-id",)

    @admin.display(description=_("destination"))
    def where(self, row: ProposedRefund) -> str:
        return masked_destination(row)

    def masked_person(self, row: Any) -> str:
        return member_ref(row.user_id)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (timeline_of([f"{REFUND_PAYMENT}:{row.pk}"]),)
