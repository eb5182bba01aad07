"""Payments out and in, to read; retrying and cancelling ask first."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sunusav.core.models import User
from sunusav.core.money import MAX_SATS
from sunusav.desk.actions import Action, Button, Card, Decision
from sunusav.desk.admins import ReadOnlyAdmin
from sunusav.desk.columns import offered
from sunusav.desk.facts import moment, mono, say, say_known, show_facts
from sunusav.desk.forms import ReasonAndCodeForm, ReasonForm
from sunusav.desk.money import show_msat, show_sats
from sunusav.desk.sections import Facts, Section, link_to, postings_of, trail_of
from transfers.enums import DISBURSEMENT_TRANSITIONS, DisbursementState, LimitKind
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    LimitUsage,
    Partner,
    PaymentLimit,
    PaymentLimitRequest,
    PaymentOrder,
    RailBreaker,
    Receipt,
)
from transfers.queries import limits_in_force
from transfers.services.disbursements import cancel_disbursement, retry_disbursement, subject_of
from transfers.services.exceptions import PAYMENT_EXCEPTION, is_held_back, propose_exception
from transfers.services.limits import PAYMENT_LIMIT, propose_limit


def _retry(decision: Decision) -> None:
    retry_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _cancel(decision: Decision) -> None:
    cancel_disbursement(
        disbursement_id=decision.row.pk, actor=decision.actor, reason=decision.reason, now=decision.now
    )


def _propose_exception(decision: Decision) -> None:
    propose_exception(
        disbursement_id=decision.row.pk, proposer=decision.user, reason=decision.reason, now=decision.now
    )


def _may_be_excepted(user: User, row: Disbursement) -> bool:
    return is_held_back(row)


def _has_failed(user: User, row: Disbursement) -> bool:
    return row.state in (DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW)


def _is_cancellable(user: User, row: Disbursement) -> bool:
    return DisbursementState.CANCELLED in DISBURSEMENT_TRANSITIONS.get(row.state, frozenset())


RETRY = Action(
    slug="retry",
    label=pgettext_lazy("button", "Retry"),
    question=_("The payment is tried again, as the same order. Read first how its last attempt ended."),
    done=_("taken up again"),
    run=_retry,
    permission="transfers.retry_disbursement",
    form=ReasonAndCodeForm,
    is_offered=_has_failed,
    tone="good",
)
CANCEL = Action(
    slug="cancel",
    label=_("Cancel the payment"),
    question=_("Nothing is paid by this order any more, and what it was for may be ordered anew."),
    done=_("cancelled"),
    run=_cancel,
    permission="transfers.cancel_disbursement",
    form=ReasonForm,
    is_offered=_is_cancellable,
    tone="bad",
)
EXCEPT = Action(
    slug="except",
    label=_("Propose an exception"),
    question=_(
        "Another person decides whether this payment, to this destination, may pass what holds it back."
    ),
    done=_("proposed; another person has to approve"),
    run=_propose_exception,
    permission="transfers.propose_payment_exception",
    form=ReasonAndCodeForm,
    is_offered=_may_be_excepted,
)


# Offered from settings: to look for the values in use would read the whole table for every page.
RAIL = offered("rail", lambda: settings.RAILS)
METHOD = offered("method", lambda: settings.COLLECTORS)


@admin.register(Disbursement)
class DisbursementAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "state", "payout_sats", "fee_sats", "net_sats", "rail", "requested_at", "completed_at",
        "failure",
    )  # fmt: skip
    list_filter = ("state", RAIL, "requested_at")
    search_fields = ("id", "subject", "orders__reference")
    search_help_text = _("The exact number, subject (such as cycle:demo-cycle) or payment hash.")
    ordering = ("-id",)
    fields = (
        "subject", "state", "payout_sats", "fee_sats", "net_sats", "rail", "destination_kind",
        "destination_value", "destination_replaced_at", "payee_ref", "group_ref", "winner_ref", "settlement_partner",
        "requested_at", "scheduled_at", "due_at", "admitted_at", "excepted_at", "completed_at", "retries", "failure",
        "failure_message",
    )  # fmt: skip
    card_fields = (
        "subject", "state", "payout_sats", "net_sats", "rail", "destination_kind", "destination_value",
        "destination_replaced_at", "payee_ref", "retries", "failure", "failure_message",
    )  # fmt: skip
    links = ("subject",)
    actions_offered = (RETRY, EXCEPT, CANCEL)

    @admin.display(description=_("failure"))
    def failure(self, row: Disbursement) -> str:
        return say_known(row.failure_code)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_sats(row.payout_sats)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        attempts = list(_attempts_with_books(row))
        return (
            *(_story_of(attempt) for attempt in attempts),
            postings_of(_bookings(attempts)),
            trail_of([subject_of(row.pk), f"{PAYMENT_EXCEPTION}:{row.pk}"]),
        )


def _attempts_with_books(row: Disbursement) -> QuerySet[Attempt]:
    booked = row.attempts.select_related("order", "hold_transaction", "close_transaction").order_by("number")
    return booked.prefetch_related(
        "hold_transaction__entries__account", "close_transaction__entries__account"
    )


def _bookings(attempts: Iterable[Attempt]) -> Iterable[tuple[Any, Any]]:
    for attempt in attempts:
        yield gettext("attempt %(number)s: hold") % {"number": attempt.number}, attempt.hold_transaction
        yield gettext("attempt %(number)s: close") % {"number": attempt.number}, attempt.close_transaction


def _story_of(attempt: Attempt) -> Facts:
    order = attempt.order
    title = gettext("Attempt %(number)s: %(state)s") % {
        "number": attempt.number,
        "state": gettext(attempt.get_state_display()),
    }
    return Facts(
        title,
        (
            (_("Payment hash or reference"), mono(order.reference)),
            (_("Amount"), show_msat(order.amount_msat)),
            (_("Routing fee allowed"), show_msat(order.fee_limit_msat)),
            (_("Payee"), mono(order.payee)),
            (_("Paid from"), mono(order.source)),
            (_("Opened"), moment(attempt.opened_at)),
            (_("Sent"), moment(attempt.sent_at)),
            (_("Times sent"), attempt.sends),
            (_("Seen outside"), moment(attempt.seen_at)),
            (_("Closed"), moment(attempt.closed_at)),
            (_("Outcome"), say(attempt.outcome)),
            (_("Proof (preimage)"), mono(attempt.proof)),
            (_("Cost"), show_msat(attempt.cost_msat)),
            (_("Evidence"), show_facts(attempt.evidence)),
            (_("Order"), link_to(order, f"#{order.pk}")),
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


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "subject", "method", "state", "amount_msat", "received_msat", "requested_at", "settled_at",
    )  # fmt: skip
    list_filter = ("state", METHOD, "requested_at")
    search_fields = ("id", "subject", "reference")
    search_help_text = _("The exact number, subject or payment hash.")
    ordering = ("-id",)
    fields = (
        *list_display, "reference", "payment_request", "checkout_url", "expires_at", "ask_at", "memo",
        "credit_role", "credit_owner", "overpaid_role", "overpaid_owner",
    )  # fmt: skip

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {row.subject}, {show_msat(row.amount_msat)}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        receipts = row.receipts.select_related("transaction").prefetch_related(
            "transaction__entries__account"
        )
        booked = [(receipt.received_at, receipt.transaction) for receipt in receipts.order_by("pk")]
        return (postings_of(booked), trail_of([f"collection:{row.pk}"]))


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("id", "collection", "received_msat", "reference", "received_at", "transaction")
    list_filter = ("received_at",)
    list_select_related = ("collection", "transaction")
    search_fields = ("reference",)
    search_help_text = _("The exact payment hash.")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {show_msat(row.received_msat)}"


@admin.register(Partner)
class PartnerAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "countries", "position", "is_enabled")
    ordering = ("position",)


def _limit_kinds() -> list[tuple[str, str]]:
    return [(kind.value, gettext(str(kind.label))) for kind in LimitKind]


def _kind_shown(row: PaymentLimit | PaymentLimitRequest | LimitUsage) -> str:
    return gettext(row.get_kind_display())


class LimitForm(ReasonAndCodeForm):
    """Asks which limit, how much, and why."""

    kind = forms.ChoiceField(label=_("Limit"), choices=_limit_kinds)
    amount_sats = forms.IntegerField(label=_("Amount in sats"), min_value=0, max_value=MAX_SATS)
    field_order = ("kind", "amount_sats", "reason", "code")


def _propose_limit(decision: Decision) -> None:
    propose_limit(
        kind=decision.given["kind"], amount_sats=decision.given["amount_sats"], reason=decision.reason,
        proposer=decision.user, now=decision.now,
    )  # fmt: skip


PROPOSE_LIMIT = Action(
    slug="propose",
    label=_("Propose a limit"),
    question=_("The limit counts once another person has approved it."),
    done=_("proposed; another person has to approve"),
    run=_propose_limit,
    permission="transfers.propose_payment_limit",
    form=LimitForm,
    tone="good",
)


@admin.register(PaymentLimitRequest)
class PaymentLimitRequestAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "amount_sats", "reason", "requested_by", "requested_at")
    list_filter = ("kind",)
    list_select_related = ("requested_by",)
    ordering = ("-id",)
    actions_offered = (PROPOSE_LIMIT,)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer nothing in the list's menu: a proposal is about no row of it."""
        return {}

    def list_buttons(self, request: HttpRequest) -> list[Button]:
        return super().buttons(request, PaymentLimitRequest())

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        return []

    def rows_for(self, request: HttpRequest, keys: Sequence[str]) -> list[Any]:
        return [PaymentLimitRequest()]

    def name_of(self, row: Any) -> str:
        return f"#{row.pk} {_kind_shown(row)}, {show_sats(row.amount_sats)}" if row.pk else gettext("Limit")

    def card(self, action: Action, row: Any) -> Card:
        facts = [(_kind_shown(limit), show_sats(limit.amount_sats)) for limit in limits_in_force().values()]
        return Card(self.key_of(row), self.name_of(row), facts)

    def home_of(self, rows: Sequence[Any]) -> str:
        return self.list_url()

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"{PAYMENT_LIMIT}:{row.pk}"]),)


