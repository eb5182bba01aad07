"""Payments out: the timeline of each, and what a person may do about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.actions import Action, Card, Decision
from sunusav.backoffice.admins import ReadOnlyAdmin
from sunusav.backoffice.columns import choice_filter
from sunusav.backoffice.facts import mono, numbered, show_code
from sunusav.backoffice.filters import MOST_FOUND, amount_filter, few_rows
from sunusav.backoffice.forms import ReasonAndCodeForm, ReasonForm
from sunusav.backoffice.money import NOTHING, show_in, show_msat, show_rate, show_xof
from sunusav.backoffice.refusals import show_reason
from sunusav.backoffice.sections import Box, Section, name_of_subject, postings_of
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from sunusav.core.approvals import open_proposal
from sunusav.core.models import User
from sunusav.core.money import MSAT_PER_SAT
from sunusav.core.phrasing import labelled
from transfers.admin.attempts import (
    attempts_with_history,
    bookings,
    destinations_table,
    facts_of,
)
from transfers.admin.costs import show_cost
from transfers.admin.reversals import PROPOSE_REVERSAL, REQUEST_RETURN, amount_to_return
from transfers.admin.review import attach_attempts, last_answer, payment_box
from transfers.admin.review_actions import PROPOSE_NOT_PAID, PROPOSE_PAID, PROPOSE_WRITE_OFF, QUERY_PROVIDER
from transfers.attempt_queries import paid_outside_books
from transfers.destination_queries import masked_destinations
from transfers.enums import DISBURSEMENT_TRANSITIONS, DisbursementState
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import (
    broke_their_worker,
    destination_in_use,
    destinations_of,
    overdue,
    stuck_unreviewed,
    subject_of,
)
from transfers.services.disbursements import cancel_disbursement, retry_disbursement
from transfers.services.limit_waivers import LIMIT_WAIVER, is_deferred, propose_waiver


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


# Fields of a payment whose net was converted into francs.
# From settings: reading the values in use would scan the whole table for every page.
RAIL = choice_filter("rail", lambda: settings.RAILS)
DESTINATION_RAIL = choice_filter("destinations__rail", lambda: settings.RAILS, heading=_("rail"))
AMOUNT = amount_filter("payout_msat", name="payout_sats", heading=_("amount in sats"), factor=MSAT_PER_SAT)


def _paid_outside(now: datetime) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(
        pk__in=list(paid_outside_books().values_list("disbursement_id", flat=True)[:MOST_FOUND])
    )


# What items of the inbox count.
OVERDUE = few_rows("overdue", overdue, heading=_("due, and not taken"))
BROKE_WORKER = few_rows("broke_worker", lambda _now: broke_their_worker(), heading=_("broke its worker"))
PAID_OUTSIDE = few_rows("paid_outside", _paid_outside, heading=_("paid outside the books"))
STUCK = few_rows("stuck", stuck_unreviewed, heading=_("without an outcome for an hour"))


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "state", "failure", "payout_msat", "net_msat", "requested_at", "completed_at",
    )  # fmt: skip
    list_filter = (
        "state", DESTINATION_RAIL, AMOUNT, "requested_at", OVERDUE, BROKE_WORKER, PAID_OUTSIDE,
    )  # fmt: skip
    search_fields = ("id", "subject", "orders__reference")
    search_help_text = _("The exact number, subject (such as cycle:demo-cycle) or payment hash.")
    ordering = ("-id",)
    fields = (
        "subject", "state", "failure_code", "why", "payout_msat", "fee_msat", "net_msat", "pay_xof", "left_over",
        "rate_shown", "payee_ref", "winner_ref", "group_ref", "settlement_partner", "requested_at",
        "scheduled_at", "terms_at", "due_at", "admitted_at", "waived_at", "completed_at", "retries",
        "approved_digest",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "failure_code", "pay_xof", "group_ref", "winner_ref", "settlement_partner", "approved_digest", "due_at",
        "admitted_at", "waived_at", "completed_at",
    )  # fmt: skip
    card_fields = (
        "subject", "state", "why", "payout_msat", "net_msat", "pay_xof", "payee_ref", "where", "retries",
    )  # fmt: skip
    links = ("subject", "failure_code")
    actions_offered = (
        QUERY_PROVIDER, PROPOSE_PAID, PROPOSE_NOT_PAID, PROPOSE_WRITE_OFF, WAIVE, REQUEST_RETURN,
        PROPOSE_REVERSAL, RETRY, CANCEL,
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Leave out a reason that only repeats its code, and what only a conversion has."""
        left_out = set()
        if obj is not None and self.why(obj) in ("", show_code(obj.failure_code)):
            left_out.add("why")
        if obj is not None and obj.conversion_id is None:
            left_out |= {"left_over", "rate_shown"}
        return [name for name in super().get_fields(request, obj) if name not in left_out]

    @admin.display(description=_("left over for the payee"))
    def left_over(self, row: Disbursement) -> str:
        return show_xof(row.residue_xof)

    @admin.display(description=_("exchange rate"))
    def rate_shown(self, row: Disbursement) -> str:
        return NOTHING if row.conversion is None else show_rate(row.conversion.rate.rate_xof_per_btc)

    @admin.display(description=_("destination"))
    def where(self, row: Disbursement) -> Any:
        chosen = destination_in_use(destinations_of(row))
        (masked,) = masked_destinations([chosen.destination])
        return labelled(f"{show_code(chosen.rail)} {show_code(chosen.kind)}", masked.masked_value)

    @admin.display(description=_("failure"))
    def failure(self, row: Disbursement) -> str:
        return show_code(row.failure_code)

    @admin.display(description=_("why"))
    def why(self, row: Disbursement) -> str:
        return show_reason(row.failure_code, row.failure_facts)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {name_of_subject(row.subject)}, {show_msat(row.payout_msat)}"

    def prepare(self, rows: Sequence[Any]) -> None:
        attach_attempts(rows)

    def card(self, action: Action, row: Any) -> Card:
        """Add the order that may be paid, or was: a person compares its hash with that in a wallet."""
        card, attempt = super().card(action, row), row.attempt_to_resolve or row.attempt_outside
        if action in (REQUEST_RETURN, PROPOSE_REVERSAL):
            return replace(card, facts=[*card.facts, *amount_to_return(row)])
        if attempt is None:
            return card
        order = attempt.order
        shown: list[tuple[Any, Any]] = [
            (_("Payment hash or reference"), mono(order.reference)),
        ]
        shown += [(_("Cost allowed"), show_in(order.currency, order.cost_limit)), *last_answer(attempt)]
        return replace(card, facts=[*card.facts, *shown])

    def masked_person(self, row: Any) -> str:
        return str(row.person_ref)

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        return payment_box(row, now=clock.now())

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        attempts = list(attempts_with_history(row))
        return (
            timeline_of([subject_of(row.pk)]),
            destinations_table(row),
            *(facts_of(attempt) for attempt in attempts),
            postings_of(bookings(row, attempts)),
        )


