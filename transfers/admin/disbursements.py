"""Payments out: the timeline of each, and what a person may do about it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import mono, show_code
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import show_msat, show_sats
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Section, postings_of, trail_of
from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.models import User
from transfers.admin.review import PROPOSE_NOT_PAID, PROPOSE_PAID, QUERY_PROVIDER, last_answer, payment_box
from transfers.admin.timeline import attempts_with_history, bookings, facts_of, timeline_of
from transfers.enums import DISBURSEMENT_TRANSITIONS, DisbursementState
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import broke_their_worker, open_attempts_of
from transfers.services.disbursements import cancel_disbursement, retry_disbursement, subject_of
from transfers.services.limit_waivers import LIMIT_WAIVER, is_deferred, propose_waiver
from transfers.services.resolutions import MANUAL_RESOLUTION


def _retry(decision: Decision) -> None:
    retry_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _cancel(decision: Decision) -> None:
    cancel_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _propose_waiver(decision: Decision) -> None:
    propose_waiver(
        disbursement_id=decision.row.pk, proposer=decision.user, reason=decision.reason, now=decision.now
    )


def _may_be_waived(user: User, row: Disbursement) -> bool:
    return is_deferred(row) and open_proposal(LIMIT_WAIVER, str(row.pk)) is None


def _has_failed(user: User, row: Any) -> bool:
    return (
        row.state in (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW)
        and row.open_attempt is None
        and open_proposal(LIMIT_WAIVER, str(row.pk)) is None
    )


def _is_cancellable(user: User, row: Any) -> bool:
    return row.open_attempt is None and DisbursementState.CANCELLED in DISBURSEMENT_TRANSITIONS.get(
        row.state, frozenset()
    )


RETRY = Action(
    slug="retry",
    label=pgettext_lazy("button", "Retry"),
    question=_("The payment is tried again, as the same order. Read first how its last attempt ended."),
    done=_("will be tried again"),
    run=_retry,
    permission="transfers.retry_disbursement",
    form=ReasonAndCodeForm,
    is_offered=_has_failed,
    tone="good",
)
CANCEL = Action(
    slug="cancel",
    label=_("Cancel the payment"),
    question=_("Nothing is paid by this order any more, and what it was for may be ordered again."),
    done=_("cancelled"),
    run=_cancel,
    permission="transfers.cancel_disbursement",
    form=ReasonForm,
    is_offered=_is_cancellable,
    tone="bad",
)
WAIVE = Action(
    slug="waive",
    label=_("Propose a waiver"),
    question=_(
        "Another person decides whether this payment, to this destination, may pass the limits that defer it."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_waiver,
    permission="transfers.propose_payment_exception",
    form=ReasonAndCodeForm,
    is_offered=_may_be_waived,
)


# From settings: reading the values in use would scan the whole table for every page.
RAIL = choice_filter("rail", lambda: settings.RAILS)


class BrokeWorker(SimpleListFilter):
    """Keep the payments whose last worker failed because of a bug, and that are not paid yet."""

    title = _("broke its worker")
    parameter_name = "broke_worker"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset & broke_their_worker() if self.value() == "yes" else queryset


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "state", "failure", "payout_sats", "net_sats", "requested_at", "completed_at",
    )  # fmt: skip
    list_filter = ("state", RAIL, BrokeWorker, "requested_at")
    search_fields = ("id", "subject", "orders__reference")
    search_help_text = _("The exact number, subject (such as cycle:demo-cycle) or payment hash.")
    ordering = ("-id",)
    fields = (
        "subject", "state", "failure_code", "why", "payout_sats", "fee_sats", "net_sats", "payee_ref",
        "winner_ref", "group_ref", "settlement_partner", "rail", "destination_kind", "destination_value",
        "destination_replaced_at", "requested_at", "scheduled_at", "due_at", "admitted_at", "waived_at",
        "completed_at", "retries",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "failure_code", "group_ref", "winner_ref", "settlement_partner", "destination_replaced_at",
        "due_at", "admitted_at", "waived_at", "completed_at",
    )  # fmt: skip
    card_fields = (
        "subject", "state", "why", "payout_sats", "net_sats", "payee_ref", "rail", "destination_kind",
        "destination_value", "destination_replaced_at", "retries",
    )  # fmt: skip
    links = ("subject",)
    actions_offered = (QUERY_PROVIDER, PROPOSE_PAID, PROPOSE_NOT_PAID, WAIVE, RETRY, CANCEL)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Leave out a reason that only repeats its code."""
        fields = super().get_fields(request, obj)
        repeats = obj is not None and self.why(obj) in ("", show_code(obj.failure_code))
        return [name for name in fields if not repeats or name != "why"]

    @admin.display(description=_("failure"))
    def failure(self, row: Disbursement) -> str:
        return show_code(row.failure_code)

    @admin.display(description=_("why"))
    def why(self, row: Disbursement) -> str:
        return show_reason(row.failure_code, row.failure_facts)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_sats(row.payout_sats)}"

    def prepare(self, rows: Sequence[Any]) -> None:
        """Attach to each payment its open attempt, on which the offered actions depend."""
        open_ones = open_attempts_of([row.pk for row in rows])
        for row in rows:
            row.open_attempt = open_ones.get(row.pk)

    def card(self, action: Action, row: Any) -> Card:
        """Add the order that may still be paid: a person compares its hash with that in a wallet."""
        card, attempt = super().card(action, row), row.open_attempt
        if attempt is None:
            return card
        order = attempt.order
        shown: list[tuple[Any, Any]] = [
            (_("Payment hash or reference"), mono(order.reference)),
            (_("Payee"), mono(order.payee)),
        ]
        shown += [(_("Routing fee allowed"), show_msat(order.fee_limit_msat)), *last_answer(attempt)]
        return replace(card, facts=[*card.facts, *shown])

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        return payment_box(row, now=clock.now())

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        attempts = list(attempts_with_history(row))
        return (
            timeline_of(row, attempts),
            *(facts_of(attempt) for attempt in attempts),
            postings_of(bookings(attempts)),
            trail_of(
                [
                    subject_of(row.pk),
                    f"{MANUAL_RESOLUTION}:{row.pk}",
                    f"{LIMIT_WAIVER}:{row.pk}",
                ]
            ),
        )


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "disbursement", "rail", "hash_shown", "amount_msat", "prepared_at", "expires_at")
    list_filter = (RAIL, "prepared_at")
    list_select_related = ("disbursement",)
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.rail} {row.reference[:12]}…"

    @admin.display(description=_("payment hash"))
    def hash_shown(self, order: PaymentOrder) -> Any:
        return mono(order.reference)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("id", "disbursement", "number", "state", "opened_at", "closed_at", "outcome", "cost_msat")
    list_filter = ("state", "failure_class", "opened_at")
    list_select_related = ("disbursement",)
    search_fields = ("id", "order__reference")
    search_help_text = _("The exact number or payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return gettext("attempt %(number)s of disbursement %(disbursement)s") % {
            "number": row.number, "disbursement": row.disbursement_id,
        }  # fmt: skip