@admin.register(PaymentLimit)
class PaymentLimitAdmin(ReadOnlyAdmin):
    """The newest version of each kind is in force."""

    list_display = ("kind", "version", "amount_sats", "set_at", "proposer", "approver")
    list_filter = ("kind",)
    list_select_related = ("proposer", "approver")
    fields = ("kind", "version", "amount_sats", "set_at", "proposer", "approver", "request", "proposal")
    ordering = ("-id",)

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {row.version}"

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"{PAYMENT_LIMIT}:{row.kind}"]),)


@admin.register(LimitUsage)
class LimitUsageAdmin(ReadOnlyAdmin):
    list_display = ("kind", "key", "used_msat")
    list_filter = ("kind",)
    search_fields = ("key",)
    search_help_text = _("The exact key, such as 2026-03-04 user:awa or 2026-03-04T10:05.")
    ordering = ("-key",)

    def name_of(self, row: Any) -> str:
        return f"{_kind_shown(row)} {row.key}"


@admin.register(RailBreaker)
class RailBreakerAdmin(ReadOnlyAdmin):
    list_display = ("rail", "state", "failures", "retry_at", "changed_at")
    fields = ("rail", "state", "failures", "wait_seconds", "retry_at", "probe_id", "changed_at")
    ordering = ("rail",)

    def name_of(self, row: Any) -> str:
        return str(row.rail)

    def sections(self, request: HttpRequest, row: Any) -> Sequence[Section]:
        return (trail_of([f"rail:{row.rail}"]),)