@admin.register(PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "disbursement", "rail", "hash_shown", "amount_shown", "prepared_at", "expires_at")
    list_filter = (RAIL,)
    list_select_related = ("disbursement",)
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{numbered(row.pk)} {show_code(row.rail)} {row.reference[:12]}…"

    @admin.display(description=_("payment hash"))
    def hash_shown(self, order: PaymentOrder) -> Any:
        return mono(order.reference)

    @admin.display(description=_("amount"))
    def amount_shown(self, order: PaymentOrder) -> str:
        return show_in(order.currency, order.amount)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "disbursement",
        "number",
        "state",
        "opened_at",
        "closed_at",
        "outcome",
        "cost_shown",
    )
    fields = (
        "disbursement", "order", "number", "state", "opened_at", "sends", "sent_at", "send_not_after", "seen_at",
        "asked_at", "closed_at", "unpaid_at", "paid_outside_at", "outcome", "failure_class", "verdict", "proof",
        "cost_shown", "evidence", "payment_transaction",
    )  # fmt: skip
    fields_hidden_when_empty = (
        "sent_at", "send_not_after", "seen_at", "asked_at", "closed_at", "unpaid_at", "paid_outside_at", "outcome",
        "failure_class", "verdict", "proof", "payment_transaction",
    )  # fmt: skip
    list_filter = ("state", "failure_class", "closed_at", STUCK)
    links = ("order__rail",)  # from charts
    list_select_related = ("disbursement", "order")
    search_fields = ("id", "order__reference")
    search_help_text = _("The exact number or payment hash.")
    ordering = ("-id",)

    @admin.display(description=_("cost"))
    def cost_shown(self, row: Attempt) -> str:
        return show_cost(row)

    def name_of(self, row: Any) -> str:
        return gettext("attempt %(number)s of disbursement %(disbursement)s") % {
            "number": row.number, "disbursement": row.disbursement_id,
        }  # fmt: skip
